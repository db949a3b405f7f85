/** The gradient of the kernel of a convolution of each channel by itself: a line at a time. */
import { addThree, isGradientOfThree } from "./depthwise_three";
import { least } from "./pack";
import { madd, store1 } from "./strips";
import { go, onChannelwise, onThreeTaps } from "./ways";
import {
  batchOf,
  channelsOf,
  firstPlace,
  inputIndex,
  inputPlaces,
  inputSize,
  outputSize,
  tapsAlong,
} from "./window";

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
function addTap(block: usize, tap: i32, x: usize, grad: usize, y: usize, channels: i32): void {
  const row = 4 * <usize> channelsOf(block);
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
  const count = (width - 1 - first) / gap + 1;
  const inside = (inputSize(block, 2) - 1 - index) / apart + 1;
  addLine(
    x + <usize> index * row,
    <usize> apart * row,
    grad + <usize> first * row,
    <usize> gap * row,
    least(count, inside),
    y,
    channels,
  );
}

/** Channels [start, end) of the gradient of a kernel. */
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
  const channels = end - start;
  const three = isGradientOfThree(block);
  go(three ? onThreeTaps : onChannelwise);
  x += 4 * <usize> start;
  grad += 4 * <usize> start;
  y += 4 * <usize> start;
  const taps = tapsAlong(block, 0) * tapsAlong(block, 1) * across;
  for (let tap = 0; tap < taps; ++tap) {
    memory.fill(y + <usize> tap * row, 0, 4 * <usize> channels);
  }
  for (let image = 0; image < batchOf(block); ++image) {
    for (let d = 0; d < outputSize(block, 0); ++d) {
      for (let h = 0; h < outputSize(block, 1); ++h) {
        let to = y;
        for (let i = 0; i < tapsAlong(block, 0); ++i) {
          const inD = inputIndex(block, 0, firstPlace(block, 0, d), i);
          for (let j = 0; j < tapsAlong(block, 1); ++j, to += row * <usize> across) {
            const inH = inputIndex(block, 1, firstPlace(block, 1, h), j);
            if (inD < 0 || inH < 0) continue;
            const line = x + <usize> (inD * inputSize(block, 1) + inH) * inRow;
            if (three) addThree(block, line, grad, to, channels);
            else {
              for (let tap = 0; tap < across; ++tap) {
                addTap(block, tap, line, grad, to + row * <usize> tap, channels);
              }
            }
          }
        }
        grad += outRow;
      }
    }
    x += <usize> inputPlaces(block) * row;
  }
}
