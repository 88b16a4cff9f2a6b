// SPDX-License-Identifier: Apache-2.0
//
// The frames of the clip, fetched as they are needed. Memory holds a few dozens of them whatever
// the clip's length. src/pipeline/view_record.h describes the bytes.

const MAGIC = 0x4d445646;
const HEADER_BYTES = 160;
const KEPT_FRAMES = 32;
const KEPT_FILES = 4;
const REQUESTS_AT_ONCE = 4;

async function inflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Undoes the differences: all high bytes come first, then all low bytes.
function depthCodes(bytes, width, height) {
  const pixels = width * height;
  if (bytes.length !== 2 * pixels) throw new Error('a frame has not as much depth as it says');
  const codes = new Uint16Array(pixels);
  let above = 0;
  for (let y = 0, at = 0; y < height; ++y) {
    let code = above;
    for (let x = 0; x < width; ++x, ++at) {
      code = (code + (bytes[at] << 8) + bytes[pixels + at]) & 0xffff;
      codes[at] = code;
      if (x === 0) above = code;
    }
  }
  return codes;
}

async function decodeRecord(buffer) {
  const view = new DataView(buffer);
  if (buffer.byteLength < HEADER_BYTES || view.getUint32(0, true) !== MAGIC)
    throw new Error('what came is no frame of this viewer');
  const u32 = (at) => view.getUint32(at, true);
  const floats = (at, count) =>
    Array.from({length: count}, (_, i) => view.getFloat32(at + 4 * i, true));
  const depthBytes = u32(4), colorBytes = u32(8);
  if (buffer.byteLength < HEADER_BYTES + depthBytes + colorBytes)
    throw new Error('a frame is cut off');
  const picture = new Blob([new Uint8Array(buffer, HEADER_BYTES + depthBytes, colorBytes)],
    {type: 'image/jpeg'});
  const [codes, bitmap] = await Promise.all([
    inflate(new Uint8Array(buffer, HEADER_BYTES, depthBytes)),
    createImageBitmap(picture, {colorSpaceConversion: 'none', premultiplyAlpha: 'none'}),
  ]);
  const width = u32(12), height = u32(16);
  return {
    width, height, bitmap,
    codes: depthCodes(codes, width, height),
    number: u32(20),
    nearest: view.getFloat32(24, true),
    octaves: view.getFloat32(28, true),
    intrinsics: floats(32, 4),       // fx, fy, cx, cy
    worldFromCam: floats(48, 12),    // three rows
    worldFromView: floats(96, 12),
    viewXfov: view.getFloat32(144, true),
    seconds: view.getFloat64(148, true),
  };
}

// A file of several frames: their count, the offset of each, the size of all.
function splitFile(buffer) {
  const view = new DataView(buffer);
  const count = view.getUint32(0, true);
  const offset = (i) => view.getUint32(4 + 4 * i, true);
  return Array.from({length: count}, (_, i) => buffer.slice(offset(i), offset(i + 1)));
}

export class FrameSource {
  // onFrame(number) when a frame has come, onError(text).
  constructor(clip, onFrame, onError) {
    this.clip = clip;
    this.onFrame = onFrame;
    this.onError = onError;
    this.frames = new Map();   // number -> frame, the one used last at the end
    this.requests = new Map(); // number of the file -> AbortController
    this.files = new Map();    // number -> records still packed; for files of several frames
    this.failed = new Set();   // files that are not asked for again before the next jump
    this.wanted = [];
  }

  // The frame if it is here.
  peek(number) { return this.frames.get(number); }

  // These frames are needed, in this order. What is under way for others is given up.
  want(numbers, isJump) {
    this.wanted = numbers;
    if (isJump) this.failed.clear();
    for (const number of numbers) {
      const frame = this.frames.get(number);
      if (!frame) continue;
      this.frames.delete(number);
      this.frames.set(number, frame);
    }
    const files = new Set(numbers.map((n) => this.fileOf(n)));
    for (const [file, controller] of this.requests) if (!files.has(file)) controller.abort();
    this.fill();
  }

  hasFailed(number) { return this.failed.has(this.fileOf(number)); }

  fileOf(number) { return Math.floor(number / this.clip.frames_per_file); }

  fill() {
    for (const number of this.wanted) {
      if (this.requests.size >= REQUESTS_AT_ONCE) return;
      const file = this.fileOf(number);
      if (this.frames.has(number) || this.requests.has(file) || this.failed.has(file)) continue;
      this.request(file);
    }
  }

  async request(file) {
    const controller = new AbortController();
    this.requests.set(file, controller);
    try {
      const records = this.files.get(file) ?? await this.fetchFile(file, controller.signal);
      for (let i = 0; i < records.length; ++i) {
        const number = file * this.clip.frames_per_file + i;
        // Of a file of many only those that are needed are unpacked.
        if (this.frames.has(number) || !this.wanted.includes(number)) continue;
        const frame = await decodeRecord(records[i]);
        if (controller.signal.aborted) { frame.bitmap.close(); return; }
        this.keep(number, frame);
        this.onFrame(number);
      }
    } catch (error) {
      if (controller.signal.aborted) return;
      this.failed.add(file);
      this.onError(error instanceof TypeError ? 'The program that shows this page has ended.'
        : `Frame ${file * this.clip.frames_per_file}: ${error.message}`);
    } finally {
      // A request that was given up may have been made anew meanwhile.
      if (this.requests.get(file) === controller) this.requests.delete(file);
      this.fill();
    }
  }

  async fetchFile(file, signal) {
    const response = await fetch(`frames/${String(file).padStart(6, '0')}.bin`, {signal});
    if (!response.ok) throw new Error((await response.text()).trim() || response.statusText);
    const records = splitFile(await response.arrayBuffer());
    if (records.length > 1) {
      this.files.set(file, records);
      if (this.files.size > KEPT_FILES) this.files.delete(this.files.keys().next().value);
    }
    return records;
  }

  keep(number, frame) {
    this.frames.set(number, frame);
    for (const [oldest, old] of this.frames) {
      if (this.frames.size <= KEPT_FRAMES) break;
      if (this.wanted.includes(oldest)) continue;
      this.frames.delete(oldest);
      old.bitmap.close();
    }
  }
}
