/**
 * The gradient of a convolution's kernel: for some hundred outputs at a time, their gradient is packed
 * once, and the inputs under each tap six kernel rows at a time, to be multiplied in L1.
 */
import { matmul, packedB } from "./matmul";
import { copyRows, least, packRows } from "./pack";
import { strip4x1k, strip4x1kp, strip4x2k, strip4x2kp, strip6x1k, strip6x1kp, strip6x2k, strip6x2kp } from "./strips";
import { go, onPointwise } from "./ways";
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
  outputSize,
  tapsAlong,
} from "./window";

/** Outputs at a time, and rows of the kernel: a panel and the packed rows are then 20 KiB of L1. */
const mostOutputs: i32 = 160;
const mostRows: i32 = 24;
/** Rows of the kernel for which packing the gradient of outputs pays. */
const fewestRows: i32 = 16;

/**
 * Writes down where the lines of the input are that outputs of lines [line, line + count) see: `count`
 * addresses for each tap of depth and height, 0 for zeros.
 */
function listLines(block: usize, x: usize, line: i32, count: i32, list: usize): void {
  const height = outputSize(block, 1);
  const depth = outputSize(block, 0);
  const bytes = 4 * <usize> (inputSize(block, 2) * channelsOf(block));
  for (let l = 0; l < count; ++l) {
    const image = (line + l) / height / depth;
    const d0 = firstPlace(block, 0, (line + l) / height % depth);
    const h0 = firstPlace(block, 1, (line + l) % height);
    let at = list + 4 * <usize> l;
    for (let i = 0; i < tapsAlong(block, 0); ++i) {
      const inD = inputIndex(block, 0, d0, i);
      for (let j = 0; j < tapsAlong(block, 1); ++j) {
        const inH = inputIndex(block, 1, h0, j);
        const seen = (image * inputSize(block, 0) + inD) * inputSize(block, 1) + inH;
        store<u32>(at, inD < 0 || inH < 0 ? 0 : <u32> (x + <usize> seen * bytes));
        at += 4 * <usize> count;
      }
    }
  }
}

/**
 * Packs what one tap along the width sees of `count` neighbouring channels, `channel` bytes into a
 * place: outputs [w, w + places) of the listed lines, to rows of `width` bytes.
 */
function packTap(
  block: usize,
  list: usize,
  lines: i32,
  tap: i32,
  channel: usize,
  w: i32,
  places: i32,
  count: i32,
  to: usize,
  width: usize,
  zeros: usize,
): void {
  const channels = 4 * <usize> channelsOf(block);
  const until = w + places;
  // Outputs whose tap lies on an input come in even steps.
  let first = w;
  while (first < until && inputIndex(block, 2, firstPlace(block, 2, first), tap) < 0) ++first;
  let next = first + 1;
  while (next < until && inputIndex(block, 2, firstPlace(block, 2, next), tap) < 0) ++next;
  const index = first < until ? inputIndex(block, 2, firstPlace(block, 2, first), tap) : 0;
  const gap = next - first;
  const apart = next < until ? inputIndex(block, 2, firstPlace(block, 2, next), tap) - index : 1;
  let seen = first < until ? (until - 1 - first) / gap + 1 : 0;
  seen = least(seen, (inputSize(block, 2) - 1 - index) / apart + 1);
  const skipped = channels * <usize> index + channel;
  const shift = width * <usize> (first - w);
  // Zeros before and after the inputs, or between them, too.
  const before = gap > 1 ? places : first - w;
  const after = gap > 1 ? 0 : places - before - seen;
  const behind = width * <usize> (before + seen);
  for (let l = 0; l < lines; ++l) {
    const line = <usize> load<u32>(list + 4 * <usize> l);
    if (!line) copyRows(zeros, 0, places, count, to, width);
    else {
      if (before) copyRows(zeros, 0, before, count, to, width);
      copyRows(line + skipped, channels * <usize> apart, seen, count, to + shift, width * <usize> gap);
      if (after) copyRows(zeros, 0, after, count, to + behind, width);
    }
    to += width * <usize> places;
  }
}

/**
 * Packs rows [row, row + count) of the kernel: what they see at outputs [w, w + places) of the listed
 * lines, to rows of `width` bytes.
 */
function packKernelRows(
  block: usize,
  list: usize,
  lines: i32,
  w: i32,
  places: i32,
  row: i32,
  count: i32,
  to: usize,
  width: usize,
  zeros: usize,
): void {
  const own = channelsOf(block) / groupsOf(block);
  const across = tapsAlong(block, 2);
  // Neighbouring taps along the width are neighbours in memory too: one copy where none is missing.
  const joined = own == channelsOf(block) && dilationOf(block, 2) == 1 &&
    inputDilationOf(block, 2) == 1 && firstPlace(block, 2, w) >= 0 &&
    firstPlace(block, 2, w + places - 1) + across <= inputSize(block, 2);
  const run = joined ? own * across : own;
  while (count > 0) {
    const channel = row % run;
    const part = run - channel < count ? run - channel : count;
    const tap = (row - channel) / own;
    const seen = list + 4 * <usize> (tap / across * lines);
    const from = 4 * <usize> channel;
    packTap(block, seen, lines, tap % across, from, w, places, part, to, width, zeros);
    to += 4 * <usize> part;
    row += part;
    count -= part;
  }
}

/** Packs rows [row, row + rows) of the kernel in blocks of `high`, and adds their products to y. */
function addRows(
  block: usize,
  list: usize,
  lines: i32,
  w: i32,
  places: i32,
  row: i32,
  rows: i32,
  high: i32,
  a: usize,
  b: usize,
  bStep: usize,
  y: usize,
  zeros: usize,
): void {
  const depth = lines * places;
  const width = 4 * <usize> high;
  const next = width * <usize> depth;
  for (let r = 0; r < rows; r += high) {
    const count = rows - r < high ? rows - r : high;
    const to = a + next * <usize> (r / high);
    packKernelRows(block, list, lines, w, places, row + r, count, to, width, zeros);
  }
  const filters = filtersOf(block) / groupsOf(block);
  const across = 4 * <usize> filtersOf(block);
  const packed = bStep == 0;
  const panel = packed ? 32 * <usize> ((depth + 3) & ~3) : 32;
  y += <usize> row * across;
  for (let j = 0; j < filters; j += 8) {
    const columns = filters - j < 8 ? filters - j : 8;
    if (!packed) {
      if (high == 6) {
        if (columns > 4) strip6x2k(a, 24, next, b, bStep, y, across, rows, columns, depth, 1);
        else strip6x1k(a, 24, next, b, bStep, y, across, rows, columns, depth, 1);
      } else if (columns > 4) strip4x2k(a, 16, next, b, bStep, y, across, rows, columns, depth, 1);
      else strip4x1k(a, 16, next, b, bStep, y, across, rows, columns, depth, 1);
    } else if (high == 6) {
      if (columns > 4) strip6x2kp(a, next, b, y, across, rows, columns, depth, 1);
      else strip6x1kp(a, next, b, y, across, rows, columns, depth, 1);
    } else if (columns > 4) strip4x2kp(a, next, b, y, across, rows, columns, depth, 1);
    else strip4x1kp(a, next, b, y, across, rows, columns, depth, 1);
    b += panel;
    y += 32;
  }
}

/**
 * Rows [start, end) of the gradient of a kernel, from the inputs and the outputs' gradient; the list
 * has room for so many addresses.
 */
export function kernelGradient(
  x: usize,
  grad: usize,
  y: usize,
  block: usize,
  start: i32,
  end: i32,
  scratch: usize,
  list: usize,
  addresses: i32,
): void {
  if (isPointwise(block)) {
    go(onPointwise);
    const places = batchOf(block) * inputPlaces(block);
    const filters = filtersOf(block);
    matmul(x, 1, channelsOf(block), grad, filters, 1, y, filters, start, end, 0, filters, places, scratch, 0);
    return;
  }
  const groups = groupsOf(block);
  const own = filtersOf(block) / groups;
  const channels = channelsOf(block) / groups;
  const row = 4 * <usize> filtersOf(block);
  const width = outputSize(block, 2);
  const all = batchOf(block) * outputSize(block, 0) * outputSize(block, 1);
  const a = scratch + packedB;
  // Heights of 6 as far as they go, then 4, so that few blocks hold fewer than three rows.
  const rest = (end - start) % 6;
  const low = rest == 1 || rest == 2 ? rest + 6 : rest < 5 ? rest : 0;
  const tall = end - start > low ? end - low : start;
  const pack = end - start >= fewestRows;
  // Whole lines, or parts of one.
  const room = <i32> packedB / (32 * ((own + 7) >> 3)) - 4;
  const most = room < mostOutputs ? room : mostOutputs;
  const wide = width < most ? width : most;
  const listed = (addresses - 6) / (tapsAlong(block, 0) * tapsAlong(block, 1));
  const fits = most / width < listed ? most / width : listed;
  const high = fits > 1 ? fits : 1;
  // Ahead of the list: as many zeros as a row of a block has.
  const zeros = list;
  memory.fill(zeros, 0, 24);
  list += 24;
  memory.fill(y + <usize> start * row, 0, <usize> (end - start) * row);
  for (let line = 0; line < all; line += high) {
    const lines = line + high < all ? high : all - line;
    for (let w = 0; w < width; w += wide) {
      const places = w + wide < width ? wide : width - w;
      const from = grad + <usize> (line * width + w) * row;
      for (let group = 0; group < groups; ++group) {
        const outputs = from + 4 * <usize> (group * own);
        if (pack) packRows(outputs, row, own, lines * places, scratch, 8);
        const b = pack ? scratch : outputs;
        const bStep = pack ? 0 : row;
        listLines(block, x + 4 * <usize> (group * channels), line, lines, list);
        const out = y + 4 * <usize> (group * own);
        for (let r = start; r < tall; r += mostRows) {
          const rows = r + mostRows < tall ? mostRows : tall - r;
          addRows(block, list, lines, w, places, r, rows, 6, a, b, bStep, out, zeros);
        }
        if (tall < end) {
          addRows(block, list, lines, w, places, tall, end - tall, 4, a, b, bStep, out, zeros);
        }
      }
    }
  }
}
