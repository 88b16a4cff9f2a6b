// SPDX-License-Identifier: Apache-2.0
//
// The page: what is shown, the clock, and the controls. clip.json says what the clip is and what
// the program was asked for.
import {add, columnOf, listenToPointers, scaled, ViewCamera} from './camera.js';
import {FrameSource} from './frames.js';
import {Renderer} from './renderer.js';

const element = (id) => document.getElementById(id);
const hexToColor = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255);
const FRAMES_AHEAD = 6;
const CLOUD_SWITCHES = ['cloud', 'cloud2'];
const KEYS_OF_CLIPS = [' ', 'Home', 'End', 'ArrowLeft', 'ArrowRight', '[', ']', 'l', 'c', 'v', 'p',
  't', 'f'];
const LONGEST_PAUSE = 0.25;  // seconds of a picture that does not come count no more than this

class Viewer {
  constructor(clip) {
    this.clip = clip;
    this.canvas = element('view');
    this.renderer = new Renderer(this.canvas);
    this.renderer.onRestored = () => { this.loadClouds(); this.invalidate(); };
    this.camera = new ViewCamera(clip.position, clip.target);
    if (clip.planned) this.camera.mode = 'planned';
    this.source = new FrameSource(clip, (n) => this.arrived(n), (text) => this.tell(text));
    this.current = 0;       // the frame that is wanted
    this.shown = null;      // the one that is seen, which may lag behind
    this.playing = false;
    this.clock = 0;         // seconds of the clip
    this.waiting = [];      // who waits for a frame: [number, resolve]
    this.pressed = new Set();
    this.dirty = true;
    this.setUpControls();
    this.still = false;     // clouds alone, and they are here
    this.loadClouds();
    const wished = Number(new URLSearchParams(location.hash.slice(1)).get('frame'));
    if (clip.frames > 0) this.seek(Number.isFinite(wished) ? wished - 1 : 0);
    requestAnimationFrame((now) => this.tick(now));
  }

  // --- frames -----------------------------------------------------------------------------------

  // Resolves with the frame as soon as it is seen.
  seek(number) {
    this.current = Math.max(0, Math.min(this.clip.frames - 1, Math.round(number)));
    for (const [, resolve] of this.waiting.splice(0)) resolve(null);  // no longer wanted
    const seen = new Promise((resolve) => this.waiting.push([this.current, resolve]));
    this.want(true);
    this.updateBar();
    this.invalidate();
    return seen;
  }

  want(isJump) {
    const ahead = this.playing ? FRAMES_AHEAD : 1;
    const numbers = [];
    for (let i = 0; i <= ahead; ++i) {
      let number = this.current + i * this.stride();
      if (number >= this.clip.frames && element('loop').checked) number %= this.clip.frames;
      if (number < this.clip.frames && !numbers.includes(number)) numbers.push(number);
    }
    // What is seen stays until the next one is there.
    if (this.shown && !numbers.includes(this.shown.number)) numbers.push(this.shown.number);
    this.source.want(numbers, isJump);
  }

  // Played fast, not every frame is fetched.
  stride() { return this.playing ? Math.max(1, Math.floor(Number(element('speed').value))) : 1; }

  arrived(number) {
    if (number !== this.current) return;
    this.tell('');
    this.invalidate();
  }

  play(on) {
    if (on && this.current === this.clip.frames - 1) this.seek(0);
    this.playing = on && this.clip.frames > 1;
    this.lastTick = null;
    if (this.shown) this.clock = this.shown.seconds;
    element('play').textContent = this.playing ? '\u275a\u275a' : '\u25b6';
    element('play').setAttribute('aria-pressed', String(this.playing));
    if (!this.playing) history.replaceState(null, '', `#frame=${this.current + 1}`);
    this.want(false);
    this.invalidate();
  }

  step(frames) {
    this.play(false);
    const count = this.clip.frames;
    const next = this.current + frames;
    this.seek(element('loop').checked ? ((next % count) + count) % count : next);
  }

  // Goes on to the next frame when its time has come and it is there.
  advance(now) {
    const passed = this.lastTick === null ? 0 : (now - this.lastTick) / 1000;
    this.lastTick = now;
    this.clock += Math.min(passed, LONGEST_PAUSE) * Number(element('speed').value);
    if (this.shown?.number !== this.current && !this.source.hasFailed(this.current)) return;
    let next = this.current + this.stride();
    while (this.source.hasFailed(next)) next += this.stride();  // damaged, as was told
    if (next >= this.clip.frames) {
      if (!element('loop').checked) { this.play(false); return; }
      next = 0;
    }
    const frame = this.source.peek(next);
    // The first frame after the last comes a frame's time later.
    const due = next === 0 ? (this.shown?.seconds ?? 0) + 1 / this.clip.rate : frame?.seconds;
    if (!frame || this.clock < due) return;
    // Late frames are shown late, none is skipped: the clock waits.
    this.clock = next === 0 ? frame.seconds : Math.min(this.clock, frame.seconds + LONGEST_PAUSE);
    this.current = next;
    this.want(false);
    this.updateBar();
    this.dirty = true;
  }

  // --- drawing ----------------------------------------------------------------------------------

  invalidate() { this.dirty = true; }

  tick(now) {
    requestAnimationFrame((later) => this.tick(later));
    if (this.playing) this.advance(now);
    this.walk(now);
    if (this.fitCanvas() || this.dirty || this.camera.flight) this.draw(now);
  }

  fitCanvas() {
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = this.clip.canvas ??
      [this.canvas.clientWidth * ratio, this.canvas.clientHeight * ratio].map(Math.round);
    if (this.canvas.width === width && this.canvas.height === height) return false;
    this.canvas.width = width;
    this.canvas.height = height;
    return true;
  }

  draw(now) {
    this.dirty = false;
    const frame = this.source.peek(this.current);
    if (frame && frame !== this.shown) {
      this.shown = frame;
      this.updateBar();
    }
    if (this.shown) this.renderer.setFrame(this.shown);
    const settings = {
      points: element('points').checked,
      tears: element('tear').checked,
      tearRule: this.clip.tear,
      background: hexToColor(element('background').value),
      showClouds: CLOUD_SWITCHES.map((id) => element(id).checked),
      pointSize: this.clip.point_size,
      xfov: this.shown ? this.shown.viewXfov : (this.clip.xfov ?? 60) / 180 * Math.PI,
      aspect: this.clip.canvas ? this.clip.canvas[0] / this.clip.canvas[1]
        : this.clip.aspect ?? this.clip.width / this.clip.height,
    };
    this.renderer.draw(this.camera.pose(this.shown, now), settings, this.lines());
    if (!frame) return;
    const seen = this.waiting.filter(([number]) => number === frame.number);
    this.waiting = this.waiting.filter(([number]) => number !== frame.number);
    for (const [, resolve] of seen) resolve(frame);
  }

  lines() {
    const lines = [];
    if (element('axes').checked)
      for (let i = 0; i < 3; ++i)
        lines.push([[0, 0, 0], [0, 1, 2].map((k) => (k === i ? 1 : 0)),
          [0, 1, 2].map((k) => (k === i ? 255 : 0))]);
    if (element('frustum').checked && this.shown) {
      const {intrinsics: [fx, fy, cx, cy], width, height, worldFromCam: pose} = this.shown;
      const depth = this.clip.frustum_depth;
      const eye = columnOf(pose, 3);
      const corners = [[0, 0], [width, 0], [width, height], [0, height]].map(([u, v]) =>
        [(u - cx) / fx, (v - cy) / fy, 1].reduce((sum, value, i) =>
          add(sum, scaled(columnOf(pose, i), value * depth)), eye));
      for (let i = 0; i < 4; ++i) {
        lines.push([eye, corners[i], [0, 0, 255]]);
        lines.push([corners[i], corners[(i + 1) % 4], [0, 0, 255]]);
      }
    }
    if (element('path').checked)
      for (let i = 1; i < this.clip.path.length; ++i)
        lines.push([this.clip.path[i - 1], this.clip.path[i], [255, 128, 0]]);
    return lines;
  }

  // The clouds or meshes that stand still: x, y, z of each point, their colours, the triangles.
  async loadClouds() {
    await Promise.all(this.clip.clouds.map((cloud, i) => this.loadCloud(cloud, i)));
    if (this.clip.frames > 0) return;
    this.still = true;
    if (element('message').textContent.startsWith('Loading')) this.tell('');
  }

  async loadCloud({file, name, points, triangles}, number) {
    const response = await fetch(file);
    if (!response.ok) { this.tell(`The ${name}: ${response.statusText}`); return; }
    const bytes = await response.arrayBuffer();
    const colorsAt = 12 * points;
    const trianglesAt = colorsAt + 4 * Math.ceil((3 * points) / 4);
    this.renderer.setCloud(number, new Float32Array(bytes, 0, 3 * points),
      new Uint8Array(bytes, colorsAt, 3 * points),
      triangles > 0 ? new Uint32Array(bytes, trianglesAt, 3 * triangles) : null);
    this.invalidate();
  }

  // The picture as a PNG. Drawn anew: what was shown is gone once the browser has taken it.
  picture() {
    this.draw(performance.now());
    return new Promise((resolve) => this.canvas.toBlob(resolve, 'image/png'));
  }

  async save() {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(await this.picture());
    link.download = `${this.clip.title}_${String(this.current).padStart(6, '0')}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  // --- controls ---------------------------------------------------------------------------------

  tell(text) { element('message').textContent = text; }

  updateBar() {
    element('scrub').value = this.current;
    const seconds = this.shown?.number === this.current ? this.shown.seconds
      : this.current / this.clip.rate;
    const clock = `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(2).padStart(5, '0')}`;
    const {first_frame: first, frames} = this.clip;
    element('time').textContent =
      `frame ${first + this.current + 1}${frames > 1 ? ` of ${frames}` : ''}  ${clock}`;
  }

  setUpControls() {
    const {clip} = this;
    document.title = `${clip.title} - ${clip.frames > 0 ? 'depth video' : 'point cloud'}`;
    document.body.classList.toggle('still', clip.frames === 0);
    element('scrub').max = clip.frames - 1;
    element('points').checked = clip.show.points;
    element('tear').checked = clip.show.tear;
    element('frustum').checked = clip.show.camera;
    element('path').checked = clip.show.path;
    element('axes').checked = clip.show.axes;
    CLOUD_SWITCHES.forEach((id, i) => {
      const cloud = clip.clouds[i];
      element(id).checked = cloud !== undefined;
      element(id).parentElement.hidden = cloud === undefined;
      if (cloud) element(id).nextElementSibling.textContent = cloud.name;
    });
    element('path').parentElement.hidden = clip.path.length < 2;
    element('background').value = `#${clip.background}`;
    for (const id of ['points', 'tear', 'frustum', 'path', 'axes', ...CLOUD_SWITCHES, 'background'])
      element(id).addEventListener('input', () => this.invalidate());
    // So that space plays after a click; who comes by the keyboard stays where they are.
    for (const box of document.querySelectorAll('input[type="checkbox"]'))
      box.addEventListener('pointerup', () => this.canvas.focus());
    element('scrub').addEventListener('input', () => {
      this.play(false);
      this.seek(Number(element('scrub').value));
    });
    this.actions = {
      ' ': () => this.play(!this.playing),
      Home: () => { this.play(false); this.seek(0); },
      End: () => { this.play(false); this.seek(clip.frames - 1); },
      ArrowLeft: (event) => this.step(event.shiftKey ? -Math.round(clip.rate) : -1),
      ArrowRight: (event) => this.step(event.shiftKey ? Math.round(clip.rate) : 1),
      '[': () => this.changeSpeed(-1),
      ']': () => this.changeSpeed(1),
      l: () => this.toggle('loop'),
      r: () => this.camera.reset(),
      c: () => this.camera.switchTo('camera'),
      v: () => this.camera.switchTo('planned'),
      p: () => this.toggle('points'),
      t: () => this.toggle('tear'),
      f: () => this.toggle('frustum'),
      g: () => this.toggle('path'),
      x: () => this.toggle('axes'),
      b: () => this.toggle('cloud'),
      n: () => this.toggle('cloud2'),
      i: () => this.save(),
      u: () => document.body.classList.toggle('quiet'),
      '?': () => element('keys').showModal(),
    };
    if (clip.frames === 0) for (const key of KEYS_OF_CLIPS) delete this.actions[key];
    const keysOfButtons = {play: ' ', back: 'ArrowLeft', forward: 'ArrowRight', reset: 'r',
      camera: 'c', planned: 'v', save: 'i', help: '?'};
    for (const [id, key] of Object.entries(keysOfButtons))
      element(id).addEventListener('click', (event) => {
        this.actions[key](event);
        this.invalidate();
        this.canvas.focus();  // so that space is not this button again
      });
    this.listenToKeys();
    const focal = () => this.canvas.clientWidth / 2 /
      Math.tan((this.shown ? this.shown.viewXfov : 1) / 2);
    listenToPointers(this.canvas, this.camera, focal, () => this.invalidate());
  }

  toggle(id) { element(id).checked = !element(id).checked; }

  changeSpeed(by) {
    const speed = element('speed');
    speed.selectedIndex = Math.max(0, Math.min(speed.options.length - 1, speed.selectedIndex + by));
  }

  listenToKeys() {
    window.addEventListener('keydown', (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey || element('keys').open) return;
      const {tagName, type} = event.target;
      const presses = tagName === 'BUTTON' || type === 'checkbox';
      if (event.key === ' ' ? presses : ['SELECT', 'INPUT'].includes(tagName) && !presses) return;
      const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      if ('wasdqe'.includes(key)) this.pressed.add(key);
      else if (key in this.actions) this.actions[key](event);
      else return;
      event.preventDefault();
      this.invalidate();
    });
    window.addEventListener('keyup', (event) => this.pressed.delete(event.key.toLowerCase()));
    window.addEventListener('blur', () => this.pressed.clear());
  }

  // As long as keys are held.
  walk(now) {
    const passed = Math.min((now - (this.lastWalk ?? now)) / 1000, 0.1);
    this.lastWalk = now;
    if (this.pressed.size === 0) return;
    const axis = (plus, minus) =>
      (this.pressed.has(plus) - this.pressed.has(minus)) * passed * 0.5;
    this.camera.walk(axis('d', 'a'), axis('q', 'e'), axis('w', 's'));
    this.invalidate();
  }
}

async function main() {
  const response = await fetch('clip.json');
  if (!response.ok) throw new Error(`clip.json: ${response.statusText}`);
  // For scripts in the browser's console, and for tests.
  globalThis.viewer = new Viewer(await response.json());
}

main().catch((error) => { element('message').textContent = error.message; });
