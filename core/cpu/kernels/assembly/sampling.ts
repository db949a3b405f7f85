/** Pictures sampled at any coordinates, and the way back. `core/graph/sampling.ts` says how. */
import { storePart, loadPart } from "./lanes";

const farthest: f32 = 1048576;
const whole: f32 = 1;

function heightOf(block: usize): i32 {
  return load<i32>(block, 4);
}

function widthOf(block: usize): i32 {
  return load<i32>(block, 8);
}

function channelsOf(block: usize): i32 {
  return load<i32>(block, 12);
}

/** Points of a picture's samples. */
function pointsOf(block: usize): i32 {
  return load<i32>(block, 16);
}

/** 0 constant, 1 nearest, 2 reflect, 3 wrap. */
function modeOf(block: usize): i32 {
  return load<i32>(block, 20);
}

/** The pixel that stands at `index`, or −1 for the fill value. */
function pixelAt(index: i32, size: i32, mode: i32): i32 {
  if (<u32> index < <u32> size) return index;
  if (mode == 0) return -1;
  if (mode == 1) return index < 0 ? 0 : size - 1;
  const period = mode == 2 ? 2 * size : size;
  let place = index % period;
  if (place < 0) place += period;
  return place < size ? place : period - 1 - place;
}

/** A whole coordinate as an index; what is no number stands at 0, and its weights are none. */
@inline function indexOf(below: f32): i32 {
  return below == below ? <i32> min(max(below, -farthest), farthest) : 0;
}

/** Bytes from the image to the pixel of row p and column q, or −1 where the fill value stands. */
@inline function placeOf(p: i32, q: i32, width: i32, line: i32): i32 {
  return (p | q) < 0 ? -1 : (p * width + q) * line;
}

/** The samples of points [start·each, end·each), in row-major order. */
export function sampleImage(record: usize, start: i32, end: i32): void {
  const images = <usize> load<u32>(record, 16);
  const rows = <usize> load<u32>(record, 20);
  const columns = <usize> load<u32>(record, 24);
  const out = <usize> load<u32>(record, 28);
  const block = <usize> load<u32>(record, 32);
  const height = heightOf(block);
  const width = widthOf(block);
  const channels = channelsOf(block);
  const points = pointsOf(block);
  const mode = modeOf(block);
  const fill = load<f32>(block, 24);
  const line = 4 * channels;
  const each = load<i32>(block) * points / load<i32>(record, 8);
  for (let point = start * each; point < end * each; ++point) {
    const y = load<f32>(rows + 4 * <usize> point);
    const x = load<f32>(columns + 4 * <usize> point);
    const top = floor(y);
    const left = floor(x);
    const down = y - top;
    const right = x - left;
    const i = indexOf(top);
    const j = indexOf(left);
    const p0 = pixelAt(i, height, mode);
    const p1 = pixelAt(i + 1, height, mode);
    const q0 = pixelAt(j, width, mode);
    const q1 = pixelAt(j + 1, width, mode);
    const image = images + <usize> (point / points) * height * width * line;
    const to = out + <usize> point * line;
    const w00 = (whole - down) * (whole - right);
    const w01 = (whole - down) * right;
    const w10 = down * (whole - right);
    const w11 = down * right;
    const a00 = placeOf(p0, q0, width, line);
    const a01 = placeOf(p0, q1, width, line);
    const a10 = placeOf(p1, q0, width, line);
    const a11 = placeOf(p1, q1, width, line);
    const inside = (p0 | p1 | q0 | q1) >= 0;
    if (channels < 4) {
      for (let at = 0; at < line; at += 4) {
        let total: f32;
        if (inside) {
          total = w00 * load<f32>(image + a00 + at) + w01 * load<f32>(image + a01 + at) +
            w10 * load<f32>(image + a10 + at) + w11 * load<f32>(image + a11 + at);
        } else {
          total = w00 * (a00 < 0 ? fill : load<f32>(image + a00 + at)) +
            w01 * (a01 < 0 ? fill : load<f32>(image + a01 + at)) +
            w10 * (a10 < 0 ? fill : load<f32>(image + a10 + at)) +
            w11 * (a11 < 0 ? fill : load<f32>(image + a11 + at));
        }
        store<f32>(to + at, total);
      }
      continue;
    }
    const fills = f32x4.splat(fill);
    for (let at = 0; at < line; at += 16) {
      const v00 = a00 < 0 ? fills : v128.load(image + a00 + at);
      const v01 = a01 < 0 ? fills : v128.load(image + a01 + at);
      const v10 = a10 < 0 ? fills : v128.load(image + a10 + at);
      const v11 = a11 < 0 ? fills : v128.load(image + a11 + at);
      const above = f32x4.add(
        f32x4.mul(f32x4.splat(w00), v00),
        f32x4.mul(f32x4.splat(w01), v01),
      );
      const below = f32x4.add(
        f32x4.mul(f32x4.splat(w10), v10),
        f32x4.mul(f32x4.splat(w11), v11),
      );
      storePart(to + at, (line - at) >> 2, f32x4.add(above, below));
    }
  }
}

/** Adds `weight` times a sample's gradient to a pixel's. */
@inline function give(from: usize, to: usize, channels: i32, weight: f32): void {
  const weights = f32x4.splat(weight);
  for (let c = 0; c < channels; c += 4) {
    const at = 4 * <usize> c;
    const grown = f32x4.mul(weights, loadPart(from + at, channels - c));
    storePart(to + at, channels - c, f32x4.add(loadPart(to + at, channels - c), grown));
  }
}

/** Gives the gradients of samples to the pixels of images [start, end), in the order of points. */
export function sampleImageGradient(record: usize, start: i32, end: i32): void {
  const grads = <usize> load<u32>(record, 16);
  const rows = <usize> load<u32>(record, 20);
  const columns = <usize> load<u32>(record, 24);
  const out = <usize> load<u32>(record, 28);
  const block = <usize> load<u32>(record, 32);
  const height = heightOf(block);
  const width = widthOf(block);
  const channels = channelsOf(block);
  const points = pointsOf(block);
  const mode = modeOf(block);
  const line = 4 * channels;
  const size = <usize> height * width * line;
  memory.fill(out + <usize> start * size, 0, <usize> (end - start) * size);
  for (let point = start * points; point < end * points; ++point) {
    const y = load<f32>(rows + 4 * <usize> point);
    const x = load<f32>(columns + 4 * <usize> point);
    const top = floor(y);
    const left = floor(x);
    const down = y - top;
    const right = x - left;
    const image = out + <usize> (point / points) * size;
    const from = grads + <usize> point * line;
    for (let k = 0; k < 2; ++k) {
      const p = pixelAt(indexOf(top) + k, height, mode);
      if (p < 0) continue;
      for (let l = 0; l < 2; ++l) {
        const q = pixelAt(indexOf(left) + l, width, mode);
        if (q < 0) continue;
        const weight = (k ? down : whole - down) * (l ? right : whole - right);
        give(from, image + placeOf(p, q, width, line), channels, weight);
      }
    }
  }
}
