/** Convolution of each channel by itself: sums over taps, four outputs of eight channels at a time. */
import { entry, sumTaps, sumTaps4 } from "./depthwise_sums";
import { endOfThree, firstOfThree, isOfThree, outputsOfThree, sumThree } from "./depthwise_three";
import { least } from "./pack";
import { go, onChannelwise, onThreeTaps } from "./ways";
import {
  beforeOf,
  channelsOf,
  dilationOf,
  filtersOf,
  firstPlace,
  groupsOf,
  inputDilationOf,
  inputIndex,
  inputPlaces,
  inputSize,
  outputPlaces,
  outputSize,
  strideOf,
  tapsAlong,
} from "./window";

/** Whether every channel has one filter of its own. */
export function isDepthwise(block: usize): bool {
  const groups = groupsOf(block);
  return groups > 1 && groups == channelsOf(block) && groups == filtersOf(block);
}

/** Bytes of the lists of a line of outputs. */
export function depthwiseListBytes(block: usize): i32 {
  const rows = tapsAlong(block, 0) * tapsAlong(block, 1);
  return <i32> entry * rows * (1 + tapsAlong(block, 2));
}

/**
 * Writes down, for each tap of depth and height on an input, where the line of the input begins and
 * the kernel's row of the first tap along the width; how many.
 */
function listRows(block: usize, d: i32, h: i32, image: usize, kernel: usize, list: usize): i32 {
  const row = 4 * <usize> channelsOf(block);
  const across = row * <usize> tapsAlong(block, 2);
  const d0 = firstPlace(block, 0, d);
  const h0 = firstPlace(block, 1, h);
  let count = 0;
  for (let i = 0; i < tapsAlong(block, 0); ++i) {
    const inD = inputIndex(block, 0, d0, i);
    for (let j = 0; j < tapsAlong(block, 1); ++j) {
      const inH = inputIndex(block, 1, h0, j);
      if (inD >= 0 && inH >= 0) {
        const line = (inD * inputSize(block, 1) + inH) * inputSize(block, 2);
        const at = list + entry * <usize> count;
        store<u32>(at, <u32> (image + <usize> line * row));
        store<u32>(at, <u32> kernel, 4);
        ++count;
      }
      kernel += across;
    }
  }
  return count;
}

/** Writes down, for each tap of an output on an input, where input and kernel are; how many. */
function listTaps(block: usize, rows: usize, count: i32, w: i32, list: usize): i32 {
  const row = 4 * <usize> channelsOf(block);
  const w0 = firstPlace(block, 2, w);
  let taps = 0;
  for (let r = 0; r < count; ++r) {
    const line = <usize> load<u32>(rows + entry * <usize> r);
    const kernel = <usize> load<u32>(rows + entry * <usize> r, 4);
    for (let k = 0; k < tapsAlong(block, 2); ++k) {
      const inW = inputIndex(block, 2, w0, k);
      if (inW < 0) continue;
      const at = list + entry * <usize> taps;
      store<u32>(at, <u32> (line + <usize> inW * row));
      store<u32>(at, <u32> (kernel + <usize> k * row), 4);
      ++taps;
    }
  }
  return taps;
}

/** Whether the windows of an output lie within the input along the width. */
function isInside(block: usize, w: i32): bool {
  const first = firstPlace(block, 2, w);
  const reach = (tapsAlong(block, 2) - 1) * dilationOf(block, 2);
  return first >= 0 && first + reach <= (inputSize(block, 2) - 1) * inputDilationOf(block, 2);
}

function commonDivisor(a: i32, b: i32): i32 {
  while (b) {
    const rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

/** Outputs [from, to) of a line whose first one is at y; `list` has room for taps. */
function sumLine(
  block: usize,
  rows: usize,
  count: i32,
  from: i32,
  to: i32,
  y: usize,
  list: usize,
): void {
  const first = max(from, firstOfThree(block));
  const end = least(to, endOfThree(block));
  if (!isOfThree(block) || end - first < outputsOfThree) {
    sumOutputs(block, rows, count, from, to, y, list);
    return;
  }
  go(onThreeTaps);
  sumOutputs(block, rows, count, from, first, y, list);
  const channels = channelsOf(block);
  const row = 4 * <usize> channels;
  for (let w = first; w < end; w += outputsOfThree) {
    // The last ones may be done twice.
    const at = least(w, end - outputsOfThree);
    const shift = row * <usize> (at - beforeOf(block, 2));
    sumThree(rows, count, shift, row, y + row * <usize> at, channels);
  }
  sumOutputs(block, rows, count, end, to, y, list);
}

/** Outputs [from, to) of a line: those that see the same taps together. */
function sumOutputs(
  block: usize,
  rows: usize,
  count: i32,
  from: i32,
  to: i32,
  y: usize,
  list: usize,
): void {
  const channels = channelsOf(block);
  const row = 4 * <usize> channels;
  // Where inputs lie apart, outputs see the same taps in even steps.
  const common = commonDivisor(strideOf(block, 2), inputDilationOf(block, 2));
  const gap = inputDilationOf(block, 2) / common;
  const step = row * <usize> (strideOf(block, 2) / common);
  for (let first = from; first < to && first < from + gap; ++first) {
    // The first output within the input whose taps are listed; -1 while there is none.
    let listed = -1;
    let taps = 0;
    for (let w = first; w < to;) {
      const at = y + <usize> w * row;
      const inside = isInside(block, w);
      if (!inside || listed < 0) {
        taps = listTaps(block, rows, count, w, list);
        listed = inside ? w : -1;
      }
      const shift = inside ? step * <usize> ((w - listed) / gap) : 0;
      if (inside && w + 3 * gap < to && isInside(block, w + 3 * gap)) {
        sumTaps4(list, taps, shift, step, at, row * <usize> gap, channels);
        w += 4 * gap;
      } else {
        sumTaps(list, taps, shift, at, channels);
        w += gap;
      }
    }
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
  go(onChannelwise);
  const row = 4 * <usize> channelsOf(block);
  const width = outputSize(block, 2);
  const height = outputSize(block, 1);
  const places = outputPlaces(block);
  const imageBytes = <usize> inputPlaces(block) * row;
  const taps = list + entry * <usize> (tapsAlong(block, 0) * tapsAlong(block, 1));
  while (at < last) {
    const above = at % places / width;
    const from = at % width;
    const to = at - from + width < last ? width : from + last - at;
    const image = x + <usize> (at / places) * imageBytes;
    const rows = listRows(block, above / height, above % height, image, kernel, list);
    sumLine(block, list, rows, from, to, y + <usize> (at - from) * row, taps);
    at += to - from;
  }
}
