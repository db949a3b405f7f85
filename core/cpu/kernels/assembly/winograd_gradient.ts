/**
 * The gradient of a 3×3 kernel by Winograd's tiles (`winograd.ts`): the changed tiles of inputs and of
 * the outputs' gradient are multiplied plane by plane, and the sums over all tiles change into it.
 */
import { packedB } from "./matmul";
import { least } from "./pack";
import { strip4x1k, strip4x2k, strip6x1k, strip6x2k } from "./strips";
import { batchOf, channelsOf, filtersOf, outputSize, tapsAlong } from "./window";
import { go, onWinograd } from "./ways";
import { tallRows } from "./winograd";
import { storeFilters, storeFiltersOfLine } from "./winograd_points";
import {
  acrossOf,
  downOf,
  gradientTiles,
  inputTiles,
  isOfLines,
  planeOf,
  planesOf,
  tilesIn,
} from "./winograd_tiles";

/** Tiles, channels and filters at a time: what they take lies in L2. */
const mostTiles: i32 = 48;
const most: i32 = 64;

/** sums (+)= inputsᵀ · gradients, in each plane: `channels` rows of `filters`, over `tiles`. */
function addProducts(
  planes: i32,
  inputs: usize,
  inputPlane: usize,
  gradients: usize,
  gradientPlane: usize,
  sums: usize,
  sumPlane: usize,
  channels: i32,
  filters: i32,
  tiles: i32,
  resume: i32,
): void {
  const aStep = 4 * <usize> channels;
  const cStep = 4 * <usize> filters;
  const tall = tallRows(channels);
  const low = channels - tall;
  for (let p = 0; p < planes; ++p) {
    const below = inputs + 4 * <usize> tall;
    for (let j = 0; j < filters; j += 8) {
      const b = gradients + 4 * <usize> (j * tiles);
      const c = sums + 4 * <usize> j;
      const d = c + <usize> tall * cStep;
      const columns = least(8, filters - j);
      if (columns > 4) {
        strip6x2k(inputs, aStep, 24, b, 32, c, cStep, tall, columns, tiles, resume);
        strip4x2k(below, aStep, 16, b, 32, d, cStep, low, columns, tiles, resume);
      } else {
        strip6x1k(inputs, aStep, 24, b, 32, c, cStep, tall, columns, tiles, resume);
        strip4x1k(below, aStep, 16, b, 32, d, cStep, low, columns, tiles, resume);
      }
    }
    inputs += inputPlane;
    gradients += gradientPlane;
    sums += sumPlane;
  }
}

/** Sums [channel, filter] in planes become one depth [lines, 3, channels, all] of the kernel. */
function storeKernel(
  block: usize,
  sums: usize,
  plane: usize,
  channels: i32,
  filters: i32,
  to: usize,
  tap: usize,
  row: usize,
): void {
  const own = 4 * <usize> filters;
  for (let c = 0; c < channels; ++c) {
    if (isOfLines(block)) storeFiltersOfLine(sums, plane, own, to, tap);
    else storeFilters(sums, plane, own, to, tap);
    sums += own;
    to += row;
  }
}

/** Channels [start, end) of the gradient of a kernel. */
export function winogradGradient(
  x: usize,
  grad: usize,
  y: usize,
  block: usize,
  start: i32,
  end: i32,
  scratch: usize,
  tile: usize,
  tileBytes: i32,
  patch: usize,
): void {
  go(onWinograd);
  const filters = filtersOf(block);
  const row = 4 * <usize> filters;
  const tap = row * <usize> channelsOf(block);
  const all = batchOf(block) * outputSize(block, 0) * downOf(block) * acrossOf(block);
  const depth = 3 * tap * <usize> tapsAlong(block, 1);
  const planes = planesOf(block);
  const gradients = scratch + packedB;
  for (let t = 0; t < tapsAlong(block, 0); ++t) {
    for (let c = start; c < end; c += most) {
      const channels = least(most, end - c);
      const step = least(mostTiles, tilesIn(block, tileBytes, channels));
      for (let f = 0; f < filters; f += most) {
        const own = least(most, filters - f);
        const sumPlane = planeOf(channels, own);
        for (let first = 0; first < all; first += step) {
          const tiles = least(step, all - first);
          const plane = planeOf(tiles, channels);
          const gradientPlane = planeOf(tiles, (own + 7) & ~7);
          inputTiles(block, x, first, tiles, t, c, channels, tile, plane, patch);
          gradientTiles(block, grad, first, tiles, f, own, gradients, gradientPlane, patch);
          const resume = i32(first > 0);
          addProducts(planes, tile, plane, gradients, gradientPlane, scratch, sumPlane, channels, own, tiles, resume);
        }
        const to = y + depth * <usize> t + <usize> c * row + 4 * <usize> f;
        storeKernel(block, scratch, sumPlane, channels, own, to, tap, row);
      }
    }
  }
}
