/**
 * The gradient of a 3×3 kernel by Winograd's tiles (`winograd.ts`): the changed tiles of inputs and of
 * the outputs' gradient are multiplied plane by plane, and the sums over all tiles change into it.
 */
import { packedB } from "./matmul";
import { least } from "./pack";
import { strip4x1k, strip4x2k, strip6x1k, strip6x2k } from "./strips";
import { batchOf, channelsOf, filtersOf, inputSize, outputSize } from "./window";
import { go, onWinograd } from "./ways";
import { tallRows } from "./winograd";
import { acrossOf, gradientTiles, inputTiles, planeOf, planes } from "./winograd_tiles";

/** Tiles, channels and filters at a time: inputs and gradients then take 192 KiB each, sums 256. */
const mostTiles: i32 = 48;
const most: i32 = 64;

/** sums (+)= inputsᵀ · gradients, in each plane: `channels` rows of `filters`, over `tiles`. */
function addProducts(
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

/** The sum of the first three of four numbers, as the tiles of the kernel weigh them. */
@inline
function upper(s0: v128, s1: v128, s2: v128): v128 {
  return f32x4.add(s0, f32x4.mul(f32x4.splat(0.5), f32x4.add(s1, s2)));
}

@inline
function middle(s1: v128, s2: v128): v128 {
  return f32x4.mul(f32x4.splat(0.5), f32x4.sub(s1, s2));
}

/** Sums [channel, filter] in planes become the kernel [3, 3, channels, all]. */
function storeKernel(
  sums: usize,
  plane: usize,
  channels: i32,
  filters: i32,
  to: usize,
  tap: usize,
  row: usize,
): void {
  for (let c = 0; c < channels; ++c) {
    for (let f = 0; f < filters; f += 4) {
      let out = to + 4 * <usize> f;
      // A row of the kernel from four rows of sums.
      for (let i = 0; i < 3; ++i) {
        let from = sums + 4 * <usize> f;
        const r0 = rowOf(i, from, plane);
        from += plane;
        const r1 = rowOf(i, from, plane);
        from += plane;
        const r2 = rowOf(i, from, plane);
        from += plane;
        const r3 = rowOf(i, from, plane);
        v128.store(out, upper(r0, r1, r2));
        v128.store(out + tap, middle(r1, r2));
        v128.store(out + 2 * tap, upper(r3, r1, r2));
        out += 3 * tap;
      }
    }
    sums += 4 * <usize> filters;
    to += row;
  }
}

/** Row i of three, of one of the four columns of planes. */
@inline
function rowOf(i: i32, from: usize, plane: usize): v128 {
  const s1 = v128.load(from + 4 * plane);
  const s2 = v128.load(from + 8 * plane);
  if (i == 1) return middle(s1, s2);
  return upper(v128.load(from + (i ? 12 * plane : 0)), s1, s2);
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
  patch: usize,
): void {
  go(onWinograd);
  const filters = filtersOf(block);
  const row = 4 * <usize> filters;
  const tap = row * <usize> channelsOf(block);
  const lines = batchOf(block) * inputSize(block, 0) * ((outputSize(block, 1) + 1) >> 1);
  const all = lines * acrossOf(block);
  const gradients = scratch + packedB;
  for (let c = start; c < end; c += most) {
    const channels = least(most, end - c);
    for (let f = 0; f < filters; f += most) {
      const own = least(most, filters - f);
      const sumPlane = planeOf(channels, own);
      for (let first = 0; first < all; first += mostTiles) {
        const tiles = least(mostTiles, all - first);
        const inputPlane = planeOf(tiles, channels);
        const gradientPlane = planeOf(tiles, (own + 7) & ~7);
        inputTiles(block, x, first, tiles, c, channels, tile, inputPlane, patch);
        gradientTiles(block, grad, first, tiles, f, own, gradients, gradientPlane);
        addProducts(
          tile,
          inputPlane,
          gradients,
          gradientPlane,
          scratch,
          sumPlane,
          channels,
          own,
          tiles,
          i32(first > 0),
        );
      }
      storeKernel(scratch, sumPlane, channels, own, y + <usize> c * row + 4 * <usize> f, tap, row);
    }
  }
}
