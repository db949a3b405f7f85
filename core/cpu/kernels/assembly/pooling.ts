/** Pooling: a window's inputs folded into one output, channel by channel, and the way back. */
import { store1 } from "./strips";
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
  strideOf,
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

/** Where the tap of a window is, from the window's base. */
@inline function tapAt(base: usize, list: usize, tap: i32): usize {
  return base + <usize> load<u32>(list + 4 * <usize> tap);
}

/** The sums of a window's inputs, channel by channel. */
function sumWindow(x: usize, y: usize, list: usize, taps: i32, channels: i32): void {
  for (let c = 0; c < channels; c += 4) {
    let total = f32x4.splat(0);
    for (let tap = 0; tap < taps; ++tap) {
      total = f32x4.add(total, v128.load(tapAt(x, list, tap)));
    }
    store1(y, channels - c, total);
    x += 16;
    y += 16;
  }
}

/** The largest of a window's inputs, or NaN, channel by channel. */
function largestWindow(x: usize, y: usize, list: usize, taps: i32, channels: i32): void {
  for (let c = 0; c < channels; c += 4) {
    let largest = f32x4.splat(-Infinity);
    for (let tap = 0; tap < taps; ++tap) {
      const value = v128.load(tapAt(x, list, tap));
      // One comparison where f32x4.max takes eight instructions; NaN, once there, stays.
      const stays = v128.or(f32x4.ge(largest, value), f32x4.ne(largest, largest));
      largest = v128.bitselect(largest, value, stays);
    }
    store1(y, channels - c, largest);
    x += 16;
    y += 16;
  }
}

/** The tap of the largest of a window's inputs in four channels. */
@inline function largestTap(x: usize, list: usize, taps: i32): v128 {
  let largest = f32x4.splat(-Infinity);
  let first = i32x4.splat(0);
  for (let tap = 0; tap < taps; ++tap) {
    const value = v128.load(tapAt(x, list, tap));
    // NaN is larger than any number; the first of equal ones stays.
    const overtakes = v128.and(f32x4.ne(value, value), f32x4.eq(largest, largest));
    const wins = v128.or(f32x4.gt(value, largest), overtakes);
    largest = v128.bitselect(value, largest, wins);
    first = v128.bitselect(i32x4.splat(tap), first, wins);
  }
  return first;
}

/** What stands in `values` where the inputs of a window are largest, channel by channel. */
function selectWindow(
  x: usize,
  values: usize,
  y: usize,
  list: usize,
  taps: i32,
  channels: i32,
): void {
  for (let c = 0; c < channels; c += 4) {
    const chosen = largestTap(x, list, taps);
    let selected = f32x4.splat(0);
    for (let tap = 0; tap < taps; ++tap) {
      const value = v128.load(tapAt(values, list, tap));
      selected = v128.bitselect(value, selected, i32x4.eq(chosen, i32x4.splat(tap)));
    }
    store1(y, channels - c, selected);
    x += 16;
    values += 16;
    y += 16;
  }
}

/**
 * Adds `values` to `y` where the inputs of a window are largest, channel by channel; with `alone`,
 * where windows do not overlap, it writes without reading.
 */
function spreadWindow(
  x: usize,
  values: usize,
  y: usize,
  list: usize,
  taps: i32,
  channels: i32,
  alone: bool,
): void {
  for (let c = 0; c < channels; c += 4) {
    const chosen = largestTap(x, list, taps);
    const value = v128.load(values);
    const count = channels - c;
    for (let tap = 0; tap < taps; ++tap) {
      const at = tapAt(y, list, tap);
      let mine = v128.and(value, i32x4.eq(chosen, i32x4.splat(tap)));
      if (!alone) mine = f32x4.add(v128.load(at), mine);
      store1(at, count, mine);
    }
    x += 16;
    values += 16;
    y += 16;
  }
}

/** Whether no input lies under two windows. */
function areApart(block: usize): bool {
  for (let axis = 0; axis < 3; ++axis) {
    const reach = (tapsAlong(block, axis) - 1) * dilationOf(block, axis) + 1;
    if (strideOf(block, axis) < reach || inputDilationOf(block, axis) > 1) return false;
  }
  return true;
}

/** Whether every input lies under a window, if windows lie apart. */
function areEverywhere(block: usize): bool {
  for (let axis = 0; axis < 3; ++axis) {
    const taps = tapsAlong(block, axis);
    if (strideOf(block, axis) != taps || (taps > 1 && dilationOf(block, axis) > 1)) return false;
    if (firstPlace(block, axis, 0) > 0) return false;
    if (firstPlace(block, axis, outputSize(block, axis)) < inputSize(block, axis)) return false;
  }
  return true;
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
  const alone = mode == 3 && areApart(block);
  if (mode == 3 && !(alone && areEverywhere(block))) {
    memory.fill(y + <usize> start * image, 0, <usize> (end - start) * image);
  }
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
    if (mode == 0) sumWindow(x + shift, y + out, list, taps, channels);
    else if (mode == 1) largestWindow(x + shift, y + out, list, taps, channels);
    else if (mode == 2) selectWindow(x + shift, values + shift, y + out, list, taps, channels);
    else spreadWindow(x + shift, values + out, y + shift, list, taps, channels, alone);
  }
}
