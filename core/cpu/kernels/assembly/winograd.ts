/**
 * Convolution by windows of 3×3, in one depth or several, with 36 multiplications for every 4×4 outputs
 * instead of 144 (S. Winograd's F(4×4, 3×3); A. Lavin, S. Gray, "Fast algorithms for convolutional
 * neural networks", 2016): tiles of 6×6 inputs and the kernel become 36 numbers a channel each, which
 * are multiplied plane by plane, and the 36 sums become the outputs. Of windows of 1×3, six inputs in a
 * line become six numbers for four outputs. What the depths of a window give is added up before sums
 * become outputs. Tiles lie at fixed places of an image, so the bits do not depend on who computes them.
 * `../winograd_points.ts` says how numbers change.
 */
import { least } from "./pack";
import { strip4x1rp, strip4x2rp, strip6x1rp, strip6x2rp } from "./strips";
import { go, onWinograd } from "./ways";
import { channelsOf, filtersOf, outputSize, tapsAlong } from "./window";
import { changeFilters, changeFiltersOfLine } from "./winograd_points";
import {
  acrossOf,
  downOf,
  inputTiles,
  isOfLines,
  planeOf,
  planesOf,
  storeOutputs,
  tileLines,
  tilesIn,
} from "./winograd_tiles";

/** Tiles, channels and filters at a time: what they take lies in L2, and a plane of inputs in L1. */
const mostTiles: i32 = 48;
const mostChannels: i32 = 128;
const mostFilters: i32 = 64;
/** Bytes for the changed kernel, eight filters of 1,024 channels at least, and for the sums of tiles. */
const kernelBytes: i32 = 1792 << 10;
const sumBytes: i32 = 256 << 10;
/** Bytes of scratch for both. */
export const winogradBytes: i32 = kernelBytes + sumBytes;

/** Rows of `count` that are computed six at a time; the rest, four at a time. */
export function tallRows(count: i32): i32 {
  const rest = count % 6;
  if (rest == 0 || rest > 4) return count;
  // Few blocks are to hold fewer than three rows.
  const tall = rest > 2 ? count - rest : count - rest - 6;
  return tall > 0 ? tall : 0;
}

/** Bytes of a plane of the changed kernel; rows of eight filters, as the products read them. */
function kernelPlane(channels: i32, filters: i32): usize {
  return 32 * <usize> (channels * ((filters + 7) >> 3)) + 64;
}

/** One depth [lines, 3, channels, all] of the kernel, of filters [from, from + filters), changed and packed. */
function changeKernel(
  block: usize,
  kernel: usize,
  channels: i32,
  all: i32,
  from: i32,
  filters: i32,
  to: usize,
): void {
  const plane = kernelPlane(channels, filters);
  const row = 4 * <usize> all;
  const tap = row * <usize> channels;
  for (let f = 0; f < filters; f += 4) {
    const at = kernel + 4 * <usize> (from + f);
    const out = to + 32 * <usize> ((f >> 3) * channels) + 4 * <usize> (f & 4);
    if (isOfLines(block)) changeFiltersOfLine(at, tap, row, channels, out, plane);
    else changeFilters(at, tap, row, channels, out, plane);
  }
}

/** sums (+)= inputs · kernel, in each plane: `tiles` rows of `filters`, over `channels`. */
function multiplyPlanes(
  planes: i32,
  inputs: usize,
  inputPlane: usize,
  kernel: usize,
  plane: usize,
  panel: usize,
  sums: usize,
  sumPlane: usize,
  tiles: i32,
  filters: i32,
  channels: i32,
  resume: i32,
): void {
  const row = 4 * <usize> channels;
  const cStep = 4 * <usize> filters;
  const tall = tallRows(tiles);
  const low = tiles - tall;
  for (let p = 0; p < planes; ++p) {
    const below = inputs + <usize> tall * row;
    let b = kernel;
    for (let j = 0; j < filters; j += 8) {
      const c = sums + 4 * <usize> j;
      const d = c + <usize> tall * cStep;
      const columns = least(8, filters - j);
      if (columns > 4) {
        strip6x2rp(inputs, row, 6 * row, b, c, cStep, tall, columns, channels, resume);
        strip4x2rp(below, row, 4 * row, b, d, cStep, low, columns, channels, resume);
      } else {
        strip6x1rp(inputs, row, 6 * row, b, c, cStep, tall, columns, channels, resume);
        strip4x1rp(below, row, 4 * row, b, d, cStep, low, columns, channels, resume);
      }
      b += panel;
    }
    inputs += inputPlane;
    kernel += plane;
    sums += sumPlane;
  }
}

/** Outputs [at, last), whole lines, of y = convolution(x, kernel). */
export function winograd(
  x: usize,
  kernel: usize,
  y: usize,
  block: usize,
  at: i32,
  last: i32,
  scratch: usize,
  tile: usize,
  tileBytes: i32,
  patch: usize,
): void {
  go(onWinograd);
  const channels = channelsOf(block);
  const filters = filtersOf(block);
  const width = outputSize(block, 2);
  const height = outputSize(block, 1);
  const firstLine = at / width;
  const endLine = last / width;
  const lines = downOf(block);
  const across = acrossOf(block);
  const side = tileLines(block);
  const planes = planesOf(block);
  const begin = (firstLine / height * lines + firstLine % height / side) * across;
  const end = ((endLine - 1) / height * lines + (endLine - 1) % height / side + 1) * across;
  const sums = scratch + kernelBytes;
  // As many filters as their changed kernel has room for.
  const depth = tapsAlong(block, 0);
  const room = (kernelBytes / depth / planes - 64) / 32 / channels * 8;
  const filterStep = least(least(mostFilters, room), filters);
  const channelStep = least(mostChannels, channels);
  const tileStep = least(mostTiles, least(tilesIn(block, tileBytes, channelStep), tilesIn(block, sumBytes, filterStep)));
  for (let f = 0; f < filters; f += filterStep) {
    const own = least(filterStep, filters - f);
    const plane = kernelPlane(channels, own);
    const tap = plane * planes;
    for (let t = 0; t < depth; ++t) {
      const from = kernel + 12 * <usize> (t * tapsAlong(block, 1) * channels * filters);
      changeKernel(block, from, channels, filters, f, own, scratch + <usize> t * tap);
    }
    for (let first = begin; first < end; first += tileStep) {
      const tiles = least(tileStep, end - first);
      const sumPlane = planeOf(tiles, own);
      for (let t = 0; t < depth; ++t) {
        for (let c = 0; c < channels; c += channelStep) {
          const part = least(channelStep, channels - c);
          const inputPlane = planeOf(tiles, part);
          inputTiles(block, x, first, tiles, t, c, part, tile, inputPlane, patch);
          const from = scratch + <usize> t * tap + 32 * <usize> c;
          const panel = 32 * <usize> channels;
          const resume = i32(t + c > 0);
          multiplyPlanes(planes, tile, inputPlane, from, plane, panel, sums, sumPlane, tiles, own, part, resume);
        }
      }
      storeOutputs(block, y, first, tiles, f, own, sums, sumPlane, firstLine, endLine);
    }
  }
}
