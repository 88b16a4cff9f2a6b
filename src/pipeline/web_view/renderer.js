// SPDX-License-Identifier: Apache-2.0
//
// Draws a frame with WebGL2. Depth codes and colours are textures; the vertex shader makes the
// surface of them, six vertices for each cell of four pixels, so that a frame costs two uploads and
// nothing else. The rules are those of SceneRasterizer: a triangle needs depth at all corners and,
// where edges are removed, no tear between them; a pixel at a rim reaches half way to its
// neighbour, at its own depth.
import {columnOf, inverse, product} from './camera.js';

const NEAR = 0.01;  // metres; nothing closer to the viewer is drawn

const SURFACE = 0, RIMS = 1, POINTS = 2;

const DEPTH_OF = `#version 300 es
precision highp float;
precision highp int;
precision highp usampler2D;
uniform usampler2D depthCodes;
uniform ivec2 size;
uniform vec2 depthScale;  // metres of code 1, octaves of a step
float depthOf(ivec2 pixel) {
  if (any(lessThan(pixel, ivec2(0))) || any(greaterThanEqual(pixel, size))) return 0.0;
  uint code = texelFetch(depthCodes, pixel, 0).r;
  return code == 0u ? 0.0 : depthScale.x * exp2(float(code - 1u) * depthScale.y);
}`;

// What there is at each pixel, found once for a frame: bits 0 and 1 for the triangles of the cell
// below right of it, (TL, BL, BR) and (TL, BR, TR), bit 2 if it lies at a rim.
const CELLS_VERTEX = `#version 300 es
void main() {  // one triangle that covers all
  gl_Position = vec4(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0, 0.0, 1.0);
}`;

const CELLS_FRAGMENT = `${DEPTH_OF}
uniform bool tears;
uniform vec3 tearRule;  // share of the depth, pixels, fx * baseline
out uint cell;
bool joined(float a, float b, float c) {
  float nearest = min(a, min(b, c)), farthest = max(a, max(b, c));
  if (nearest <= 0.0) return false;
  return !(tears && farthest - nearest > tearRule.x * nearest &&
           tearRule.z * (1.0 / nearest - 1.0 / farthest) > tearRule.y);
}
void main() {
  ivec2 p = ivec2(gl_FragCoord.xy);
  float z = depthOf(p);
  float right = depthOf(p + ivec2(1, 0)), below = depthOf(p + ivec2(0, 1));
  float left = depthOf(p - ivec2(1, 0)), above = depthOf(p - ivec2(0, 1));
  float after = depthOf(p + ivec2(1, 1)), before = depthOf(p - ivec2(1, 1));
  bool lower = joined(z, below, after), upper = joined(z, after, right);
  bool inside = lower && upper && joined(before, left, z) && joined(before, z, above) &&
                joined(above, z, right) && joined(left, below, z);
  cell = (lower ? 1u : 0u) | (upper ? 2u : 0u) | (z > 0.0 && !inside ? 4u : 0u);
}`;

const FRAME_VERTEX = `${DEPTH_OF}
uniform usampler2D cells;
uniform vec4 intrinsics;  // fx, fy, cx, cy
uniform mat4 viewFromCam;
uniform mat4 clipFromView;
uniform int mode;
out vec2 at;

const ivec2 kCell[6] = ivec2[6](ivec2(0, 0), ivec2(0, 1), ivec2(1, 1),
                                ivec2(0, 0), ivec2(1, 1), ivec2(1, 0));
const vec2 kSquare[6] = vec2[6](vec2(-0.5, -0.5), vec2(-0.5, 0.5), vec2(0.5, 0.5),
                                vec2(-0.5, -0.5), vec2(0.5, 0.5), vec2(0.5, -0.5));

vec4 lifted(vec2 pixel, float z) {
  return viewFromCam * vec4((pixel - intrinsics.zw) / intrinsics.xy * z, z, 1.0);
}
void main() {
  int corner = gl_VertexID % 6, item = gl_VertexID / 6;
  int across = mode == ${SURFACE} ? size.x - 1 : size.x;
  ivec2 pixel = ivec2(item % across, item / across);
  vec2 centre = vec2(pixel) + 0.5;
  uint cell = texelFetch(cells, pixel, 0).r;
  gl_Position = vec4(2.0, 2.0, 2.0, 1.0);  // outside: the triangle vanishes
  at = centre / vec2(size);
  if (mode == ${SURFACE}) {
    if ((cell & (corner < 3 ? 1u : 2u)) == 0u) return;
    at = (centre + vec2(kCell[corner])) / vec2(size);
    gl_Position =
        clipFromView * lifted(centre + vec2(kCell[corner]), depthOf(pixel + kCell[corner]));
    return;
  }
  if (mode == ${RIMS} && (cell & 4u) == 0u) return;
  float z = depthOf(pixel);
  if (z <= 0.0) return;
  if (mode == ${RIMS}) {
    gl_Position = clipFromView * lifted(centre + kSquare[corner], z);
    return;
  }
  vec4 point = lifted(centre, z);  // a square that faces the viewer
  point.xy += kSquare[corner] * z / intrinsics.xy;
  gl_Position = clipFromView * point;
}`;

const FRAME_FRAGMENT = `#version 300 es
precision highp float;
uniform sampler2D colors;
in vec2 at;
out vec4 color;
void main() { color = vec4(texture(colors, at).rgb, 1.0); }`;

const PLAIN_VERTEX = `#version 300 es
precision highp float;
layout(location = 0) in vec3 position;
layout(location = 1) in vec3 paint;
uniform mat4 clipFromWorld;
uniform float pointSize;
out vec3 tint;
void main() {
  gl_Position = clipFromWorld * vec4(position, 1.0);
  gl_PointSize = pointSize;
  tint = paint;
}`;

const PLAIN_FRAGMENT = `#version 300 es
precision highp float;
in vec3 tint;
out vec4 color;
void main() { color = vec4(tint, 1.0); }`;

function makeProgram(gl, vertex, fragment) {
  const program = gl.createProgram();
  for (const [type, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
    const shader = gl.createShader(type);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost())
    throw new Error(`the graphics driver refuses a shader: ${gl.getProgramInfoLog(program)}`);
  const uniforms = {};
  const count = gl.getProgramParameter(program, gl.ACTIVE_UNIFORMS) ?? 0;
  for (let i = 0; i < count; ++i) {
    const {name} = gl.getActiveUniform(program, i);
    uniforms[name] = gl.getUniformLocation(program, name);
  }
  return {program, uniforms};
}

// Column by column, as WebGL wants it.
const matrixOf = (pose) => [0, 1, 2, 3].flatMap((i) => [...columnOf(pose, i), i === 3 ? 1 : 0]);

function times(a, b) {
  const result = new Array(16).fill(0);
  for (let c = 0; c < 4; ++c)
    for (let r = 0; r < 4; ++r)
      for (let k = 0; k < 4; ++k) result[4 * c + r] += a[4 * k + r] * b[4 * c + k];
  return result;
}

export class Renderer {
  constructor(canvas) {
    this.canvas = canvas;
    const gl = canvas.getContext('webgl2', {antialias: true, alpha: false});
    if (!gl) throw new Error('This browser shows no WebGL2, which the viewer draws with.');
    this.gl = gl;
    this.begin();
    // The system may take the graphics card away, when it sleeps for example.
    canvas.addEventListener('webglcontextlost', (event) => event.preventDefault());
    canvas.addEventListener('webglcontextrestored', () => {
      this.begin();
      this.onRestored?.();
    });
  }

  begin() {
    const gl = this.gl;
    this.cellsProgram = makeProgram(gl, CELLS_VERTEX, CELLS_FRAGMENT);
    this.frameProgram = makeProgram(gl, FRAME_VERTEX, FRAME_FRAGMENT);
    this.plainProgram = makeProgram(gl, PLAIN_VERTEX, PLAIN_FRAGMENT);
    this.noAttributes = gl.createVertexArray();
    this.lines = this.makePlain();
    this.clouds = [];
    this.depthTexture = this.makeTexture(gl.NEAREST);
    this.colorTexture = this.makeTexture(gl.LINEAR);
    this.cellsTexture = this.makeTexture(gl.NEAREST);
    this.cellsTarget = gl.createFramebuffer();
    this.cellsRule = null;  // by which the cells were found
    this.frame = null;
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    gl.pixelStorei(gl.UNPACK_COLORSPACE_CONVERSION_WEBGL, gl.NONE);
    gl.enable(gl.DEPTH_TEST);
    gl.enable(gl.CULL_FACE);  // surfaces are seen from the side of their camera only
  }

  makeTexture(filter) {
    const gl = this.gl;
    const texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, texture);
    for (const [name, value] of [[gl.TEXTURE_MIN_FILTER, filter], [gl.TEXTURE_MAG_FILTER, filter],
      [gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE], [gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE]])
      gl.texParameteri(gl.TEXTURE_2D, name, value);
    return texture;
  }

  makePlain() {
    const gl = this.gl;
    const plain = {array: gl.createVertexArray(), positions: gl.createBuffer(),
      colors: gl.createBuffer(), indices: gl.createBuffer(), points: 0, corners: 0};
    gl.bindVertexArray(plain.array);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, plain.indices);
    gl.bindBuffer(gl.ARRAY_BUFFER, plain.positions);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribPointer(0, 3, gl.FLOAT, false, 0, 0);
    gl.bindBuffer(gl.ARRAY_BUFFER, plain.colors);
    gl.enableVertexAttribArray(1);
    gl.vertexAttribPointer(1, 3, gl.UNSIGNED_BYTE, true, 0, 0);
    gl.bindVertexArray(null);
    return plain;
  }

  fillPlain(plain, positions, colors, indices) {
    const gl = this.gl;
    gl.bindVertexArray(plain.array);
    gl.bindBuffer(gl.ARRAY_BUFFER, plain.positions);
    gl.bufferData(gl.ARRAY_BUFFER, positions, gl.DYNAMIC_DRAW);
    gl.bindBuffer(gl.ARRAY_BUFFER, plain.colors);
    gl.bufferData(gl.ARRAY_BUFFER, colors, gl.DYNAMIC_DRAW);
    if (indices) gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, indices, gl.STATIC_DRAW);
    gl.bindVertexArray(null);
    plain.points = positions.length / 3;
    plain.corners = indices ? indices.length : 0;
  }

  // A static cloud, or a mesh where there are indices.
  setCloud(number, positions, colors, indices) {
    this.clouds[number] = this.makePlain();
    this.fillPlain(this.clouds[number], positions, colors, indices);
  }

  setFrame(frame) {
    if (this.frame === frame) return;
    this.frame = frame;
    const gl = this.gl;
    gl.bindTexture(gl.TEXTURE_2D, this.depthTexture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.R16UI, frame.width, frame.height, 0, gl.RED_INTEGER,
      gl.UNSIGNED_SHORT, frame.codes);
    this.cellsRule = null;
    gl.bindTexture(gl.TEXTURE_2D, this.colorTexture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, frame.bitmap);
  }

  // The picture of `aspect` and horizontal field of view is seen as a whole whatever the canvas's
  // shape is. z goes from NEAR to infinity.
  projection(xfov, aspect) {
    const shape = this.canvas.width / this.canvas.height;
    let sx = 1 / Math.tan(xfov / 2);
    let sy = sx * aspect;
    if (shape > aspect) sx = sy / shape;
    else sy = sx * shape;
    return [sx, 0, 0, 0, 0, -sy, 0, 0, 0, 0, 1, 1, 0, 0, -2 * NEAR, 0];
  }

  // settings  points, tears, tearRule [share, pixels, baseline], background [r, g, b] of 0..1,
  //           xfov, aspect, showClouds (a list), pointSize (pixels of a picture 540 high)
  // lines     [[from, to, [r, g, b] of 0..255], ...] in world axes
  draw(worldFromView, settings, lines) {
    const gl = this.gl;
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    gl.clearColor(...settings.background, 1);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    const viewFromWorld = inverse(worldFromView);
    const clipFromView = this.projection(settings.xfov, settings.aspect);
    if (this.frame) this.drawFrame(viewFromWorld, clipFromView, settings);
    this.drawPlain(times(clipFromView, matrixOf(viewFromWorld)), settings, lines);
  }

  drawFrame(viewFromWorld, clipFromView, settings) {
    const gl = this.gl;
    const frame = this.frame;
    gl.bindVertexArray(this.noAttributes);
    this.bindTexture(1, this.colorTexture);
    this.bindTexture(0, this.depthTexture);
    this.findCells(settings);
    this.bindTexture(2, this.cellsTexture);
    const {uniforms} = this.useFrameProgram(this.frameProgram);
    gl.uniform1i(uniforms.colors, 1);
    gl.uniform1i(uniforms.cells, 2);
    gl.uniform4f(uniforms.intrinsics, ...frame.intrinsics);
    gl.uniformMatrix4fv(uniforms.viewFromCam, false,
      matrixOf(product(viewFromWorld, frame.worldFromCam)));
    gl.uniformMatrix4fv(uniforms.clipFromView, false, clipFromView);
    const draw = (mode, items) => {
      gl.uniform1i(uniforms.mode, mode);
      gl.drawArrays(gl.TRIANGLES, 0, 6 * items);
    };
    if (settings.points) {
      draw(POINTS, frame.width * frame.height);
      return;
    }
    draw(SURFACE, (frame.width - 1) * (frame.height - 1));
    // Where a rim overlaps the surface that its pixel belongs to, the surface is seen.
    gl.enable(gl.POLYGON_OFFSET_FILL);
    gl.polygonOffset(1, 4);
    draw(RIMS, frame.width * frame.height);
    gl.disable(gl.POLYGON_OFFSET_FILL);
  }

  bindTexture(unit, texture) {
    this.gl.activeTexture(this.gl.TEXTURE0 + unit);
    this.gl.bindTexture(this.gl.TEXTURE_2D, texture);
  }

  useFrameProgram(made) {
    const gl = this.gl;
    gl.useProgram(made.program);
    gl.uniform1i(made.uniforms.depthCodes, 0);
    gl.uniform2i(made.uniforms.size, this.frame.width, this.frame.height);
    gl.uniform2f(made.uniforms.depthScale, this.frame.nearest, this.frame.octaves);
    return made;
  }

  findCells(settings) {
    if (this.cellsRule === settings.tears) return;
    this.cellsRule = settings.tears;
    const gl = this.gl;
    const {width, height, intrinsics} = this.frame;
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.cellsTarget);
    this.bindTexture(2, this.cellsTexture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.R8UI, width, height, 0, gl.RED_INTEGER, gl.UNSIGNED_BYTE,
      null);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, this.cellsTexture,
      0);
    this.bindTexture(2, null);
    const {uniforms} = this.useFrameProgram(this.cellsProgram);
    gl.uniform1i(uniforms.tears, settings.tears ? 1 : 0);
    const [share, pixels, baseline] = settings.tearRule;
    gl.uniform3f(uniforms.tearRule, share, pixels, intrinsics[0] * baseline);
    gl.viewport(0, 0, width, height);
    gl.disable(gl.DEPTH_TEST);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
    gl.enable(gl.DEPTH_TEST);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
  }

  drawPlain(clipFromWorld, settings, lines) {
    const gl = this.gl;
    const {program, uniforms} = this.plainProgram;
    gl.useProgram(program);
    gl.uniformMatrix4fv(uniforms.clipFromWorld, false, clipFromWorld);
    gl.uniform1f(uniforms.pointSize, 
      Math.max(1, Math.round(settings.pointSize * this.canvas.height / 540)));
    gl.disable(gl.CULL_FACE);
    this.clouds.forEach((cloud, i) => {
      if (!settings.showClouds[i]) return;
      gl.bindVertexArray(cloud.array);
      if (cloud.corners > 0) gl.drawElements(gl.TRIANGLES, cloud.corners, gl.UNSIGNED_INT, 0);
      else gl.drawArrays(gl.POINTS, 0, cloud.points);
    });
    gl.enable(gl.CULL_FACE);
    if (lines.length > 0) {
      this.fillPlain(this.lines, new Float32Array(lines.flatMap(([a, b]) => [...a, ...b])),
        new Uint8Array(lines.flatMap(([, , color]) => [...color, ...color])));
      gl.bindVertexArray(this.lines.array);
      gl.drawArrays(gl.LINES, 0, this.lines.points);
    }
    gl.bindVertexArray(null);
  }
}
