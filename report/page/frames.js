// The kept frames as pictures with the teachers' masks over them.
function showFrames(frames) {
  const section = document.getElementById("frames");
  section.hidden = !frames.length;
  const teachers = [...new Set(frames.flatMap((frame) => frame.overlays.map((overlay) => overlay.teacher)))];
  const shown = new Set(teachers.slice(0, 1));
  const opacity = document.getElementById("opacity");
  const grid = document.getElementById("frame-grid");
  grid.replaceChildren(...frames.map(frameFigure));
  const update = () => {
    for (const image of grid.querySelectorAll("img[data-teacher]")) {
      image.style.opacity = shown.has(image.dataset.teacher) ? opacity.value : 0;
    }
    document.getElementById("frame-legend").replaceChildren(...frameLegend(frames, shown).map(chip));
  };
  const boxes = teachers.map((teacher) => {
    const box = element("input", { type: "checkbox", checked: shown.has(teacher) });
    box.addEventListener("change", () => {
      if (box.checked) shown.add(teacher);
      else shown.delete(teacher);
      update();
    });
    const label = element("label");
    label.append(box, ` ${teacher}`);
    return label;
  });
  document.getElementById("frame-teachers").replaceChildren(...boxes);
  document.getElementById("frame-controls").hidden = !teachers.length;
  opacity.oninput = update;
  update();
}

function frameFigure(frame) {
  const picture = element("div", { className: "picture" });
  picture.style.aspectRatio = `${frame.hw[1]} / ${frame.hw[0]}`;
  picture.append(element("img", { src: frame.picture, alt: `frame ${frame.name}`, loading: "lazy" }));
  for (const overlay of frame.overlays) {
    const names = overlay.legend.map((item) => item.name).join(", ") || "nothing";
    const image = element("img", { src: overlay.picture, alt: `${overlay.teacher} sees: ${names}` });
    image.dataset.teacher = overlay.teacher;
    picture.append(image);
  }
  const figure = element("figure");
  figure.append(picture, element("figcaption", { textContent: frame.name }));
  return figure;
}

function frameLegend(frames, shown) {
  const classes = new Map();
  for (const overlay of frames.flatMap((frame) => frame.overlays)) {
    for (const item of shown.has(overlay.teacher) ? overlay.legend : []) {
      const known = classes.get(item.name) || { ...item, share: 0 };
      classes.set(item.name, { ...known, share: known.share + item.share });
    }
  }
  return [...classes.values()].sort((a, b) => b.share - a.share);
}

function chip(item) {
  const row = element("li");
  row.append(swatch(item.color), item.name);
  return row;
}

function swatch(color) {
  const box = element("span", { className: "swatch" });
  box.style.background = `rgb(${color.join(",")})`;
  return box;
}

function element(tag, properties) {
  return Object.assign(document.createElement(tag), properties);
}
