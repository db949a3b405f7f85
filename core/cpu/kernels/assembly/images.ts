/**
 * Convolution of several images at once: the rows of a register block are the same output of
 * neighbouring images. All of them see the same taps, so taps on padding and between dilated inputs
 * cost nothing, and the products read the input where it lies.
 */
import { packedB } from "./matmul";
import { packRows } from "./pack";
import { runBytes, runs4x1, runs4x2, runs6x1, runs6x2 } from "./strips";
import { go, onImages } from "./ways";
import {
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

/** Images of a register block. */
const most: i32 = 6;
/** Fewest inputs of an output, of all groups: fewer do not pay for a list at every output. */
const fewestRows: i32 = 48;

function tapsOf(block: usize): i32 {
  return tapsAlong(block, 0) * tapsAlong(block, 1) * tapsAlong(block, 2);
}

/** Bytes of the packed kernel of a group. */
function packedBytes(block: usize): usize {
  const groups = groupsOf(block);
  const rows = tapsOf(block) * (channelsOf(block) / groups);
  const panels = (filtersOf(block) / groups + 7) >> 3;
  return 32 * <usize> ((rows + 3) & ~3) * <usize> panels;
}

/** Whether outputs [at, last) are whole images, enough for a block; the list takes `room` bytes or less. */
export function isOfImages(block: usize, at: i32, last: i32, room: i32): bool {
  const places = outputPlaces(block);
  const groups = groupsOf(block);
  return at % places == 0 && last % places == 0 && last - at >= 4 * places &&
    tapsOf(block) * channelsOf(block) >= fewestRows &&
    packedBytes(block) * <usize> groups <= packedB && tapsOf(block) * <i32> runBytes <= room;
}

/** Lists the runs of inputs that an output sees, as bytes from the image; returns how many. */
function listRuns(block: usize, d: i32, h: i32, w: i32, list: usize): i32 {
  const channels = channelsOf(block);
  const own = channels / groupsOf(block);
  const across = tapsAlong(block, 2);
  // Neighbouring taps along the width are neighbours in memory too.
  const joined = own == channels && dilationOf(block, 2) == 1 && inputDilationOf(block, 2) == 1;
  const d0 = firstPlace(block, 0, d);
  const h0 = firstPlace(block, 1, h);
  const w0 = firstPlace(block, 2, w);
  let at = list;
  for (let i = 0; i < tapsAlong(block, 0); ++i) {
    const inD = inputIndex(block, 0, d0, i);
    if (inD < 0) continue;
    for (let j = 0; j < tapsAlong(block, 1); ++j) {
      const inH = inputIndex(block, 1, h0, j);
      if (inH < 0) continue;
      const line = (inD * inputSize(block, 1) + inH) * inputSize(block, 2);
      let open = false;
      for (let k = 0; k < across; ++k) {
        const inW = inputIndex(block, 2, w0, k);
        if (inW < 0) continue;
        if (open && joined) {
          store<i32>(at - runBytes, load<i32>(at - runBytes, 4) + own, 4);
          continue;
        }
        store<u32>(at, <u32> (4 * (line + inW) * channels));
        store<i32>(at, own, 4);
        store<i32>(at, ((i * tapsAlong(block, 1) + j) * across + k) * own, 8);
        at += runBytes;
        open = true;
      }
    }
  }
  return <i32> ((at - list) / runBytes);
}

/** One output of `count` images, all filters of a group. */
function multiply(
  list: usize,
  runs: i32,
  x: usize,
  apart: usize,
  packed: usize,
  panel: usize,
  y: usize,
  yApart: usize,
  count: i32,
  filters: i32,
): void {
  for (let j = 0; j < filters; j += 8) {
    const columns = filters - j < 8 ? filters - j : 8;
    if (count > 4) {
      if (columns > 4) runs6x2(list, runs, x, apart, packed, y, yApart, count, columns);
      else runs6x1(list, runs, x, apart, packed, y, yApart, count, columns);
    } else if (columns > 4) runs4x2(list, runs, x, apart, packed, y, yApart, count, columns);
    else runs4x1(list, runs, x, apart, packed, y, yApart, count, columns);
    packed += panel;
    y += 32;
  }
}

/** Images of y = convolution(x, kernel): outputs [at, last), whole images. */
export function convolveImages(
  x: usize,
  kernel: usize,
  y: usize,
  block: usize,
  at: i32,
  last: i32,
  scratch: usize,
  list: usize,
): void {
  go(onImages);
  const groups = groupsOf(block);
  const filters = filtersOf(block);
  const channels = channelsOf(block);
  const own = filters / groups;
  const rows = tapsOf(block) * (channels / groups);
  const bytes = packedBytes(block);
  for (let group = 0; group < groups; ++group) {
    const from = kernel + 4 * <usize> (group * own);
    packRows(from, 4 * <usize> filters, own, rows, scratch + <usize> group * bytes, 8);
  }
  const panel = 32 * <usize> ((rows + 3) & ~3);
  const places = outputPlaces(block);
  const width = outputSize(block, 2);
  const height = outputSize(block, 1);
  const apart = 4 * <usize> (inputPlaces(block) * channels);
  const yApart = 4 * <usize> (places * filters);
  const end = last / places;
  for (let image = at / places; image < end;) {
    // Six at a time, and the rest so that few blocks hold fewer than three.
    const left = end - image;
    const count = left > 8 || left == most ? most : left > most ? left - 4 : left;
    const from = x + <usize> image * apart;
    const to = y + <usize> image * yApart;
    for (let place = 0; place < places; ++place) {
      const above = place / width;
      const runs = listRuns(block, above / height, above % height, place % width, list);
      for (let group = 0; group < groups; ++group) {
        const shift = from + 4 * <usize> (group * (channels / groups));
        const out = to + 4 * <usize> (place * filters + group * own);
        const packed = scratch + <usize> group * bytes;
        multiply(list, runs, shift, apart, packed, panel, out, yApart, count, own);
      }
    }
    image += count;
  }
}
