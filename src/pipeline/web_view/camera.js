// SPDX-License-Identifier: Apache-2.0
//
// Where the viewer stands, and how mouse, fingers and keys move it. World axes: x right, y down,
// z forward. A pose is 12 numbers, the upper three rows of world_from_view.

export const add = (a, b) => a.map((v, i) => v + b[i]);
export const scaled = (a, s) => a.map((v) => v * s);
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0]];
const unit = (a) => scaled(a, 1 / Math.max(Math.hypot(...a), 1e-12));

export const columnOf = (pose, i) => [pose[i], pose[4 + i], pose[8 + i]];
const fromColumns = (x, y, z, t) => [0, 1, 2].flatMap((i) => [x[i], y[i], z[i], t[i]]);

// A view from `eye` along `forward` with the horizon level.
export function poseAlong(eye, forward) {
  const z = unit(forward);
  const level = cross(z, [0, -1, 0]);
  // Straight up or down any horizon is level.
  const x = Math.hypot(...level) > 1e-6 ? unit(level) : [1, 0, 0];
  return fromColumns(x, cross(z, x), z, eye);
}

export function inverse(pose) {
  const [x, y, z, t] = [0, 1, 2, 3].map((i) => columnOf(pose, i));
  return [...x, -dot(x, t), ...y, -dot(y, t), ...z, -dot(z, t)];
}

export function product(a, b) {
  const column = (i) => {
    const c = columnOf(b, i);
    return [0, 1, 2].map((r) => a[4 * r] * c[0] + a[4 * r + 1] * c[1] + a[4 * r + 2] * c[2]
      + (i === 3 ? a[4 * r + 3] : 0));
  };
  return fromColumns(column(0), column(1), column(2), column(3));
}

// Between two poses; the axes are blended and made orthonormal again, which does for a flight.
function blend(a, b, s) {
  const mix = a.map((v, i) => v + (b[i] - v) * s);
  const z = unit(columnOf(mix, 2));
  const x = unit(cross(columnOf(mix, 1), z));
  return fromColumns(x, cross(z, x), z, columnOf(mix, 3));
}

const FLIGHT_MS = 600;
const MAX_PITCH = Math.PI / 2 - 0.001;

export class ViewCamera {
  // position, target  where the viewer stands at first
  constructor(position, target) {
    this.home = {position, target};
    this.mode = 'free';  // 'free', 'camera' (rides with the filming one), 'planned'
    this.flight = null;
    this.lookAt(position, target);
  }

  lookAt(position, target) {
    const way = add(target, scaled(position, -1));
    this.target = target;
    this.distance = Math.max(Math.hypot(...way), 0.01);
    this.yaw = Math.atan2(way[0], way[2]);
    this.pitch = Math.asin(Math.max(-1, Math.min(1, way[1] / this.distance)));
    this.clampPitch();
  }

  clampPitch() { this.pitch = Math.max(-MAX_PITCH, Math.min(MAX_PITCH, this.pitch)); }

  forward() {
    const c = Math.cos(this.pitch);
    return [Math.sin(this.yaw) * c, Math.sin(this.pitch), Math.cos(this.yaw) * c];
  }

  freePose() {
    const forward = this.forward();
    return poseAlong(add(this.target, scaled(forward, -this.distance)), forward);
  }

  // frame may be missing.
  pose(frame, now) {
    let pose = this.mode === 'free' || !frame ? this.freePose()
      : this.mode === 'camera' ? frame.worldFromCam : frame.worldFromView;
    if (this.flight) {
      const s = (now - this.flight.begin) / FLIGHT_MS;
      if (s >= 1) this.flight = null;
      else pose = blend(this.flight.from, pose, s * s * (3 - 2 * s));
    }
    this.shown = pose;
    return pose;
  }

  switchTo(mode) {
    if (this.shown) this.flight = {from: this.shown, begin: performance.now()};
    this.mode = mode;
  }

  reset() {
    this.switchTo('free');
    this.lookAt(this.home.position, this.home.target);
  }

  // From here on the user leads, from where the picture was last seen.
  release() {
    if (this.mode === 'free' && !this.flight) return;
    const eye = columnOf(this.shown, 3);
    this.mode = 'free';
    this.flight = null;
    this.lookAt(eye, add(eye, scaled(columnOf(this.shown, 2), this.distance)));
  }

  orbit(dx, dy) {
    this.release();
    this.yaw -= dx * 0.005;
    this.pitch += dy * 0.005;
    this.clampPitch();
  }

  // By pixels of a picture whose focal length is `focal` pixels.
  pan(dx, dy, focal) {
    this.release();
    const pose = this.freePose();
    const metres = this.distance / focal;
    this.target = add(this.target, add(scaled(columnOf(pose, 0), -dx * metres),
      scaled(columnOf(pose, 1), -dy * metres)));
  }

  zoom(factor) {
    this.release();
    this.distance = Math.max(0.01, Math.min(1e5, this.distance * factor));
  }

  // right, down, forward in shares of the distance to the target.
  walk(right, down, ahead) {
    this.release();
    const pose = this.freePose();
    const step = [0, 1, 2].reduce((sum, i) =>
      add(sum, scaled(columnOf(pose, i), [right, down, ahead][i] * this.distance)), [0, 0, 0]);
    this.target = add(this.target, step);
  }
}

// Calls change() after each move.
export function listenToPointers(canvas, camera, focalOf, change) {
  const pointers = new Map();
  const centre = () => {
    const all = [...pointers.values()];
    return [0, 1].map((i) => all.reduce((sum, p) => sum + p[i], 0) / all.length);
  };
  const spread = () => {
    const [a, b] = [...pointers.values()];
    return Math.hypot(a[0] - b[0], a[1] - b[1]);
  };
  canvas.addEventListener('pointerdown', (event) => {
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, [event.clientX, event.clientY]);
  });
  canvas.addEventListener('pointermove', (event) => {
    if (!pointers.has(event.pointerId)) return;
    const before = centre();
    const spreadBefore = pointers.size === 2 ? spread() : 0;
    pointers.set(event.pointerId, [event.clientX, event.clientY]);
    const after = centre();
    const [dx, dy] = [after[0] - before[0], after[1] - before[1]];
    const pans = pointers.size > 1 || event.shiftKey || (event.buttons & 6) !== 0;
    if (pans) camera.pan(dx, dy, focalOf());
    else camera.orbit(dx, dy);
    if (spreadBefore > 0 && spread() > 0) camera.zoom(spreadBefore / spread());
    change();
  });
  for (const type of ['pointerup', 'pointercancel'])
    canvas.addEventListener(type, (event) => pointers.delete(event.pointerId));
  canvas.addEventListener('contextmenu', (event) => event.preventDefault());
  canvas.addEventListener('wheel', (event) => {
    event.preventDefault();
    // Lines and pages of wheels that count those, in pixels.
    const pixels = event.deltaY * [1, 16, 400][event.deltaMode];
    camera.zoom(Math.exp(Math.max(-300, Math.min(300, pixels)) * 0.001));
    change();
  }, {passive: false});
}
