/**
 * Convolution as matrix products: the inputs under a few hundred windows are laid out as rows of a
 * tile, which is multiplied by the kernel; so no more than a tile is ever copied.
 */
import { matmul } from "./matmul";
import {
  batchOf,
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
  tapsAlong,
} from "./window";

/** Bytes of a tile: with the packed kernel it stays in L2. */
export const tileBytes: i32 = 1 << 18;

/** Copies `count` floats, or zeros from address 0. */
function put(from: usize, count: i32, to: usize): void {
  if (!from) {
    memory.fill(to, 0, <usize> count * 4);
    return;
  }
  while (count >= 4) {
    v128.store(to, v128.load(from));
    from += 16;
    to += 16;
    count -= 4;
  }
  while (count > 0) {
    store<f32>(to, load<f32>(from));
    from += 4;
    to += 4;
    --count;
  }
}

/** Floats from one row of a tile to the next: not a multiple of 2 KiB, whose rows share lines. */
function pitchOf(width: i32): i32 {
  const even = (width + 3) & ~3;
  return even & 127 ? even : even + 4;
}

/** Rows of a tile. */
function tileRows(pitch: i32): i32 {
  const rows = tileBytes / 4 / pitch;
  return rows > 768 ? 768 : rows < 12 ? 12 : rows / 12 * 12;
}

/**
 * Lays out the inputs under the windows of outputs [start, start + rows): columns [from, to) of
 * `[taps, channels of a group]`, to the tile's rows of `pitch` floats.
 */
function layOut(
  block: usize,
  x: usize,
  group: i32,
  start: i32,
  rows: i32,
  from: i32,
  to: i32,
  tile: usize,
  pitch: i32,
): void {
  const all = channelsOf(block);
  const channels = all / groupsOf(block);
  const depth = tapsAlong(block, 0);
  const height = tapsAlong(block, 1);
  const width = tapsAlong(block, 2);
  const outHeight = outputSize(block, 1);
  const outWidth = outputSize(block, 2);
  const inHeight = inputSize(block, 1);
  const inWidth = inputSize(block, 2);
  const places = outputPlaces(block);
  // Neighbouring taps along the width are neighbours in memory too.
  const runs = dilationOf(block, 2) == 1 && inputDilationOf(block, 2) == 1 && channels == all;
  let image = start / places;
  let rest = start % places;
  let w = rest % outWidth;
  rest /= outWidth;
  let h = rest % outHeight;
  let d = rest / outHeight;
  for (; rows > 0; --rows) {
    const base = x +
      4 * (<usize> image * <usize> inputPlaces(block) * <usize> all + <usize> (group * channels));
    const d0 = firstPlace(block, 0, d);
    const h0 = firstPlace(block, 1, h);
    const w0 = firstPlace(block, 2, w);
    let column = 0;
    for (let i = 0; i < depth; ++i) {
      const inD = inputIndex(block, 0, d0, i);
      for (let j = 0; j < height; ++j) {
        const inH = inputIndex(block, 1, h0, j);
        const next = column + width * channels;
        if (next <= from || column >= to) {
          column = next;
          continue;
        }
        const line = inD < 0 || inH < 0
          ? 0
          : base + 4 * <usize> ((inD * inHeight + inH) * inWidth) * <usize> all;
        if (line && runs && w0 >= 0 && w0 + width <= inWidth) {
          const left = from > column ? from - column : 0;
          const right = to < next ? to - column : next - column;
          put(
            line + 4 * <usize> (w0 * all + left),
            right - left,
            tile + 4 * <usize> (column + left - from),
          );
          column = next;
          continue;
        }
        for (let k = 0; k < width; ++k) {
          const end = column + channels;
          if (end > from && column < to) {
            const inW = line ? inputIndex(block, 2, w0, k) : -1;
            const left = from > column ? from - column : 0;
            const right = to < end ? to - column : channels;
            const at = inW < 0 ? 0 : line + 4 * <usize> (inW * all + left);
            put(at, right - left, tile + 4 * <usize> (column + left - from));
          }
          column = end;
        }
      }
    }
    tile += 4 * <usize> pitch;
    if (++w == outWidth) {
      w = 0;
      if (++h == outHeight) {
        h = 0;
        if (++d == outputSize(block, 0)) {
          d = 0;
          ++image;
        }
      }
    }
  }
}

/** Most columns of a tile: more are done in turns, so that a tile has a hundred rows or more. */
const mostColumns: i32 = 512;

/** Columns of a turn: the `width` ones in turns of about equal size. */
function columnsOf(width: i32): i32 {
  const turns = (width + mostColumns - 1) / mostColumns;
  return (width + turns - 1) / turns;
}

/** Rows of the kernel: its taps, times the channels of a group. */
function kernelRows(block: usize): i32 {
  return tapsAlong(block, 0) * tapsAlong(block, 1) * tapsAlong(block, 2) *
    (channelsOf(block) / groupsOf(block));
}

/** y = convolution(x, kernel) for units [start, end) of `units` equal runs of outputs. */
export function convolution(
  x: usize,
  kernel: usize,
  y: usize,
  block: usize,
  units: i32,
  start: i32,
  end: i32,
  scratch: usize,
  tile: usize,
): void {
  const groups = groupsOf(block);
  const filters = filtersOf(block);
  const own = filters / groups;
  const width = kernelRows(block);
  const step = columnsOf(width);
  const pitch = pitchOf(step);
  const each = batchOf(block) * outputPlaces(block) / units;
  const last = end * each;
  const most = tileRows(pitch);
  for (let at = start * each; at < last; at += most) {
    const rows = at + most < last ? most : last - at;
    for (let group = 0; group < groups; ++group) {
      const shift = 4 * <usize> (group * own);
      const to = y + 4 * <usize> at * <usize> filters + shift;
      for (let from = 0; from < width; from += step) {
        const columns = from + step < width ? step : width - from;
        layOut(block, x, group, at, rows, from, from + columns, tile, pitch);
        const b = kernel + 4 * <usize> (from * filters) + shift;
        const adds = i32(from > 0);
        matmul(tile, pitch, 1, b, filters, 1, to, filters, 0, rows, 0, own, columns, scratch, adds);
      }
    }
  }
}

/** Rows [start, end) of the gradient of a kernel, from the inputs and the outputs' gradient. */
export function kernelGradient(
  x: usize,
  grad: usize,
  y: usize,
  block: usize,
  start: i32,
  end: i32,
  scratch: usize,
  tile: usize,
): void {
  const groups = groupsOf(block);
  const filters = filtersOf(block);
  const own = filters / groups;
  const step = columnsOf(end - start);
  const pitch = pitchOf(step);
  const all = batchOf(block) * outputPlaces(block);
  const most = tileRows(pitch);
  for (let from = start; from < end; from += step) {
    const columns = from + step < end ? step : end - from;
    for (let at = 0; at < all; at += most) {
      const rows = at + most < all ? most : all - at;
      for (let group = 0; group < groups; ++group) {
        layOut(block, x, group, at, rows, from, from + columns, tile, pitch);
        const shift = 4 * <usize> (group * own);
        const b = grad + 4 * <usize> at * <usize> filters + shift;
        const to = y + 4 * <usize> (from * filters) + shift;
        const adds = i32(at > 0);
        matmul(tile, 1, pitch, b, filters, 1, to, filters, 0, columns, 0, own, rows, scratch, adds);
      }
    }
  }
}
