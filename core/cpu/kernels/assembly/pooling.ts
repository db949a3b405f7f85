/** Pooling: a window's inputs folded into one output, channel by channel, and the way back. */
import { loadPart, storePart } from "./lanes";
import {
  batchOf,
  channelsOf,
  dilationOf,
  firstPlace,
  inputDilationOf,
  inputIndex,
  inputPlaces,
  inputSize,
  outputPlaces,
  outputSize,
  tapsAlong,
} from "./window";

/** Writes down where the inputs under a window are, in bytes from the image; returns how many. */
function listTaps(block: usize, d: i32, h: i32, w: i32, list: usize): i32 {
  const line = 4 * <usize> channelsOf(block);
  const d0 = firstPlace(block, 0, d);
  const h0 = firstPlace(block, 1, h);
  const w0 = firstPlace(block, 2, w);
  let count = 0;
  for (let i = 0; i < tapsAlong(block, 0); ++i) {
    const inD = inputIndex(block, 0, d0, i);
    if (inD < 0) continue;
    for (let j = 0; j < tapsAlong(block, 1); ++j) {
      const inH = inputIndex(block, 1, h0, j);
      if (inH < 0) continue;
      const row = (inD * inputSize(block, 1) + inH) * inputSize(block, 2);
      for (let k = 0; k < tapsAlong(block, 2); ++k) {
        const inW = inputIndex(block, 2, w0, k);
        if (inW < 0) continue;
        store<u32>(list + 4 * <usize> count, <u32> (line * <usize> (row + inW)));
        ++count;
      }
    }
  }
  return count;
}

/** The sum of a window's inputs in four channels. */
function sumOf(x: usize, list: usize, taps: i32, count: i32): v128 {
  let total = f32x4.splat(0);
  for (let tap = 0; tap < taps; ++tap) {
    total = f32x4.add(total, loadPart(x + load<u32>(list + 4 * <usize> tap), count));
  }
  return total;
}

/** The largest of a window's inputs in four channels, or NaN. */
function largestOf(x: usize, list: usize, taps: i32, count: i32): v128 {
  let largest = f32x4.splat(-Infinity);
  for (let tap = 0; tap < taps; ++tap) {
    largest = f32x4.max(largest, loadPart(x + load<u32>(list + 4 * <usize> tap), count));
  }
  return largest;
}

/** The tap of the largest of a window's inputs in four channels. */
function largestTap(x: usize, list: usize, taps: i32, count: i32): v128 {
  let largest = f32x4.splat(-Infinity);
  let first = i32x4.splat(0);
  for (let tap = 0; tap < taps; ++tap) {
    const value = loadPart(x + load<u32>(list + 4 * <usize> tap), count);
    // NaN is larger than any number; the first of equal ones stays.
    const overtakes = v128.and(f32x4.ne(value, value), f32x4.eq(largest, largest));
    const wins = v128.or(f32x4.gt(value, largest), overtakes);
    largest = v128.bitselect(value, largest, wins);
    first = v128.bitselect(i32x4.splat(tap), first, wins);
  }
  return first;
}

/** What stands in `values` at the taps `chosen`. */
function select(chosen: v128, values: usize, list: usize, taps: i32, count: i32): v128 {
  let selected = f32x4.splat(0);
  for (let tap = 0; tap < taps; ++tap) {
    const value = loadPart(values + load<u32>(list + 4 * <usize> tap), count);
    selected = v128.bitselect(value, selected, i32x4.eq(chosen, i32x4.splat(tap)));
  }
  return selected;
}

/** Adds `value` to what stands in `y` at the taps `chosen`. */
function spread(chosen: v128, value: v128, y: usize, list: usize, taps: i32, count: i32): void {
  for (let tap = 0; tap < taps; ++tap) {
    const at = y + load<u32>(list + 4 * <usize> tap);
    const mine = v128.and(value, i32x4.eq(chosen, i32x4.splat(tap)));
    storePart(at, count, f32x4.add(loadPart(at, count), mine));
  }
}

/** Whether all taps of a window that begins at `place` lie on inputs. */
function isInside(block: usize, axis: i32, place: i32): bool {
  const last = place + (tapsAlong(block, axis) - 1) * dilationOf(block, axis);
  return place >= 0 && last < inputSize(block, axis) && inputDilationOf(block, axis) == 1;
}

/**
 * Folds windows: outputs [start·each, end·each) of all, in row-major order.
 *
 * Modes: 0 sum, 1 maximum, 2 what stands in `values` where `x` is largest, 3 adds `values`, the
 * gradient of the outputs, to `y` where `x` is largest.
 */
export function pool(
  x: usize,
  values: usize,
  y: usize,
  block: usize,
  mode: i32,
  units: i32,
  start: i32,
  end: i32,
  list: usize,
): void {
  const channels = channelsOf(block);
  const line = 4 * <usize> channels;
  const places = outputPlaces(block);
  const each = batchOf(block) * places / units;
  const outWidth = outputSize(block, 2);
  const image = <usize> inputPlaces(block) * line;
  // Here a unit is an image: its gradients meet no others.
  if (mode == 3) memory.fill(y + <usize> start * image, 0, <usize> (end - start) * image);
  let taps = 0;
  // The list of a window that lies inside holds for its right neighbour, some places further.
  let known = false;
  let listed = 0;
  for (let at = start * each; at < end * each; ++at) {
    const rest = at % places;
    const w = rest % outWidth;
    const w0 = firstPlace(block, 2, w);
    if (w == 0) known = false;
    if (!known || !isInside(block, 2, w0)) {
      const above = rest / outWidth;
      taps = listTaps(block, above / outputSize(block, 1), above % outputSize(block, 1), w, list);
      known = isInside(block, 2, w0);
      listed = w0;
    }
    const shift = <usize> (at / places) * image + <usize> (w0 - listed) * line;
    const out = <usize> at * line;
    for (let c = 0; c < channels; c += 4) {
      const count = channels - c;
      const from = shift + 4 * <usize> c;
      const to = out + 4 * <usize> c;
      if (mode == 0) storePart(y + to, count, sumOf(x + from, list, taps, count));
      else if (mode == 1) storePart(y + to, count, largestOf(x + from, list, taps, count));
      else {
        const chosen = largestTap(x + from, list, taps, count);
        if (mode == 2) {
          storePart(y + to, count, select(chosen, values + from, list, taps, count));
        } else spread(chosen, loadPart(values + to, count), y + from, list, taps, count);
      }
    }
  }
}
