// Bytes of a scene file to typed arrays; the inverse of `pack` in report/scene_payload.py.
const TYPES = { u1: Uint8Array, i1: Int8Array, u2: Uint16Array, u4: Uint32Array, f4: Float32Array };

async function unpack(packed, width) {
  const text = atob(packed.data);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const raw = await new Response(stream).arrayBuffer();
  return packed.type === "u2" ? fromSteps(new Uint8Array(raw), width) : new TYPES[packed.type](raw);
}

// u2 is stored as differences within a column, all low bytes before all high bytes.
function fromSteps(raw, width) {
  const total = raw.length / 2;
  const count = total / width;
  const values = new Uint16Array(total);
  for (let column = 0; column < width; column++) {
    let value = 0;
    for (let i = column * count; i < (column + 1) * count; i++) {
      value = (value + (raw[i] | (raw[total + i] << 8))) & 0xffff;
      values[i] = value;
    }
  }
  return values;
}

function interleave(columns, width, target) {
  const count = columns.length / width;
  for (let column = 0; column < width; column++) {
    for (let i = 0; i < count; i++) target[i * width + column] = columns[column * count + i];
  }
  return target;
}

async function decodeScene(payload) {
  const count = payload.shown;
  const quantised = await unpack(payload.positions, 3);
  const positions = new Float32Array(count * 3);
  for (let axis = 0; axis < 3; axis++) {
    for (let i = 0; i < count; i++) {
      positions[i * 3 + axis] = payload.origin[axis] + payload.step * quantised[axis * count + i];
    }
  }
  const normals = interleave(await unpack(payload.normals, 3), 3, new Int8Array(count * 3));
  const corners = await unpack(payload.cameras, 15);
  const cameras = interleave(corners, 15, new Float32Array(corners.length));
  const layers = [];
  for (const layer of payload.layers) {
    const width = layer.kind === "rgb" ? 3 : 1;
    const columns = await unpack(layer.packed, width);
    const values = width === 3 ? interleave(columns, 3, new Uint8Array(count * 3)) : columns;
    layers.push({ ...layer, packed: null, values });
  }
  if (payload.hasNormals) layers.splice(1, 0, normalLayer(normals));
  return { ...payload, positions, normals, cameras, layers, count };
}

function normalLayer(normals) {
  const values = new Uint8Array(normals.length);
  for (let i = 0; i < normals.length; i++) values[i] = normals[i] + 127;
  const note = "x, y, z of the normal as red, green, blue";
  return { key: "normals", name: "Normals", group: "Scene", kind: "rgb", note, values };
}
