// An orbiting camera: a target, a distance and two angles around the scene's own up direction.
const FOV = (45 * Math.PI) / 180;
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
const scaled = (a, s) => [a[0] * s, a[1] * s, a[2] * s];
const plus = (...vectors) => vectors.reduce((sum, v) => [sum[0] + v[0], sum[1] + v[1], sum[2] + v[2]], [0, 0, 0]);
const unit = (a) => scaled(a, 1 / (Math.hypot(...a) || 1));

class OrbitCamera {
  constructor(view, positions, aspect) {
    this.start = view;
    this.positions = positions;
    this.up = unit(view.up);
    const axis = [0, 1, 2].sort((a, b) => Math.abs(this.up[a]) - Math.abs(this.up[b]))[0];
    this.east = unit(cross(this.up, [axis === 0, axis === 1, axis === 2].map(Number)));
    this.north = cross(this.up, this.east);
    this.reset(aspect);
  }

  reset(aspect) {
    const forward = unit(this.start.forward);
    this.target = [...this.start.target];
    this.pitch = Math.asin(Math.max(-1, Math.min(1, -dot(forward, this.up))));
    this.yaw = Math.atan2(dot(forward, this.north), dot(forward, this.east));
    this.distance = this.fittingDistance(Math.max(aspect, 0.3));
  }

  // The distance from which all but the outermost points are in the picture.
  fittingDistance(aspect) {
    const { forward, right, above } = this.axes();
    const [wide, high] = [Math.tan(FOV / 2) * aspect, Math.tan(FOV / 2)];
    const count = this.positions.length / 3;
    const needed = [];
    for (let i = 0; i < count; i += Math.ceil(count / 4000)) {
      const offset = [0, 1, 2].map((axis) => this.positions[i * 3 + axis] - this.target[axis]);
      const across = Math.max(Math.abs(dot(offset, right)) / wide, Math.abs(dot(offset, above)) / high);
      needed.push(across - dot(offset, forward));
    }
    needed.sort((a, b) => a - b);
    return Math.max(1.1 * needed[Math.floor(0.985 * (needed.length - 1))], 0.05 * this.start.radius_m);
  }

  turn(dx, dy) {
    this.yaw -= dx * 0.006;
    this.pitch = Math.max(-1.55, Math.min(1.55, this.pitch + dy * 0.006));
  }

  zoom(factor) {
    const radius = this.start.radius_m;
    this.distance = Math.max(radius * 0.02, Math.min(radius * 12, this.distance * factor));
  }

  axes() {
    const level = plus(scaled(this.east, Math.cos(this.yaw)), scaled(this.north, Math.sin(this.yaw)));
    const forward = plus(scaled(level, Math.cos(this.pitch)), scaled(this.up, -Math.sin(this.pitch)));
    const right = unit(cross(forward, this.up));
    return { forward, right, above: cross(right, forward) };
  }

  move(dx, dy, height) {
    const { right, above } = this.axes();
    const metres = (2 * this.distance * Math.tan(FOV / 2)) / height;
    this.target = plus(this.target, scaled(right, -dx * metres), scaled(above, dy * metres));
  }

  // Column-major clip_from_world, and the eye in the world.
  matrices(aspect) {
    const { forward, right, above } = this.axes();
    const eye = plus(this.target, scaled(forward, -this.distance));
    const near = Math.max(this.distance / 100, this.start.radius_m / 1000);
    const far = this.distance + 10 * this.start.radius_m;
    const fy = 1 / Math.tan(FOV / 2);
    const [a, b] = [(far + near) / (near - far), (2 * far * near) / (near - far)];
    const rows = [
      [...scaled(right, fy / aspect), (-fy / aspect) * dot(right, eye)],
      [...scaled(above, fy), -fy * dot(above, eye)],
      [...scaled(forward, -a), a * dot(forward, eye) + b],
      [...forward, -dot(forward, eye)],
    ];
    const clip = new Float32Array(16);
    rows.forEach((row, i) => row.forEach((value, j) => (clip[j * 4 + i] = value)));
    return { clip, eye, fy };
  }
}
