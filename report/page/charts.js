// Values under the pointer in line charts, read back from the places of the drawn points.
function watchChart(svg) {
  const { x, y, box } = JSON.parse(svg.dataset.scale);
  const [left, top, right, bottom] = box;
  const reading = svg.parentElement.querySelector(".reading");
  const cursor = svg.querySelector(".cursor");
  const atEnd = reading.textContent;
  const lines = [...svg.querySelectorAll("polyline[data-name]")].map((line) => ({
    name: line.dataset.name,
    points: line.getAttribute("points").split(" ").map((pair) => pair.split(",").map(Number)),
  }));
  const valueAt = (down) => y[1] - (down - top) / (bottom - top) * (y[1] - y[0]);
  const stepAt = (across) => x[0] + (across - left) / (right - left) * (x[1] - x[0]);

  svg.addEventListener("pointermove", (event) => {
    const { x: across } = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    const near = lines.map(({ name, points }) => ({ name, point: nearest(points, across) }))
      .filter(({ point }) => point);
    if (!near.length) return leave();
    const place = near.map(({ point }) => point[0])
      .reduce((a, b) => (Math.abs(b - across) < Math.abs(a - across) ? b : a));
    cursor.setAttribute("x1", place);
    cursor.setAttribute("x2", place);
    cursor.setAttribute("visibility", "visible");
    const values = near.map(({ name, point }) => `${name} ${shortNumber(valueAt(point[1]))}`).join(", ");
    reading.textContent = `step ${Math.round(stepAt(place)).toLocaleString("en").replaceAll(",", " ")}: ${values}`;
  });
  svg.addEventListener("pointerleave", leave);
  function leave() {
    cursor.setAttribute("visibility", "hidden");
    reading.textContent = atEnd;
  }
}

// The point of a line that is nearest to a place, if the line reaches there.
function nearest(points, across) {
  if (across < points[0][0] - 8 || across > points.at(-1)[0] + 8) return null;
  return points.reduce((a, b) => (Math.abs(b[0] - across) < Math.abs(a[0] - across) ? b : a));
}

function shortNumber(value) {
  return value !== 0 && Math.abs(value) < 5e-3 ? value.toExponential(2) : value.toPrecision(3);
}

document.querySelectorAll("svg.chart[data-scale]").forEach(watchChart);
