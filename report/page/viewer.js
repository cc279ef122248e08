// The page: scenes loaded on demand, layers, legend, picking, keyboard and address.
const $ = (id) => document.getElementById(id);
const page = JSON.parse($("page-data").textContent);
const state = { scene: null, layer: null, pointsDrawn: 0, ready: false, error: null, isolated: [] };
const cache = new Map();
const waiting = new Map();
const UNLABELLED = [132, 136, 142];
const GHOST = 38;
let hover = null;
let [renderer, camera, scene, layer, queued, picked] = [null, null, null, null, false, -1];

state.receive = (payload) => waiting.get(payload.id)?.(payload);
state.select = (sceneId, layerKey) => showScene(sceneId, layerKey);
window.teach3d = state;

function say(text) {
  $("message").textContent = text;
  $("message").hidden = !text;
  state.error = text || null;
}

// ---- scenes
function loadScene(entry) {
  if (cache.has(entry.id)) return cache.get(entry.id);
  const loading = new Promise((resolve, reject) => {
    const tag = element("script", { src: entry.file.split("/").map(encodeURIComponent).join("/") });
    waiting.set(entry.id, resolve);
    tag.onerror = () => reject(new Error(`${entry.file} is missing beside this page`));
    document.head.append(tag);
  }).then(decodeScene);
  cache.set(entry.id, loading);
  loading.catch(() => cache.delete(entry.id));
  for (const id of [...cache.keys()].slice(0, -3)) cache.delete(id);
  return loading;
}

async function showScene(sceneId, layerKey) {
  const entry = page.scenes.find((item) => item.id === sceneId) || page.scenes[0];
  $("scene").value = entry.id;
  state.ready = false;
  document.body.dataset.ready = "";
  $("status").textContent = `loading ${entry.id} …`;
  let loaded;
  try {
    loaded = await loadScene(entry);
  } catch (error) {
    $("status").textContent = "";
    return say(`This scene cannot be shown: ${error.message}.`);
  }
  if ($("scene").value !== entry.id) return;
  if (renderer) say("");
  scene = loaded;
  state.scene = entry.id;
  picked = -1;
  $("picked").hidden = true;
  $("scene-title").textContent = sceneFacts(entry, loaded);
  showFrames(loaded.frames);
  buildLayerList();
  if (renderer) {
    renderer.setScene(loaded);
    camera = new OrbitCamera(loaded.view, loaded.positions, renderer.resize());
    $("cull").disabled = !loaded.hasNormals;
  }
  showLayer(layerKey);
}

function sceneFacts(entry, loaded) {
  const points = `${entry.points.toLocaleString("en").replaceAll(",", " ")} points`;
  const shown = loaded.shown < entry.points ? `, every ${(entry.points / loaded.shown).toFixed(1)}th shown` : "";
  return `${page.scenes.length > 1 ? "" : entry.id + " · "}${points}${shown} · ${entry.frames} frames`;
}

// ---- layers
function buildLayerList() {
  const groups = new Map();
  scene.layers.forEach((item, index) => {
    if (!groups.has(item.group)) {
      const box = element("fieldset", { className: "group" });
      box.append(element("legend", { textContent: item.group }));
      groups.set(item.group, box);
    }
    const input = element("input", { type: "radio", name: "layer", value: item.key });
    input.addEventListener("change", () => showLayer(item.key));
    const label = element("label", { title: index < 9 ? `${item.note} (key ${index + 1})` : item.note });
    label.append(input, element("span", { textContent: item.name }));
    groups.get(item.group).append(label);
  });
  $("layers").replaceChildren(...groups.values());
}

function showLayer(key) {
  layer = scene.layers.find((item) => item.key === key) || scene.layers[0];
  state.layer = layer.key;
  state.isolated = [];
  $("threshold").value = 0;
  for (const input of $("layers").querySelectorAll("input")) input.checked = input.value === layer.key;
  $("legend-title").textContent = layer.name;
  $("legend-note").textContent = layer.note;
  showLegend();
  recolour();
  const address = new URLSearchParams({ scene: state.scene, layer: layer.key });
  history.replaceState(null, "", `#${address}`);
}

function stepLayer(by) {
  const at = scene.layers.indexOf(layer);
  showLayer(scene.layers[(at + by + scene.layers.length) % scene.layers.length].key);
}

function showLegend() {
  const scalar = layer.kind === "scalar";
  $("ramp").hidden = !scalar;
  if (scalar) showRamp();
  const rows = layer.kind === "labels"
    ? layer.names.map((name, id) => ({ id, name, color: layer.colors[id], count: layer.counts[id] }))
    : [];
  rows.sort((a, b) => b.count - a.count);
  if (layer.unlabelled) {
    const name = scalar ? "unknown" : "no label";
    rows.push({ id: -1, name, color: UNLABELLED, count: layer.unlabelled });
  }
  const shown = rows.filter((row) => row.count > 0);
  $("legend").replaceChildren(...shown.map((row) => legendRow(row, scalar)));
}

function legendRow(row, fixed) {
  const button = element("button", { type: "button", disabled: fixed });
  button.setAttribute("aria-pressed", "false");
  button.dataset.classId = row.id;
  const share = (100 * row.count) / scene.count;
  button.title = `${row.count.toLocaleString("en")} points; click to see only this`;
  button.append(
    swatch(row.color),
    element("span", { className: "name", textContent: row.name }),
    element("span", { className: "count", textContent: share < 0.05 ? "<0.1 %" : `${share.toFixed(1)} %` }),
  );
  button.addEventListener("click", () => isolate(row.id));
  const item = element("li");
  item.append(button);
  return item;
}

function isolate(id) {
  const chosen = state.isolated;
  state.isolated = chosen.includes(id) ? chosen.filter((other) => other !== id) : [...chosen, id];
  for (const button of $("legend").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(state.isolated.includes(Number(button.dataset.classId))));
  }
  recolour();
}

function showRamp() {
  const stops = [0, 32, 64, 96, 128, 160, 192, 224, 255].map((k) => `rgb(${page.colorMap[k].join(",")})`);
  $("ramp-bar").style.background = `linear-gradient(90deg, ${stops.join(",")})`;
  const whole = layer.key === "views";
  $("ramp-low").textContent = formatted(layer.range[0], whole);
  $("ramp-high").textContent = formatted(layer.range[1], whole);
  const cut = Number($("threshold").value);
  $("threshold-out").textContent = cut ? formatted(scalarAt(cut + 1), whole) : "off";
}

const formatted = (value, whole) => (whole ? String(Math.round(value)) : value.toFixed(3));
const scalarAt = (level) => layer.range[0] + ((level - 1) / 254) * (layer.range[1] - layer.range[0]);

function recolour() {
  if (!renderer) return finish();
  const rgba = new Uint8Array(scene.count * 4);
  const paint = { rgb: paintRgb, labels: paintLabels, ids: paintIds, scalar: paintScalar }[layer.kind];
  paint(rgba, layer.values);
  renderer.setColors(rgba);
  redraw();
}

function put(rgba, i, color, strength) {
  rgba[i * 4] = color[0];
  rgba[i * 4 + 1] = color[1];
  rgba[i * 4 + 2] = color[2];
  rgba[i * 4 + 3] = strength;
}

function paintRgb(rgba, values) {
  for (let i = 0; i < scene.count; i++) put(rgba, i, values.subarray(i * 3, i * 3 + 3), 255);
}

function paintLabels(rgba, values) {
  const none = noneOf(values);
  const only = new Set(state.isolated);
  for (let i = 0; i < scene.count; i++) {
    const id = values[i] === none ? -1 : values[i];
    put(rgba, i, id < 0 ? UNLABELLED : layer.colors[id], only.size && !only.has(id) ? GHOST : 255);
  }
}

function paintIds(rgba, values) {
  const none = noneOf(values);
  for (let i = 0; i < scene.count; i++) put(rgba, i, values[i] === none ? UNLABELLED : idColor(values[i]), 255);
}

function paintScalar(rgba, values) {
  const cut = Number($("threshold").value);
  for (let i = 0; i < scene.count; i++) {
    const level = values[i];
    put(rgba, i, level ? page.colorMap[level] : UNLABELLED, cut && level <= cut ? GHOST : 255);
  }
}

const noneOf = (values) => 2 ** (8 * values.BYTES_PER_ELEMENT) - 1;

// Golden-angle hues: neighbouring ids differ.
function idColor(id) {
  const hue = ((id * 137.50776) % 360) / 60;
  const [high, low] = [[236, 70], [214, 92], [190, 52]][id % 3];
  return [0, 4, 2].map((shift) => {
    const t = Math.abs(((hue + shift) % 6) - 3) - 1;
    return Math.round(low + (high - low) * Math.max(0, Math.min(1, t)));
  });
}

// ---- drawing
function redraw() {
  if (queued || !renderer || !scene) return;
  queued = true;
  requestAnimationFrame(() => {
    queued = false;
    const style = getComputedStyle(document.documentElement);
    const background = parseColor(style.getPropertyValue("--view"));
    const look = {
      background,
      ghost: background.map((v) => (v > 0.5 ? v - 0.12 : v + 0.16)),
      ink: parseColor(style.getPropertyValue("--accent")),
      size: Number($("size").value),
      shade: $("shade").checked && layer.key !== "colour" && layer.key !== "normals",
      cull: $("cull").checked && scene.hasNormals,
      cameras: $("show-cameras").checked,
    };
    state.pointsDrawn = renderer.draw(camera, look);
    finish();
  });
}

function finish() {
  $("status").textContent = "";
  state.ready = true;
  document.body.dataset.ready = "true";
}

function parseColor(text) {
  const value = parseInt(text.trim().slice(1), 16);
  return [16, 8, 0].map((shift) => ((value >> shift) & 255) / 255);
}

// ---- picking
function nearestPoint(x, y, reach) {
  const { clip, eye } = camera.matrices($("canvas").clientWidth / $("canvas").clientHeight);
  const [w2, h2] = [$("canvas").clientWidth / 2, $("canvas").clientHeight / 2];
  const { positions: p, normals: n } = scene;
  const cull = $("cull").checked && scene.hasNormals;
  let [best, bestCost] = [-1, Infinity];
  for (let i = 0; i < scene.count; i++) {
    const [a, b, c] = [p[i * 3], p[i * 3 + 1], p[i * 3 + 2]];
    const w = clip[3] * a + clip[7] * b + clip[11] * c + clip[15];
    if (w <= 0) continue;
    const dx = ((clip[0] * a + clip[4] * b + clip[8] * c + clip[12]) / w + 1) * w2 - x;
    const dy = (1 - (clip[1] * a + clip[5] * b + clip[9] * c + clip[13]) / w) * h2 - y;
    const off = dx * dx + dy * dy;
    if (off > reach * reach) continue;
    if (cull && n[i * 3] * (eye[0] - a) + n[i * 3 + 1] * (eye[1] - b) + n[i * 3 + 2] * (eye[2] - c) < 0) continue;
    const cost = w * (1 + Math.sqrt(off) * 0.004);
    if (cost < bestCost) [best, bestCost] = [i, cost];
  }
  return best;
}

function describe(item, i) {
  const value = item.values[i];
  if (item.kind === "labels") return value === noneOf(item.values) ? "no label" : item.names[value];
  if (item.kind === "ids") return value === noneOf(item.values) ? "none" : `number ${value}`;
  if (item.kind !== "scalar") return "";
  if (!value) return "unknown";
  return formatted(item.range[0] + ((value - 1) / 254) * (item.range[1] - item.range[0]), item.key === "views");
}

function showTip(event) {
  const box = $("canvas").getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top];
  const found = layer && layer.kind !== "rgb" ? nearestPoint(x, y, 7) : -1;
  $("tip").hidden = found < 0;
  if (found < 0) return;
  $("tip").textContent = describe(layer, found);
  const flip = x > box.width - 180;
  $("tip").style.transform = `translate(calc(${Math.round(x)}px ${flip ? "- 100% - 10px" : "+ 14px"}), ${Math.round(y + 10)}px)`;
}

function pick(x, y) {
  picked = nearestPoint(x, y, 9);
  $("picked").hidden = picked < 0;
  if (picked < 0) return;
  const list = element("dl");
  const at = [0, 1, 2].map((axis) => scene.positions[picked * 3 + axis].toFixed(2)).join(", ");
  const facts = scene.layers.map((item) => [item.name, describe(item, picked)]);
  for (const [name, text] of [...facts, ["position", `${at} m`]]) {
    if (text) list.append(element("dt", { textContent: name }), element("dd", { textContent: text }));
  }
  $("picked").replaceChildren(element("h3", { textContent: "This point" }), list);
}

// ---- hands
function listenToPointer(canvas) {
  const touches = new Map();
  let [travelled, spread] = [0, 0];
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    touches.set(event.pointerId, [event.clientX, event.clientY]);
    if (touches.size === 1) travelled = 0;
    spread = 0;
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!scene) return;
    const before = touches.get(event.pointerId);
    if (!before) return void (hover = event);
    $("tip").hidden = true;
    const [dx, dy] = [event.clientX - before[0], event.clientY - before[1]];
    touches.set(event.pointerId, [event.clientX, event.clientY]);
    travelled += Math.abs(dx) + Math.abs(dy);
    if (touches.size === 2) {
      const [a, b] = [...touches.values()];
      const apart = Math.hypot(a[0] - b[0], a[1] - b[1]);
      if (spread) camera.zoom(spread / apart);
      spread = apart;
      camera.move(dx / 2, dy / 2, canvas.clientHeight);
    } else if (event.buttons & 6 || event.shiftKey) camera.move(dx, dy, canvas.clientHeight);
    else camera.turn(dx, dy);
    redraw();
  });
  const leave = (event) => {
    const click = touches.size === 1 && travelled < 4 && event.type === "pointerup" && event.button === 0;
    touches.delete(event.pointerId);
    spread = 0;
    if (click && scene) pick(event.offsetX, event.offsetY);
  };
  canvas.addEventListener("pointerup", leave);
  canvas.addEventListener("pointercancel", leave);
  canvas.addEventListener("pointerleave", () => {
    hover = null;
    $("tip").hidden = true;
  });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    if (!scene) return;
    camera.zoom(Math.exp(Math.max(-240, Math.min(240, event.deltaY)) * (event.ctrlKey ? 0.008 : 0.0013)));
    redraw();
  }, { passive: false });
  canvas.addEventListener("dblclick", (event) => {
    const found = scene ? nearestPoint(event.offsetX, event.offsetY, 12) : -1;
    if (found < 0) return;
    camera.target = [...scene.positions.subarray(found * 3, found * 3 + 3)];
    camera.zoom(0.6);
    redraw();
  });
}

setInterval(() => {
  if (hover && scene && renderer) showTip(hover);
  hover = null;
}, 80);

function listenToKeys() {
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("select, input[type=range], input[type=checkbox]");
    if (!scene || event.ctrlKey || event.metaKey || event.altKey || typing) return;
    const digit = "123456789".indexOf(event.key);
    if (digit >= 0 && scene.layers[digit]) showLayer(scene.layers[digit].key);
    else if (event.key === "ArrowRight") stepLayer(1);
    else if (event.key === "ArrowLeft") stepLayer(-1);
    else if (event.key === "r" || event.key === "R") resetView();
    else if (event.key === "+" || event.key === "=") camera?.zoom(0.85);
    else if (event.key === "-") camera?.zoom(1.18);
    else return;
    event.preventDefault();
    redraw();
  });
}

function resetView() {
  camera?.reset(renderer.resize());
  redraw();
}

function savePicture() {
  $("canvas").toBlob((blob) => {
    const link = element("a", { href: URL.createObjectURL(blob), download: `${state.scene}-${layer.key.replace(/\W+/g, "-")}.png` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
}

function stepScene(by) {
  const at = page.scenes.findIndex((entry) => entry.id === state.scene);
  showScene(page.scenes[(at + by + page.scenes.length) % page.scenes.length].id, state.layer);
}

function fromAddress() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  const sceneId = wanted.get("scene") || page.scenes[0].id;
  if (scene && sceneId === state.scene) showLayer(wanted.get("layer"));
  else showScene(sceneId, wanted.get("layer"));
}

function startRenderer() {
  try {
    renderer = new PointRenderer($("canvas"));
  } catch {
    say("This browser has no WebGL2, which the 3D view needs. Frames and tables below work without it; try a current Firefox, Chrome or Safari.");
    return;
  }
  listenToPointer($("canvas"));
  $("canvas").addEventListener("webglcontextlost", () => say("The graphics driver stopped; reload the page."));
  new ResizeObserver(redraw).observe($("view"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}

function main() {
  $("scene").replaceChildren(...page.scenes.map((entry) => element("option", { value: entry.id, textContent: entry.id })));
  $("scene-choice").hidden = page.scenes.length < 2;
  $("scene").addEventListener("change", () => showScene($("scene").value, state.layer));
  $("scene-back").addEventListener("click", () => stepScene(-1));
  $("scene-next").addEventListener("click", () => stepScene(1));
  $("reset").addEventListener("click", resetView);
  $("save").addEventListener("click", savePicture);
  $("threshold").addEventListener("input", () => (showRamp(), recolour()));
  for (const id of ["size", "shade", "cull", "show-cameras"]) $(id).addEventListener("input", redraw);
  window.addEventListener("hashchange", fromAddress);
  startRenderer();
  listenToKeys();
  fromAddress();
}

main();
