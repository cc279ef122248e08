// Points and camera outlines in WebGL2; knows colours, not what they mean.
const POINT_VERTEX = `#version 300 es
in vec3 position; in vec3 normal; in vec4 color;
uniform mat4 clip_from_world; uniform vec3 eye; uniform vec3 background;
uniform float size_px; uniform float shade; uniform float cull;
out vec3 tint;
void main() {
  gl_Position = clip_from_world * vec4(position, 1.0);
  float known = step(0.1, dot(normal, normal));
  float facing = dot(normalize(normal + vec3(1e-6)), normalize(eye - position));
  float light = mix(1.0, 0.58 + 0.42 * abs(facing), known * shade);
  tint = mix(background, color.rgb * light, color.a);
  gl_PointSize = clamp(size_px / gl_Position.w, 1.0, 48.0) * mix(0.6, 1.0, step(0.5, color.a));
  if (cull * known > 0.5 && facing < -0.02) gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
}`;
const POINT_FRAGMENT = `#version 300 es
precision mediump float;
in vec3 tint; out vec4 pixel;
void main() {
  vec2 c = gl_PointCoord - 0.5;
  if (dot(c, c) > 0.25) discard;
  pixel = vec4(tint, 1.0);
}`;
const LINE_VERTEX = `#version 300 es
in vec3 position; uniform mat4 clip_from_world;
void main() { gl_Position = clip_from_world * vec4(position, 1.0); }`;
const LINE_FRAGMENT = `#version 300 es
precision mediump float;
uniform vec3 ink; out vec4 pixel;
void main() { pixel = vec4(ink, 1.0); }`;
const OUTLINE = [0, 1, 0, 2, 0, 3, 0, 4, 1, 2, 2, 3, 3, 4, 4, 1];

class PointRenderer {
  constructor(canvas) {
    const gl = canvas.getContext("webgl2", { antialias: true, alpha: false, preserveDrawingBuffer: true });
    if (!gl) throw new Error("no WebGL2");
    this.gl = gl;
    this.canvas = canvas;
    this.points = program(gl, POINT_VERTEX, POINT_FRAGMENT);
    this.lines = program(gl, LINE_VERTEX, LINE_FRAGMENT);
    this.buffers = { position: gl.createBuffer(), normal: gl.createBuffer(), color: gl.createBuffer() };
    this.pointArray = gl.createVertexArray();
    gl.bindVertexArray(this.pointArray);
    attribute(gl, this.points, "position", this.buffers.position, 3, gl.FLOAT, false);
    attribute(gl, this.points, "normal", this.buffers.normal, 3, gl.BYTE, true);
    attribute(gl, this.points, "color", this.buffers.color, 4, gl.UNSIGNED_BYTE, true);
    this.lineBuffer = gl.createBuffer();
    this.lineArray = gl.createVertexArray();
    gl.bindVertexArray(this.lineArray);
    attribute(gl, this.lines, "position", this.lineBuffer, 3, gl.FLOAT, false);
    this.count = 0;
    this.numLineEnds = 0;
  }

  setScene(scene) {
    this.count = scene.count;
    this.spacing = scene.view.spacing_m;
    this.upload(this.buffers.position, scene.positions);
    this.upload(this.buffers.normal, scene.normals);
    const cameras = scene.cameras.length / 15;
    const ends = new Float32Array(cameras * OUTLINE.length * 3);
    for (let camera = 0; camera < cameras; camera++) {
      OUTLINE.forEach((corner, k) => {
        for (let axis = 0; axis < 3; axis++) {
          ends[(camera * OUTLINE.length + k) * 3 + axis] = scene.cameras[camera * 15 + corner * 3 + axis];
        }
      });
    }
    this.numLineEnds = ends.length / 3;
    this.upload(this.lineBuffer, ends);
  }

  setColors(rgba) {
    this.upload(this.buffers.color, rgba);
  }

  upload(buffer, array) {
    this.gl.bindBuffer(this.gl.ARRAY_BUFFER, buffer);
    this.gl.bufferData(this.gl.ARRAY_BUFFER, array, this.gl.STATIC_DRAW);
  }

  resize() {
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    const width = Math.max(1, Math.round(this.canvas.clientWidth * ratio));
    const height = Math.max(1, Math.round(this.canvas.clientHeight * ratio));
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    return width / height;
  }

  draw(camera, look) {
    const gl = this.gl;
    const { clip, eye, fy } = camera.matrices(this.resize());
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    gl.clearColor(...look.background, 1);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.enable(gl.DEPTH_TEST);
    const at = (name) => gl.getUniformLocation(this.points, name);
    gl.useProgram(this.points);
    gl.uniformMatrix4fv(at("clip_from_world"), false, clip);
    gl.uniform3fv(at("eye"), eye);
    gl.uniform3fv(at("background"), look.ghost);
    gl.uniform1f(at("size_px"), 0.5 * this.canvas.height * fy * this.spacing * 1.35 * look.size);
    gl.uniform1f(at("shade"), look.shade ? 1 : 0);
    gl.uniform1f(at("cull"), look.cull ? 1 : 0);
    gl.bindVertexArray(this.pointArray);
    gl.drawArrays(gl.POINTS, 0, this.count);
    if (look.cameras) this.drawLines(clip, look.ink);
    return gl.getError() === gl.NO_ERROR ? this.count : 0;
  }

  drawLines(clip, ink) {
    const gl = this.gl;
    gl.useProgram(this.lines);
    gl.uniformMatrix4fv(gl.getUniformLocation(this.lines, "clip_from_world"), false, clip);
    gl.uniform3fv(gl.getUniformLocation(this.lines, "ink"), ink);
    gl.bindVertexArray(this.lineArray);
    gl.drawArrays(gl.LINES, 0, this.numLineEnds);
  }
}

function program(gl, vertex, fragment) {
  const linked = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(linked, shader);
  }
  gl.linkProgram(linked);
  if (!gl.getProgramParameter(linked, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(linked));
  return linked;
}

function attribute(gl, linked, name, buffer, size, type, normalised) {
  const place = gl.getAttribLocation(linked, name);
  gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
  gl.enableVertexAttribArray(place);
  gl.vertexAttribPointer(place, size, type, normalised, 0, 0);
}
