/**
 * Convolution of each channel by itself where three taps lie side by side, as do neighbouring outputs:
 * an input is read once for all three. Sums go over the same products in the same order as elsewhere.
 */
import { entry } from "./depthwise_sums";
import { least } from "./pack";
import { madd, store1 } from "./strips";
import {
  beforeOf,
  channelsOf,
  dilationOf,
  inputDilationOf,
  inputSize,
  outputSize,
  strideOf,
  tapsAlong,
} from "./window";

/** Outputs that are done together. */
export const outputsOfThree: i32 = 6;
/** Whether a line's taps are three, side by side. */
export function isOfThree(block: usize): bool {
  return tapsAlong(block, 2) == 3 && strideOf(block, 2) == 1 && dilationOf(block, 2) == 1 &&
    inputDilationOf(block, 2) == 1;
}

/** The first output of a line all of whose three taps lie on inputs. */
export function firstOfThree(block: usize): i32 {
  const before = beforeOf(block, 2);
  return before > 0 ? before : 0;
}

/** Where outputs end whose three taps lie on inputs. */
export function endOfThree(block: usize): i32 {
  return least(outputSize(block, 2), inputSize(block, 2) - 2 + beforeOf(block, 2));
}

/** Six outputs, `row` bytes apart: sums over the listed rows, whose first inputs lie `shift` bytes on. */
export function sumThree(list: usize, rows: i32, shift: usize, row: usize, y: usize, channels: i32): void {
  const end = list + entry * <usize> rows;
  for (let c: usize = 0; channels > 0; channels -= 4) {
    let s0 = f32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    let s4 = s0;
    let s5 = s0;
    for (let at = list; at < end; at += entry) {
      let p = <usize> load<u32>(at) + shift + c;
      const q = <usize> load<u32>(at, 4) + c;
      const k0 = v128.load(q);
      const k1 = v128.load(q + row);
      const k2 = v128.load(q + 2 * row);
      s0 = madd(v128.load(p), k0, s0);
      p += row;
      let x = v128.load(p);
      s0 = madd(x, k1, s0);
      s1 = madd(x, k0, s1);
      p += row;
      x = v128.load(p);
      s0 = madd(x, k2, s0);
      s1 = madd(x, k1, s1);
      s2 = madd(x, k0, s2);
      p += row;
      x = v128.load(p);
      s1 = madd(x, k2, s1);
      s2 = madd(x, k1, s2);
      s3 = madd(x, k0, s3);
      p += row;
      x = v128.load(p);
      s2 = madd(x, k2, s2);
      s3 = madd(x, k1, s3);
      s4 = madd(x, k0, s4);
      p += row;
      x = v128.load(p);
      s3 = madd(x, k2, s3);
      s4 = madd(x, k1, s4);
      s5 = madd(x, k0, s5);
      p += row;
      x = v128.load(p);
      s4 = madd(x, k2, s4);
      s5 = madd(x, k1, s5);
      s5 = madd(v128.load(p + row), k2, s5);
    }
    store1(y, channels, s0);
    store1(y + row, channels, s1);
    store1(y + 2 * row, channels, s2);
    store1(y + 3 * row, channels, s3);
    store1(y + 4 * row, channels, s4);
    store1(y + 5 * row, channels, s5);
    c += 16;
    y += 16;
  }
}

/** Inputs that the last output's taps see behind the line. */
function missingBehind(block: usize): i32 {
  return outputSize(block, 2) + 2 - beforeOf(block, 2) - inputSize(block, 2);
}

/** Whether taps of the gradient of a kernel can be summed up together: one input or none is missing. */
export function isGradientOfThree(block: usize): bool {
  const before = beforeOf(block, 2);
  return isOfThree(block) && (before == 0 || before == 1) && missingBehind(block) <= 1 &&
    outputSize(block, 2) > 1;
}

/**
 * Adds to three rows of y, one for each tap along the width, what a line of inputs and one of gradients
 * give to them. Every input is read once for all taps; no tap sees zeros around the line.
 */
export function addThree(block: usize, x: usize, grad: usize, y: usize, channels: i32): void {
  const row = 4 * <usize> channelsOf(block);
  const before = beforeOf(block, 2) == 1;
  const behind = missingBehind(block) == 1;
  const count = outputSize(block, 2) - i32(before) - i32(behind);
  for (; channels > 0; channels -= 8) {
    let a0 = v128.load(y);
    let a1 = v128.load(y, 16);
    let b0 = v128.load(y + row);
    let b1 = v128.load(y + row, 16);
    let c0 = v128.load(y + 2 * row);
    let c1 = v128.load(y + 2 * row, 16);
    let x0 = v128.load(x);
    let x1 = v128.load(x, 16);
    let p = x + row;
    let y0 = v128.load(p);
    let y1 = v128.load(p, 16);
    let q = grad;
    if (before) {
      const g0 = v128.load(q);
      const g1 = v128.load(q, 16);
      b0 = madd(x0, g0, b0);
      b1 = madd(x1, g1, b1);
      c0 = madd(y0, g0, c0);
      c1 = madd(y1, g1, c1);
      q += row;
    }
    for (let i = 0; i < count; ++i) {
      const g0 = v128.load(q);
      const g1 = v128.load(q, 16);
      p += row;
      a0 = madd(x0, g0, a0);
      a1 = madd(x1, g1, a1);
      b0 = madd(y0, g0, b0);
      b1 = madd(y1, g1, b1);
      x0 = y0;
      x1 = y1;
      y0 = v128.load(p);
      y1 = v128.load(p, 16);
      c0 = madd(y0, g0, c0);
      c1 = madd(y1, g1, c1);
      q += row;
    }
    if (behind) {
      const g0 = v128.load(q);
      const g1 = v128.load(q, 16);
      a0 = madd(x0, g0, a0);
      a1 = madd(x1, g1, a1);
      b0 = madd(y0, g0, b0);
      b1 = madd(y1, g1, b1);
    }
    store1(y, channels, a0);
    store1(y + row, channels, b0);
    store1(y + 2 * row, channels, c0);
    if (channels > 4) {
      store1(y + 16, channels - 4, a1);
      store1(y + row + 16, channels - 4, b1);
      store1(y + 2 * row + 16, channels - 4, c1);
    }
    x += 32;
    grad += 32;
    y += 32;
  }
}
