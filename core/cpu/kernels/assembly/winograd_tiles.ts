/**
 * Tiles of 4×4 inputs and of 2×2 outputs, changed for Winograd's convolution: each becomes 16 numbers
 * a channel, which lie in 16 planes of `[tile, channel]`.
 */
import { put } from "./lines";
import { beforeOf, channelsOf, filtersOf, inputSize, outputSize } from "./window";

/** Numbers of a tile. */
export const planes: i32 = 16;

/** Bytes from a plane to the next: not a multiple of 4 KiB, where all would share lines of L1. */
export function planeOf(tiles: i32, channels: i32): usize {
  return 4 * <usize> (tiles * channels) + 64;
}

/** Tiles next to each other in an image. */
export function acrossOf(block: usize): i32 {
  return (outputSize(block, 2) + 1) >> 1;
}

/** Lines of tiles of an image. */
function downOf(block: usize): i32 {
  return (outputSize(block, 1) + 1) >> 1;
}

/** Stores a row of four, changed along the width. */
@inline
function storeRow(to: usize, plane: usize, t0: v128, t1: v128, t2: v128, t3: v128): void {
  v128.store(to, f32x4.sub(t0, t2));
  v128.store(to + plane, f32x4.add(t1, t2));
  v128.store(to + 2 * plane, f32x4.sub(t2, t1));
  v128.store(to + 3 * plane, f32x4.sub(t1, t3));
}

/** Changes one tile of inputs: lines `line` bytes apart, places `place` bytes apart. */
function changeInputs(
  from: usize,
  line: usize,
  place: usize,
  channels: i32,
  to: usize,
  plane: usize,
): void {
  const end = from + 4 * <usize> channels;
  for (; from < end; from += 16) {
    let at = from + line;
    const b0 = v128.load(at);
    const b1 = v128.load(at + place);
    const b2 = v128.load(at + 2 * place);
    const b3 = v128.load(at + 3 * place);
    at += line;
    const c0 = v128.load(at);
    const c1 = v128.load(at + place);
    const c2 = v128.load(at + 2 * place);
    const c3 = v128.load(at + 3 * place);
    let out = to;
    storeRow(
      out,
      plane,
      f32x4.sub(v128.load(from), c0),
      f32x4.sub(v128.load(from + place), c1),
      f32x4.sub(v128.load(from + 2 * place), c2),
      f32x4.sub(v128.load(from + 3 * place), c3),
    );
    out += 4 * plane;
    storeRow(out, plane, f32x4.add(b0, c0), f32x4.add(b1, c1), f32x4.add(b2, c2), f32x4.add(b3, c3));
    out += 4 * plane;
    storeRow(out, plane, f32x4.sub(c0, b0), f32x4.sub(c1, b1), f32x4.sub(c2, b2), f32x4.sub(c3, b3));
    out += 4 * plane;
    at += line;
    storeRow(
      out,
      plane,
      f32x4.sub(b0, v128.load(at)),
      f32x4.sub(b1, v128.load(at + place)),
      f32x4.sub(b2, v128.load(at + 2 * place)),
      f32x4.sub(b3, v128.load(at + 3 * place)),
    );
    to += 16;
  }
}

/** Channels [c, c + count) of tiles [first, first + tiles), changed; `patch` has room for one tile. */
export function inputTiles(
  block: usize,
  x: usize,
  first: i32,
  tiles: i32,
  c: i32,
  count: i32,
  to: usize,
  plane: usize,
  patch: usize,
): void {
  const place = 4 * <usize> channelsOf(block);
  const height = inputSize(block, 1);
  const width = inputSize(block, 2);
  const line = place * <usize> width;
  const across = acrossOf(block);
  const down = downOf(block);
  const left = -beforeOf(block, 2);
  const top = -beforeOf(block, 1);
  const right = left + 2 * across;
  const bottom = top + 2 * down;
  const above = first / across;
  let image = x + <usize> (above / down * height) * line + 4 * <usize> c;
  let h = top + 2 * (above % down);
  let w = left + 2 * (first % across);
  for (let tile = 0; tile < tiles; ++tile) {
    if (h >= 0 && w >= 0 && h + 4 <= height && w + 4 <= width) {
      changeInputs(image + <usize> h * line + <usize> w * place, line, place, count, to, plane);
    } else {
      // Beyond the image are zeros.
      const own = 4 * <usize> count;
      for (let i = 0; i < 4; ++i) {
        for (let j = 0; j < 4; ++j) {
          const inside = h + i >= 0 && h + i < height && w + j >= 0 && w + j < width;
          const from = inside ? image + <usize> (h + i) * line + <usize> (w + j) * place : 0;
          put(from, count, patch + own * <usize> (4 * i + j));
        }
      }
      changeInputs(patch, 4 * own, own, count, to, plane);
    }
    to += 4 * <usize> count;
    w += 2;
    if (w < right) continue;
    w = left;
    h += 2;
    if (h < bottom) continue;
    h = top;
    image += line * <usize> height;
  }
}

/** Adds up along the width and stores what lies within the image. */
@inline
function storeLine(to: usize, place: usize, two: bool, u0: v128, u1: v128, u2: v128, u3: v128): void {
  v128.store(to, f32x4.add(f32x4.add(u0, u1), u2));
  if (two) v128.store(to + place, f32x4.sub(f32x4.sub(u1, u2), u3));
}

/** The outputs of tiles, filters [f, f + count), from sums in planes; lines [firstLine, endLine) alone. */
export function storeOutputs(
  block: usize,
  y: usize,
  first: i32,
  tiles: i32,
  f: i32,
  count: i32,
  sums: usize,
  plane: usize,
  firstLine: i32,
  endLine: i32,
): void {
  const height = outputSize(block, 1);
  const width = outputSize(block, 2);
  const place = 4 * <usize> filtersOf(block);
  const above = first / acrossOf(block);
  // The line among those of all images, and in its own.
  let h = 2 * (above % downOf(block));
  let line = above / downOf(block) * height + h;
  let w = 2 * (first % acrossOf(block));
  for (let tile = 0; tile < tiles; ++tile) {
    const upper = line >= firstLine;
    const lower = h + 1 < height && line + 1 < endLine;
    const two = w + 1 < width;
    let to = y + <usize> (line * width + w) * place + 4 * <usize> f;
    const end = sums + 4 * <usize> count;
    for (; sums < end; sums += 16) {
      let at = sums;
      const a0 = v128.load(at);
      const a1 = v128.load(at + plane);
      const a2 = v128.load(at + 2 * plane);
      const a3 = v128.load(at + 3 * plane);
      at += 4 * plane;
      const b0 = v128.load(at);
      const b1 = v128.load(at + plane);
      const b2 = v128.load(at + 2 * plane);
      const b3 = v128.load(at + 3 * plane);
      at += 4 * plane;
      const c0 = v128.load(at);
      const c1 = v128.load(at + plane);
      const c2 = v128.load(at + 2 * plane);
      const c3 = v128.load(at + 3 * plane);
      if (upper) {
        storeLine(
          to,
          place,
          two,
          f32x4.add(f32x4.add(a0, b0), c0),
          f32x4.add(f32x4.add(a1, b1), c1),
          f32x4.add(f32x4.add(a2, b2), c2),
          f32x4.add(f32x4.add(a3, b3), c3),
        );
      }
      if (lower) {
        at += 4 * plane;
        storeLine(
          to + place * <usize> width,
          place,
          two,
          f32x4.sub(f32x4.sub(b0, c0), v128.load(at)),
          f32x4.sub(f32x4.sub(b1, c1), v128.load(at + plane)),
          f32x4.sub(f32x4.sub(b2, c2), v128.load(at + 2 * plane)),
          f32x4.sub(f32x4.sub(b3, c3), v128.load(at + 3 * plane)),
        );
      }
      to += 16;
    }
    w += 2;
    if (w < width) continue;
    w = 0;
    line += h + 1 < height ? 2 : 1;
    h = h + 2 < height ? h + 2 : 0;
  }
}

/** Stores a row of two, as four numbers. */
@inline
function spreadRow(to: usize, plane: usize, d0: v128, d1: v128): void {
  v128.store(to, d0);
  v128.store(to + plane, f32x4.add(d0, d1));
  v128.store(to + 2 * plane, f32x4.sub(d0, d1));
  v128.store(to + 3 * plane, f32x4.neg(d1));
}

/**
 * Filters [f, f + count) of the outputs' gradient in tiles [first, first + tiles), changed: rows of
 * eight filters, a tile after the other.
 */
export function gradientTiles(
  block: usize,
  grad: usize,
  first: i32,
  tiles: i32,
  f: i32,
  count: i32,
  to: usize,
  plane: usize,
): void {
  const height = outputSize(block, 1);
  const width = outputSize(block, 2);
  const place = 4 * <usize> filtersOf(block);
  const line = place * <usize> width;
  const panel = 32 * <usize> tiles;
  const zeros = f32x4.splat(0);
  const above = first / acrossOf(block);
  let h = 2 * (above % downOf(block));
  let w = 2 * (first % acrossOf(block));
  let start = grad + <usize> (above / downOf(block) * height + h) * line + 4 * <usize> f;
  for (let tile = 0; tile < tiles; ++tile) {
    const lower = h + 1 < height;
    const two = w + 1 < width;
    let from = start + <usize> w * place;
    for (let j = 0; j < count; j += 4) {
      const d0 = v128.load(from);
      const d1 = two ? v128.load(from + place) : zeros;
      const e0 = lower ? v128.load(from + line) : zeros;
      const e1 = lower && two ? v128.load(from + line + place) : zeros;
      let out = to + <usize> (j >> 3) * panel + 4 * <usize> (j & 4);
      spreadRow(out, plane, d0, d1);
      out += 4 * plane;
      spreadRow(out, plane, f32x4.add(d0, e0), f32x4.add(d1, e1));
      out += 4 * plane;
      spreadRow(out, plane, f32x4.sub(d0, e0), f32x4.sub(d1, e1));
      out += 4 * plane;
      spreadRow(out, plane, f32x4.neg(e0), f32x4.neg(e1));
      from += 16;
    }
    to += 32;
    w += 2;
    if (w < width) continue;
    w = 0;
    start += lower ? 2 * line : line;
    h = h + 2 < height ? h + 2 : 0;
  }
}
