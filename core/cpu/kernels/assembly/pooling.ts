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

/** The larger of two, four times; NaN is dropped. */
@inline function larger(a: v128, b: v128): v128 {
  return f32x4.pmax(a, b);
}

/** Lanes of four values in which any is NaN. */
@inline function anyNaN(a: v128, b: v128, c: v128, d: v128): v128 {
  return v128.or(
    v128.or(f32x4.ne(a, a), f32x4.ne(b, b)),
    v128.or(f32x4.ne(c, c), f32x4.ne(d, d)),
  );
}

/** {@link largestWindow} of four taps, channels in whole vectors: half of all poolings are 2×2. */
function largestOfFour(x: usize, y: usize, list: usize, channels: i32): void {
  let p = tapAt(x, list, 0);
  let q = tapAt(x, list, 1);
  let r = tapAt(x, list, 2);
  let s = tapAt(x, list, 3);
  const end = y + 4 * <usize> channels;
  for (; y < end; y += 16) {
    const a = v128.load(p);
    const b = v128.load(q);
    const c = v128.load(r);
    const d = v128.load(s);
    v128.store(y, v128.or(larger(larger(a, b), larger(c, d)), anyNaN(a, b, c, d)));
    p += 16;
    q += 16;
    r += 16;
    s += 16;
  }
}

/** {@link spreadWindow} of four taps that lie in no other window, channels in whole vectors. */
function spreadOfFour(x: usize, values: usize, y: usize, list: usize, channels: i32): void {
  let p = tapAt(x, list, 0);
  let q = tapAt(x, list, 1);
  let r = tapAt(x, list, 2);
  let s = tapAt(x, list, 3);
  const shift = y - x;
  const end = values + 4 * <usize> channels;
  for (; values < end; values += 16) {
    const a = v128.load(p);
    const b = v128.load(q);
    const c = v128.load(r);
    const d = v128.load(s);
    const value = v128.load(values);
    const nan = anyNaN(a, b, c, d);
    const largest = larger(larger(a, b), larger(c, d));
    let atA = f32x4.eq(a, largest);
    let atB = f32x4.eq(b, largest);
    let atC = f32x4.eq(c, largest);
    if (v128.any_true(nan)) {
      // NaN is larger than any number.
      atA = v128.bitselect(f32x4.ne(a, a), atA, nan);
      atB = v128.bitselect(f32x4.ne(b, b), atB, nan);
      atC = v128.bitselect(f32x4.ne(c, c), atC, nan);
    }
    // The first of equal ones.
    const ab = v128.or(atA, atB);
    v128.store(p + shift, v128.and(value, atA));
    v128.store(q + shift, v128.and(value, v128.andnot(atB, atA)));
    v128.store(r + shift, v128.and(value, v128.andnot(atC, ab)));
    v128.store(s + shift, v128.andnot(value, v128.or(ab, atC)));
    p += 16;
    q += 16;
    r += 16;
    s += 16;
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
  const height = outputSize(block, 1);
  const reach = (tapsAlong(block, 2) - 1) * dilationOf(block, 2);
  // Windows that begin in 0 … last have all their taps on inputs.
  const last = inputDilationOf(block, 2) == 1 ? inputSize(block, 2) - 1 - reach : -1;
  const ofFour = tapsAlong(block, 0) * tapsAlong(block, 1) * tapsAlong(block, 2) == 4 &&
    (channels & 3) == 0;
  for (let at = start * each; at < end * each;) {
    const above = at / outWidth;
    const h = above % height;
    const d = above / height % outputSize(block, 0);
    const whole = <usize> (at / places) * image;
    const right = min((above + 1) * outWidth, end * each);
    let taps = 0;
    // The list of a window that lies inside holds for its right neighbour, some places further.
    let listed = -1;
    for (let w = at % outWidth; at < right; ++at, ++w) {
      const w0 = firstPlace(block, 2, w);
      const inside = w0 >= 0 && w0 <= last;
      if (listed < 0 || !inside) {
        taps = listTaps(block, d, h, w, list);
        listed = inside ? w0 : -1;
      }
      const shift = whole + (inside ? <usize> (w0 - listed) * line : 0);
      const out = <usize> at * line;
      if (ofFour && taps == 4 && mode == 1) largestOfFour(x + shift, y + out, list, channels);
      else if (ofFour && taps == 4 && alone) {
        spreadOfFour(x + shift, values + out, y + shift, list, channels);
      } else if (mode == 0) sumWindow(x + shift, y + out, list, taps, channels);
      else if (mode == 1) largestWindow(x + shift, y + out, list, taps, channels);
      else if (mode == 2) selectWindow(x + shift, values + shift, y + out, list, taps, channels);
      else spreadWindow(x + shift, values + out, y + shift, list, taps, channels, alone);
    }
  }
}
