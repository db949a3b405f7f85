/**
 * Convolution without a tile, for windows whose taps along the width are neighbours in memory: the
 * products read a line of the input where it lies, or a copy with zeros around it.
 */
import { listLines, put } from "./lines";
import { packedB } from "./matmul";
import { packRows } from "./pack";
import { runBytes, runs4x1, runs4x2, runs6x1, runs6x2 } from "./strips";
import { go, onLines } from "./ways";
import {
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

/** Lists the runs that the first of a line of outputs sees, ready to be read; returns their number. */
function readyRuns(block: usize, image: usize, line: i32, tile: usize, list: usize): i32 {
  const d = line / outputSize(block, 1);
  const lines = listLines(block, image, d, line % outputSize(block, 1), list);
  const whole = isInPlace(block);
  if (!whole) copyLines(block, lines, list, tile);
  const skipped = whole ? 4 * firstPlace(block, 2, 0) * channelsOf(block) : 0;
  const run = tapsAlong(block, 2) * channelsOf(block);
  const runs = list + 4 * <usize> lines;
  let at = runs;
  for (let i = 0; i < lines; ++i) {
    const from = load<u32>(list + 4 * <usize> i);
    if (!from) continue;
    store<u32>(at, from + skipped);
    store<i32>(at, run, 4);
    store<i32>(at, i * run, 8);
    at += runBytes;
  }
  return <i32> ((at - runs) / runBytes);
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
  go(onLines);
  const channels = channelsOf(block);
  const filters = filtersOf(block);
  const width = outputSize(block, 2);
  const places = outputPlaces(block);
  const imageBytes = 4 * <usize> (inputPlaces(block) * channels);
  const step = 4 * <usize> (strideOf(block, 2) * channels);
  const row = 4 * <usize> filters;
  const rows = linesOf(block) * tapsAlong(block, 2) * channels;
  const ready = list + 4 * <usize> linesOf(block);
  const panel = 32 * <usize> ((rows + 3) & ~3);
  packRows(kernel, row, filters, rows, scratch, 8);
  while (at < last) {
    const w = at % width;
    const count = at - w + width < last ? width - w : last - at;
    const image = x + <usize> (at / places) * imageBytes;
    const runs = readyRuns(block, image, at % places / width, tile, list);
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
        runs6x2(ready, runs, shift, step, b, c, row, high, columns);
        runs4x2(ready, runs, next, step, b, d, row, low, columns);
      } else {
        runs6x1(ready, runs, shift, step, b, c, row, high, columns);
        runs4x1(ready, runs, next, step, b, d, row, low, columns);
      }
    }
    at += count;
  }
}
