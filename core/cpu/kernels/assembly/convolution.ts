/**
 * Convolution as matrix products: the inputs under a few hundred windows are laid out as rows of a
 * tile, which is multiplied by the kernel; so no more than a tile is ever copied.
 */
import { depthwise, depthwiseListBytes, isDepthwise } from "./depthwise";
import { direct, isDirect } from "./direct";
import { convolveImages, isOfImages } from "./images";
import { listLines, put } from "./lines";
import { matmul } from "./matmul";
import { go, onPointwise, onTiles } from "./ways";
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
  isPointwise,
  isWinograd,
  outputPlaces,
  outputSize,
  tapsAlong,
} from "./window";
import { winograd } from "./winograd";

/** Bytes of a tile: with the packed kernel it stays in L2. */
export const tileSize: i32 = 1 << 18;
/** Bytes of lists of lines, of taps or of runs. */
const listSize: i32 = 1 << 15;
/** Bytes for a tile and the lists behind it. */
export const tileBytes: i32 = tileSize + listSize;

/** Floats from one row of a tile to the next: not a multiple of 2 KiB, whose rows share lines. */
function pitchOf(width: i32): i32 {
  const even = (width + 3) & ~3;
  return even & 127 ? even : even + 4;
}

/** Rows of a tile. */
function tileRows(pitch: i32): i32 {
  const rows = tileSize / 4 / pitch;
  return rows > 768 ? 768 : rows < 12 ? 12 : rows / 12 * 12;
}

/** One row of a tile where neighbouring taps lie side by side within the line. */
function layRuns(
  list: usize,
  lines: i32,
  shift: usize,
  run: i32,
  from: i32,
  to: i32,
  tile: usize,
): void {
  let column = 0;
  for (let line = 0; line < lines; ++line) {
    const next = column + run;
    if (next > from && column < to) {
      const left = from > column ? from - column : 0;
      const right = to < next ? to - column : run;
      const start = <usize> load<u32>(list + 4 * <usize> line);
      const at = start ? start + shift + 4 * <usize> left : 0;
      put(at, right - left, tile + 4 * <usize> (column + left - from));
    }
    column = next;
  }
}

/** One row of a tile, tap by tap. */
function layTaps(
  block: usize,
  list: usize,
  lines: i32,
  channels: i32,
  w0: i32,
  from: i32,
  to: i32,
  tile: usize,
): void {
  const width = tapsAlong(block, 2);
  const all = channelsOf(block);
  let column = 0;
  for (let line = 0; line < lines; ++line) {
    const start = <usize> load<u32>(list + 4 * <usize> line);
    for (let k = 0; k < width; ++k) {
      const next = column + channels;
      if (next > from && column < to) {
        const inW = start ? inputIndex(block, 2, w0, k) : -1;
        const left = from > column ? from - column : 0;
        const right = to < next ? to - column : channels;
        const at = inW < 0 ? 0 : start + 4 * <usize> (inW * all + left);
        put(at, right - left, tile + 4 * <usize> (column + left - from));
      }
      column = next;
    }
  }
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
  list: usize,
): void {
  const all = channelsOf(block);
  const channels = all / groupsOf(block);
  const width = tapsAlong(block, 2);
  const outWidth = outputSize(block, 2);
  const inWidth = inputSize(block, 2);
  const places = outputPlaces(block);
  // Neighbouring taps along the width are neighbours in memory too.
  const runs = dilationOf(block, 2) == 1 && inputDilationOf(block, 2) == 1 && channels == all;
  const imageBytes = 4 * <usize> inputPlaces(block) * <usize> all;
  let w = start % outWidth;
  while (rows > 0) {
    const rest = start % places / outWidth;
    const h = rest % outputSize(block, 1);
    const d = rest / outputSize(block, 1);
    const image = x + <usize> (start / places) * imageBytes + 4 * <usize> (group * channels);
    const lines = listLines(block, image, d, h, list);
    for (; w < outWidth && rows > 0; ++w) {
      const w0 = firstPlace(block, 2, w);
      if (runs && w0 >= 0 && w0 + width <= inWidth) {
        layRuns(list, lines, 4 * <usize> (w0 * all), width * channels, from, to, tile);
      } else layTaps(block, list, lines, channels, w0, from, to, tile);
      tile += 4 * <usize> pitch;
      ++start;
      --rows;
    }
    w = 0;
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
  const list = tile + <usize> tileSize;
  const groups = groupsOf(block);
  const filters = filtersOf(block);
  const own = filters / groups;
  const width = kernelRows(block);
  const run = batchOf(block) * outputPlaces(block) / units;
  if (isWinograd(block)) {
    winograd(x, kernel, y, block, start * run, end * run, scratch, tile, tileSize, list);
    return;
  }
  if (isPointwise(block)) {
    go(onPointwise);
    const channels = channelsOf(block);
    matmul(x, channels, 1, kernel, filters, 1, y, filters, start * run, end * run, 0, filters, channels, scratch, 0);
    return;
  }
  if (isDepthwise(block) && depthwiseListBytes(block) <= listSize) {
    depthwise(x, kernel, y, block, start * run, end * run, list);
    return;
  }
  if (isOfImages(block, start * run, end * run, listSize)) {
    convolveImages(x, kernel, y, block, start * run, end * run, scratch, list);
    return;
  }
  if (isDirect(block, tileSize)) {
    direct(x, kernel, y, block, start * run, end * run, scratch, tile, list);
    return;
  }
  go(onTiles);
  const step = columnsOf(width);
  const pitch = pitchOf(step);
  const last = end * run;
  const most = tileRows(pitch);
  for (let at = start * run; at < last; at += most) {
    const rows = at + most < last ? most : last - at;
    for (let group = 0; group < groups; ++group) {
      const shift = 4 * <usize> (group * own);
      const to = y + 4 * <usize> at * <usize> filters + shift;
      for (let from = 0; from < width; from += step) {
        const columns = from + step < width ? step : width - from;
        layOut(block, x, group, at, rows, from, from + columns, tile, pitch, list);
        const b = kernel + 4 * <usize> (from * filters) + shift;
        const adds = i32(from > 0);
        matmul(tile, pitch, 1, b, filters, 1, to, filters, 0, rows, 0, own, columns, scratch, adds);
      }
    }
  }
}
