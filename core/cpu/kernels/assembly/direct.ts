/**
 * Convolution without a tile, for windows whose taps along the width are neighbours in memory: the
 * products read a line of the input where it lies, or a copy with zeros around it.
 */
import { listLines, put } from "./lines";
import { packedB, packRows } from "./matmul";
import { runs4x1, runs4x2, runs6x1, runs6x2, strip4x1k, strip4x2k, strip6x1k, strip6x2k } from "./strips";
import {
  batchOf,
  channelsOf,
  dilationOf,
  filtersOf,
  firstPlace,
  groupsOf,
  inputDilationOf,
  inputPlaces,
  inputSize,
  outputPlaces,
  outputSize,
  strideOf,
  tapsAlong,
} from "./window";

/** Most rows of a kernel: eight of its columns are then 12.5 KiB of L1. */
const mostRows: i32 = 400;
/** Bytes of a kernel's gradient that stays in L1 while products are added to it. */
const mostGradient: i32 = 1 << 14;
/** Fewest outputs of a line: fewer would leave rows of a register block unused. */
const fewestOutputs: i32 = 6;

/** Places that the windows of one line of outputs see. */
function placesSeen(block: usize): i32 {
  return (outputSize(block, 2) - 1) * strideOf(block, 2) + tapsAlong(block, 2);
}

/** Lines of the input that a window sees. */
function linesOf(block: usize): i32 {
  return tapsAlong(block, 0) * tapsAlong(block, 1);
}

/** Whether every line can be read where it lies. */
function isInPlace(block: usize): bool {
  return inputDilationOf(block, 2) == 1 && firstPlace(block, 2, 0) >= 0 &&
    firstPlace(block, 2, 0) + placesSeen(block) <= inputSize(block, 2);
}

/** Whether a kernel's gradient stays in L1. */
export function fits(rows: i32, filters: i32): bool {
  return 4 * rows * filters <= mostGradient;
}

/** Whether a convolution can go without a tile; copies of lines take `most` bytes or less. */
export function isDirect(block: usize, most: i32): bool {
  const rows = linesOf(block) * tapsAlong(block, 2) * channelsOf(block);
  return groupsOf(block) == 1 && dilationOf(block, 2) == 1 && rows <= mostRows &&
    32 * rows * ((filtersOf(block) + 7) >> 3) <= <i32> packedB &&
    outputSize(block, 2) >= fewestOutputs &&
    4 * linesOf(block) * placesSeen(block) * channelsOf(block) <= most;
}

/** Puts zeros around the listed lines, and between their places, in copies; lists the copies. */
function copyLines(block: usize, lines: i32, list: usize, to: usize): void {
  const channels = channelsOf(block);
  const seen = placesSeen(block);
  const size = inputSize(block, 2);
  const apart = inputDilationOf(block, 2);
  const first = firstPlace(block, 2, 0);
  const bytes = 4 * <usize> channels;
  for (let line = 0; line < lines; ++line) {
    const from = <usize> load<u32>(list + 4 * <usize> line);
    if (!from) continue;
    store<u32>(list + 4 * <usize> line, <u32> to);
    memory.fill(to, 0, <usize> seen * bytes);
    if (apart == 1) {
      const left = first > 0 ? first : 0;
      const right = first + seen < size ? first + seen : size;
      if (right > left) {
        put(from + <usize> left * bytes, (right - left) * channels, to + <usize> (left - first) * bytes);
      }
    } else {
      for (let index = 0; index < size; ++index) {
        const place = index * apart - first;
        if (place >= 0 && place < seen) {
          put(from + <usize> index * bytes, channels, to + <usize> place * bytes);
        }
      }
    }
    to += <usize> seen * bytes;
  }
}

/** Lists the lines that outputs of one line see, ready to be read; returns their number. */
function readyLines(block: usize, image: usize, line: i32, tile: usize, list: usize): i32 {
  const d = line / outputSize(block, 1);
  const lines = listLines(block, image, d, line % outputSize(block, 1), list);
  if (!isInPlace(block)) {
    copyLines(block, lines, list, tile);
    return lines;
  }
  const skipped = 4 * firstPlace(block, 2, 0) * channelsOf(block);
  for (let i = 0; i < lines && skipped; ++i) {
    const at = list + 4 * <usize> i;
    if (load<u32>(at)) store<u32>(at, load<u32>(at) + skipped);
  }
  return lines;
}

/** Outputs [at, last) of y = convolution(x, kernel). */
export function direct(
  x: usize,
  kernel: usize,
  y: usize,
  block: usize,
  at: i32,
  last: i32,
  scratch: usize,
  tile: usize,
  list: usize,
): void {
  const channels = channelsOf(block);
  const filters = filtersOf(block);
  const width = outputSize(block, 2);
  const places = outputPlaces(block);
  const imageBytes = 4 * <usize> (inputPlaces(block) * channels);
  const run = tapsAlong(block, 2) * channels;
  const step = 4 * <usize> (strideOf(block, 2) * channels);
  const row = 4 * <usize> filters;
  const rows = linesOf(block) * run;
  const panel = 32 * <usize> ((rows + 3) & ~3);
  packRows(kernel, row, filters, rows, scratch);
  while (at < last) {
    const w = at % width;
    const count = at - w + width < last ? width - w : last - at;
    const image = x + <usize> (at / places) * imageBytes;
    const lines = readyLines(block, image, at % places / width, tile, list);
    const shift = <usize> w * step;
    const to = y + <usize> at * row;
    // Heights of 6 as far as they go, then 4, so that few blocks hold fewer than three rows.
    const rest = count % 6;
    const tall = rest == 0 || rest > 4 ? count : rest > 2 ? count - rest : count - rest - 6;
    const high = tall > 0 ? tall : 0;
    const low = count - high;
    const next = shift + <usize> high * step;
    for (let j = 0; j < filters; j += 8) {
      const c = to + 4 * <usize> j;
      const d = c + <usize> high * row;
      const b = scratch + <usize> (j >> 3) * panel;
      const columns = filters - j < 8 ? filters - j : 8;
      if (columns > 4) {
        runs6x2(list, lines, run, shift, step, b, 32, c, row, high, columns);
        runs4x2(list, lines, run, next, step, b, 32, d, row, low, columns);
      } else {
        runs6x1(list, lines, run, shift, step, b, 32, c, row, high, columns);
        runs4x1(list, lines, run, next, step, b, 32, d, row, low, columns);
      }
    }
    at += count;
  }
}

/** Adds products of the columns of one run of inputs with a line of gradients to rows of y. */
function addProducts(
  from: usize,
  step: usize,
  grad: usize,
  y: usize,
  row: usize,
  rows: i32,
  filters: i32,
  width: i32,
): void {
  for (let j = 0; j < filters; j += 8) {
    const c = y + 4 * <usize> j;
    const b = grad + 4 * <usize> j;
    const columns = filters - j < 8 ? filters - j : 8;
    const tall = rows > 4 ? rows : 0;
    if (columns > 4) {
      strip6x2k(from, step, 24, b, row, c, row, tall, columns, width, 1);
      strip4x2k(from, step, 16, b, row, c, row, rows - tall, columns, width, 1);
    } else {
      strip6x1k(from, step, 24, b, row, c, row, tall, columns, width, 1);
      strip4x1k(from, step, 16, b, row, c, row, rows - tall, columns, width, 1);
    }
  }
}

/** Rows [start, end) of the gradient of a kernel. */
export function directKernelGradient(
  x: usize,
  grad: usize,
  y: usize,
  block: usize,
  start: i32,
  end: i32,
  tile: usize,
  list: usize,
): void {
  const channels = channelsOf(block);
  const filters = filtersOf(block);
  const width = outputSize(block, 2);
  const above = outputPlaces(block) / width;
  const imageBytes = 4 * <usize> (inputPlaces(block) * channels);
  const run = tapsAlong(block, 2) * channels;
  const step = 4 * <usize> (strideOf(block, 2) * channels);
  const row = 4 * <usize> filters;
  memory.fill(y + <usize> start * row, 0, <usize> (end - start) * row);
  for (let image = 0; image < batchOf(block); ++image) {
    for (let line = 0; line < above; ++line) {
      const lines = readyLines(block, x + <usize> image * imageBytes, line, tile, list);
      for (let i = 0; i < lines; ++i) {
        const from = <usize> load<u32>(list + 4 * <usize> i);
        const first = i * run > start ? i * run : start;
        const after = (i + 1) * run < end ? (i + 1) * run : end;
        if (!from || first >= after) continue;
        const inputs = from + 4 * <usize> (first - i * run);
        addProducts(
          inputs,
          step,
          grad,
          y + <usize> first * row,
          row,
          after - first,
          filters,
          width,
        );
      }
      grad += <usize> width * row;
    }
  }
}
