/**
 * Convolution by windows of 3×3 with 16 multiplications for every 2×2 outputs instead of 36
 * (S. Winograd's F(2×2, 3×3); A. Lavin, S. Gray, "Fast algorithms for convolutional neural networks",
 * 2016): tiles of 4×4 inputs and the kernel become 16 numbers a channel each, which are multiplied
 * plane by plane, and the 16 sums become the outputs. Tiles lie at fixed places of an image, so the
 * bits do not depend on who computes them. `winograd_tiles.ts` says how tiles change.
 */
import { packedB } from "./matmul";
import { least } from "./pack";
import { strip4x1rp, strip4x2rp, strip6x1rp, strip6x2rp } from "./strips";
import { go, onWinograd } from "./ways";
import { channelsOf, filtersOf, outputSize } from "./window";
import { acrossOf, inputTiles, planeOf, planes, storeOutputs } from "./winograd_tiles";

/** Tiles, channels and filters at a time: what they take lies in L2, and a plane of inputs in L1. */
const mostTiles: i32 = 48;
const mostChannels: i32 = 128;
const mostFilters: i32 = 64;

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

/** The kernel [3, 3, channels, all] of filters [from, from + filters), changed and packed. */
function changeKernel(
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
  const half = f32x4.splat(0.5);
  for (let f = 0; f < filters; f += 4) {
    let at = kernel + 4 * <usize> (from + f);
    let out = to + 32 * <usize> ((f >> 3) * channels) + 4 * <usize> (f & 4);
    for (let c = 0; c < channels; ++c) {
      let k = at;
      let place = out;
      // Rows of the kernel become four: the first, half of all with and without the second, the last.
      for (let i = 0; i < 4; ++i) {
        let k0 = v128.load(k);
        let k1 = v128.load(k + tap);
        let k2 = v128.load(k + 2 * tap);
        if (i == 1 || i == 2) {
          const second = k + 3 * tap;
          const last = k + 6 * tap;
          const s0 = f32x4.add(k0, v128.load(last));
          const s1 = f32x4.add(k1, v128.load(last + tap));
          const s2 = f32x4.add(k2, v128.load(last + 2 * tap));
          const m0 = v128.load(second);
          const m1 = v128.load(second + tap);
          const m2 = v128.load(second + 2 * tap);
          k0 = f32x4.mul(half, i == 1 ? f32x4.add(s0, m0) : f32x4.sub(s0, m0));
          k1 = f32x4.mul(half, i == 1 ? f32x4.add(s1, m1) : f32x4.sub(s1, m1));
          k2 = f32x4.mul(half, i == 1 ? f32x4.add(s2, m2) : f32x4.sub(s2, m2));
        } else if (i == 3) {
          k0 = v128.load(k + 6 * tap);
          k1 = v128.load(k + 7 * tap);
          k2 = v128.load(k + 8 * tap);
        }
        const sum = f32x4.add(k0, k2);
        v128.store(place, k0);
        v128.store(place + plane, f32x4.mul(half, f32x4.add(sum, k1)));
        v128.store(place + 2 * plane, f32x4.mul(half, f32x4.sub(sum, k1)));
        v128.store(place + 3 * plane, k2);
        place += 4 * plane;
      }
      at += row;
      out += 32;
    }
  }
}

/** sums (+)= inputs · kernel, in each plane: `tiles` rows of `filters`, over `channels`. */
function multiplyPlanes(
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
  const lines = (height + 1) >> 1;
  const across = acrossOf(block);
  const begin = (firstLine / height * lines + (firstLine % height >> 1)) * across;
  const end = ((endLine - 1) / height * lines + ((endLine - 1) % height >> 1) + 1) * across;
  const sums = scratch + packedB;
  // As many filters as their changed kernel has room for.
  const room = <i32> ((packedB / planes - 64) / 32) / channels * 8;
  const filterStep = least(least(mostFilters, room), filters);
  const channelStep = least(mostChannels, channels);
  const tileStep = least(mostTiles, (tileBytes / planes - 64) / 4 / channelStep / 6 * 6);
  for (let f = 0; f < filters; f += filterStep) {
    const own = least(filterStep, filters - f);
    changeKernel(kernel, channels, filters, f, own, scratch);
    const plane = kernelPlane(channels, own);
    for (let first = begin; first < end; first += tileStep) {
      const tiles = least(tileStep, end - first);
      const sumPlane = planeOf(tiles, own);
      for (let c = 0; c < channels; c += channelStep) {
        const part = least(channelStep, channels - c);
        const inputPlane = planeOf(tiles, part);
        inputTiles(block, x, first, tiles, c, part, tile, inputPlane, patch);
        const from = scratch + 32 * <usize> c;
        const panel = 32 * <usize> channels;
        multiplyPlanes(tile, inputPlane, from, plane, panel, sums, sumPlane, tiles, own, part, i32(c > 0));
      }
      storeOutputs(block, y, first, tiles, f, own, sums, sumPlane, firstLine, endLine);
    }
  }
}
