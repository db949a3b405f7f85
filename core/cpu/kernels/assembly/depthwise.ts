/** Convolution of each channel by itself: sums over taps, sixteen channels at a time. */
import { madd, store1 } from "./strips";
import {
  batchOf,
  channelsOf,
  filtersOf,
  firstPlace,
  groupsOf,
  inputIndex,
  inputPlaces,
  inputSize,
  outputPlaces,
  outputSize,
  tapsAlong,
} from "./window";

/** Whether every channel has one filter of its own. */
export function isDepthwise(block: usize): bool {
  const groups = groupsOf(block);
  return groups > 1 && groups == channelsOf(block) && groups == filtersOf(block);
}

/** Writes down, for each tap on an input, where the input and the kernel's row are; how many. */
function listTaps(block: usize, d: i32, h: i32, w: i32, image: usize, kernel: usize, list: usize): i32 {
  const row = 4 * <usize> channelsOf(block);
  const d0 = firstPlace(block, 0, d);
  const h0 = firstPlace(block, 1, h);
  const w0 = firstPlace(block, 2, w);
  let count = 0;
  for (let i = 0; i < tapsAlong(block, 0); ++i) {
    const inD = inputIndex(block, 0, d0, i);
    for (let j = 0; j < tapsAlong(block, 1); ++j) {
      const inH = inputIndex(block, 1, h0, j);
      const line = (inD * inputSize(block, 1) + inH) * inputSize(block, 2);
      for (let k = 0; k < tapsAlong(block, 2); ++k) {
        const inW = inputIndex(block, 2, w0, k);
        if (inD >= 0 && inH >= 0 && inW >= 0) {
          const at = list + 8 * <usize> count;
          store<u32>(at, <u32> (image + <usize> (line + inW) * row));
          store<u32>(at, <u32> kernel, 4);
          ++count;
        }
        kernel += row;
      }
    }
  }
  return count;
}

/** One output: the sums over the listed taps, channel by channel. */
function sumTaps(list: usize, taps: i32, y: usize, channels: i32): void {
  let c: usize = 0;
  const end = list + 8 * <usize> taps;
  while (channels >= 16) {
    let s0 = f32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    for (let at = list; at < end; at += 8) {
      const p = <usize> load<u32>(at) + c;
      const q = <usize> load<u32>(at, 4) + c;
      s0 = madd(v128.load(p), v128.load(q), s0);
      s1 = madd(v128.load(p, 16), v128.load(q, 16), s1);
      s2 = madd(v128.load(p, 32), v128.load(q, 32), s2);
      s3 = madd(v128.load(p, 48), v128.load(q, 48), s3);
    }
    v128.store(y + c, s0);
    v128.store(y + c, s1, 16);
    v128.store(y + c, s2, 32);
    v128.store(y + c, s3, 48);
    c += 64;
    channels -= 16;
  }
  while (channels > 0) {
    let sum = f32x4.splat(0);
    for (let at = list; at < end; at += 8) {
      const p = <usize> load<u32>(at) + c;
      const q = <usize> load<u32>(at, 4) + c;
      sum = madd(v128.load(p), v128.load(q), sum);
    }
    store1(y + c, channels, sum);
    c += 16;
    channels -= 4;
  }
}

/** Outputs [at, last) of y = convolution(x, kernel), each channel by itself. */
export function depthwise(
  x: usize,
  kernel: usize,
  y: usize,
  block: usize,
  at: i32,
  last: i32,
  list: usize,
): void {
  const channels = channelsOf(block);
  const row = 4 * <usize> channels;
  const width = outputSize(block, 2);
  const places = outputPlaces(block);
  const imageBytes = <usize> inputPlaces(block) * row;
  for (; at < last; ++at) {
    const above = at % places / width;
    const height = outputSize(block, 1);
    const image = x + <usize> (at / places) * imageBytes;
    const taps = listTaps(block, above / height, above % height, at % width, image, kernel, list);
    sumTaps(list, taps, y + <usize> at * row, channels);
  }
}

/**
 * Adds products of `count` inputs and gradients, `xStep` and `gradStep` bytes apart, to one tap's row
 * of y.
 */
function addLine(
  x: usize,
  xStep: usize,
  grad: usize,
  gradStep: usize,
  count: i32,
  y: usize,
  channels: i32,
): void {
  for (; channels > 0; channels -= 8) {
    let low = v128.load(y);
    let high = v128.load(y, 16);
    let p = x;
    let q = grad;
    for (let i = 0; i < count; ++i) {
      low = madd(v128.load(p), v128.load(q), low);
      high = madd(v128.load(p, 16), v128.load(q, 16), high);
      p += xStep;
      q += gradStep;
    }
    store1(y, channels, low);
    if (channels > 4) store1(y + 16, channels - 4, high);
    x += 32;
    grad += 32;
    y += 32;
  }
}

/** What one tap along the width gives to its row of y, from a line of inputs and of gradients. */
function addTap(block: usize, tap: i32, x: usize, grad: usize, y: usize): void {
  const channels = channelsOf(block);
  const row = 4 * <usize> channels;
  const width = outputSize(block, 2);
  // Outputs whose tap lies on an input come in even steps.
  let first = 0;
  while (first < width && inputIndex(block, 2, firstPlace(block, 2, first), tap) < 0) ++first;
  if (first == width) return;
  let next = first + 1;
  while (next < width && inputIndex(block, 2, firstPlace(block, 2, next), tap) < 0) ++next;
  const index = inputIndex(block, 2, firstPlace(block, 2, first), tap);
  const gap = next - first;
  const apart = next < width ? inputIndex(block, 2, firstPlace(block, 2, next), tap) - index : 1;
  let count = (width - 1 - first) / gap + 1;
  const inside = (inputSize(block, 2) - 1 - index) / apart + 1;
  if (count > inside) count = inside;
  addLine(
    x + <usize> index * row,
    <usize> apart * row,
    grad + <usize> first * row,
    <usize> gap * row,
    count,
    y,
    channels,
  );
}

/** Rows [start, end), a row a tap, of the gradient of a kernel. */
export function depthwiseKernelGradient(
  x: usize,
  grad: usize,
  y: usize,
  block: usize,
  start: i32,
  end: i32,
): void {
  const row = 4 * <usize> channelsOf(block);
  const inRow = row * <usize> inputSize(block, 2);
  const outRow = row * <usize> outputSize(block, 2);
  const across = tapsAlong(block, 2);
  const tall = tapsAlong(block, 1);
  memory.fill(y + <usize> start * row, 0, <usize> (end - start) * row);
  for (let image = 0; image < batchOf(block); ++image) {
    for (let d = 0; d < outputSize(block, 0); ++d) {
      for (let h = 0; h < outputSize(block, 1); ++h) {
        for (let tap = start; tap < end; ++tap) {
          const inD = inputIndex(block, 0, firstPlace(block, 0, d), tap / across / tall);
          const inH = inputIndex(block, 1, firstPlace(block, 1, h), tap / across % tall);
          if (inD < 0 || inH < 0) continue;
          const line = x + <usize> (inD * inputSize(block, 1) + inH) * inRow;
          addTap(block, tap % across, line, grad, y + <usize> tap * row);
        }
        grad += outRow;
      }
    }
    x += <usize> inputPlaces(block) * row;
  }
}
