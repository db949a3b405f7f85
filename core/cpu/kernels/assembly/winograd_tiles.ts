/**
 * Tiles of inputs, outputs and their gradients for Winograd's convolution: where they lie, and what is
 * done with those that reach over the border. `winograd_points.ts` changes their numbers.
 */
import { put } from "./lines";
import { beforeOf, channelsOf, filtersOf, firstPlace, inputIndex, inputSize, outputSize, tapsAlong } from "./window";
import {
  changeGradients,
  changeGradientsOfLine,
  changeInputs,
  changeInputsOfLine,
  storeTile,
  storeTileOfLine,
  tileSide,
  windowSide,
} from "./winograd_points";

/** Whether windows are of 1×3: tiles are lines, and no squares. */
export function isOfLines(block: usize): bool {
  return tapsAlong(block, 1) == 1;
}

/** Lines of a tile of outputs. */
export function tileLines(block: usize): i32 {
  return isOfLines(block) ? 1 : tileSide;
}

/** Numbers of a tile. */
export function planesOf(block: usize): i32 {
  return isOfLines(block) ? windowSide : windowSide * windowSide;
}

/** Bytes from a plane to the next: not a multiple of 4 KiB, where all would share lines of L1. */
export function planeOf(tiles: i32, channels: i32): usize {
  return 4 * <usize> (tiles * channels) + 64;
}

/** Tiles of as many channels whose planes have room in `bytes`; whole register blocks. */
export function tilesIn(block: usize, bytes: i32, channels: i32): i32 {
  return (bytes / planesOf(block) - 64) / 4 / channels / 6 * 6;
}

/** Tiles next to each other in an image. */
export function acrossOf(block: usize): i32 {
  return (outputSize(block, 2) + tileSide - 1) / tileSide;
}

/** Lines of tiles of an image. */
export function downOf(block: usize): i32 {
  return (outputSize(block, 1) + tileLines(block) - 1) / tileLines(block);
}

/**
 * Copies `lines` of `side` places with zeros beyond the image: the first one is in line h at w of an
 * image of `height` lines, of which `count` channels of `place` bytes are wanted.
 */
function copyPlaces(
  image: usize,
  h: i32,
  w: i32,
  height: i32,
  width: i32,
  place: usize,
  count: i32,
  lines: i32,
  side: i32,
  to: usize,
): void {
  const own = 4 * <usize> count;
  memory.fill(to, 0, own * <usize> (lines * side));
  const left = max(0, -w);
  const right = min(side, width - w);
  // Neighbouring places are copied together where all of their channels are wanted.
  const together = own == place ? right - left : 1;
  for (let i = max(0, -h); i < min(lines, height - h); ++i) {
    for (let j = left; j < right; j += together) {
      const from = image + <usize> ((h + i) * width + w + j) * place;
      put(from, together * count, to + own * <usize> (i * side + j));
    }
  }
}

/** The slice of all inputs that a depth of the window sees at one of all slices of outputs; −1: zeros. */
function sliceAt(block: usize, slice: i32, tap: i32): i32 {
  const deep = outputSize(block, 0);
  const index = inputIndex(block, 0, firstPlace(block, 0, slice % deep), tap);
  return index < 0 ? -1 : slice / deep * inputSize(block, 0) + index;
}

/**
 * Channels [c, c + count) of tiles [first, first + tiles) that depth `tap` of the window sees, changed;
 * `patch` has room for one tile.
 */
export function inputTiles(
  block: usize,
  x: usize,
  first: i32,
  tiles: i32,
  tap: i32,
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
  const right = left + tileSide * across;
  const lines = tileLines(block);
  const seenLines = lines == 1 ? 1 : windowSide;
  const bottom = top + lines * down;
  const above = first / across;
  const own = 4 * <usize> count;
  x += 4 * <usize> c;
  let slice = above / down;
  let seen = sliceAt(block, slice, tap);
  let h = top + lines * (above % down);
  let w = left + tileSide * (first % across);
  for (let tile = 0; tile < tiles; ++tile) {
    const image = x + <usize> (seen * height) * line;
    let from = image + <usize> (h * width + w) * place;
    let step = line;
    let next = place;
    if (seen < 0 || h < 0 || w < 0 || h + seenLines > height || w + windowSide > width) {
      // In a depth beyond the image all lines are.
      copyPlaces(image, seen < 0 ? height : h, w, height, width, place, count, seenLines, windowSide, patch);
      from = patch;
      step = windowSide * own;
      next = own;
    }
    if (lines == 1) changeInputsOfLine(from, step, next, own, to, plane);
    else changeInputs(from, step, next, own, to, plane);
    to += own;
    w += tileSide;
    if (w < right) continue;
    w = left;
    h += lines;
    if (h < bottom) continue;
    h = top;
    seen = sliceAt(block, ++slice, tap);
  }
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
  const line = place * <usize> width;
  const own = 4 * <usize> count;
  const lines = tileLines(block);
  const above = first / acrossOf(block);
  let h = lines * (above % downOf(block));
  let w = tileSide * (first % acrossOf(block));
  // Lines of all images that lie ahead of this one.
  let ahead = above / downOf(block) * height;
  for (let tile = 0; tile < tiles; ++tile) {
    const from = max(0, firstLine - ahead - h);
    const until = min(min(lines, height - h), endLine - ahead - h);
    const to = y + <usize> (ahead + h) * line + <usize> w * place + 4 * <usize> f;
    const places = min(tileSide, width - w);
    if (lines == 1) storeTileOfLine(sums, plane, own, to, line, place, from, until, places);
    else storeTile(sums, plane, own, to, line, place, from, until, places);
    sums += own;
    w += tileSide;
    if (w < width) continue;
    w = 0;
    h += lines;
    if (h < height) continue;
    h = 0;
    ahead += height;
  }
}

/**
 * Filters [f, f + count) of the outputs' gradient in tiles [first, first + tiles), changed: rows of
 * eight filters, a tile after the other; `patch` has room for one tile.
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
  patch: usize,
): void {
  const height = outputSize(block, 1);
  const width = outputSize(block, 2);
  const place = 4 * <usize> filtersOf(block);
  const line = place * <usize> width;
  const panel = 32 * <usize> tiles;
  const own = 4 * <usize> count;
  const lines = tileLines(block);
  const above = first / acrossOf(block);
  let h = lines * (above % downOf(block));
  let w = tileSide * (first % acrossOf(block));
  let image = grad + <usize> (above / downOf(block) * height) * line + 4 * <usize> f;
  for (let tile = 0; tile < tiles; ++tile) {
    let from = image + <usize> (h * width + w) * place;
    let step = line;
    let next = place;
    if (h + lines > height || w + tileSide > width) {
      copyPlaces(image, h, w, height, width, place, count, lines, tileSide, patch);
      from = patch;
      step = tileSide * own;
      next = own;
    }
    if (lines == 1) changeGradientsOfLine(from, step, next, own, to, plane, panel);
    else changeGradients(from, step, next, own, to, plane, panel);
    to += 32;
    w += tileSide;
    if (w < width) continue;
    w = 0;
    h += lines;
    if (h < height) continue;
    h = 0;
    image += line * <usize> height;
  }
}
