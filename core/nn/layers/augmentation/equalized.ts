import { iota } from "../../../graph/leaf.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { add } from "../../../ops/add.ts";
import { cast } from "../../../ops/cast.ts";
import { clip } from "../../../ops/clip.ts";
import { div } from "../../../ops/div.ts";
import { equal } from "../../../ops/equal.ts";
import { gather } from "../../../ops/gather.ts";
import { greater } from "../../../ops/greater.ts";
import { lessEqual } from "../../../ops/less_equal.ts";
import { matmul } from "../../../ops/matmul.ts";
import { max, min } from "../../../ops/max.ts";
import { mul } from "../../../ops/mul.ts";
import { reshape } from "../../../ops/reshape.ts";
import { floor, round } from "../../../ops/round.ts";
import { select } from "../../../ops/select.ts";
import { sub } from "../../../ops/sub.ts";
import { transpose } from "../../../ops/transpose.ts";
import { asShares, fromShares } from "./picture_values.ts";
import type { Bounds } from "./factor.ts";

/** Levels of brightness that a picture has in the end. */
const levels = 255;
/** Bins of a histogram that stand in a row of its product. */
const across = 16;

/**
 * Each channel of every picture with its values spread so that each level is as frequent as can be:
 * a value becomes round(255 (n(v) − n₀) / (N − n₀)) 255ths of the way from black to white, with n(v) how
 * many of the N pixels are in its bin or a darker one, and n₀ how many are in the darkest one.
 *
 * @param x `[batch, height, width, channels]`, f32.
 * @param bins Bins of the histogram, whose middles lie evenly from black to white.
 */
export function equalized(x: Tensor, bounds: Bounds, bins: number): Tensor {
  const [batch, height, width, channels] = x.shape;
  const pixels = height * width;
  const groups = batch * channels;
  const shares = clip(asShares(x, bounds), 0, 1);
  const lines = reshape(transpose(round(mul(shares, bins - 1)), [0, 3, 1, 2]), [groups, pixels]);
  const upTo = sumsUpTo(histogram(lines, bins), bins);
  const darkest = min(select(greater(upTo, 0), upTo, pixels), 1, { keepDims: true });
  const others = sub(pixels, darkest);
  // Quotients are rounded otherwise on some GPUs: whole numbers say on which side of a half they are.
  const parts = mul(clip(sub(upTo, darkest), 0, pixels), levels);
  const divisor = select(greater(others, 0), others, 1);
  const near = floor(add(div(parts, divisor), 0.5));
  const left = mul(sub(parts, mul(near, divisor)), 2);
  const up = cast(lessEqual(divisor, left), "f32");
  const down = cast(greater(sub(0, left), divisor), "f32");
  const table = sub(add(near, up), down);
  // What is of one value has nothing to be spread.
  const first = mul(iota([groups, 1], 0, "f32"), bins);
  const places = cast(reshape(add(lines, first), [groups * pixels]), "u32");
  const found = gather(reshape(table, [groups * bins]), places);
  const spread = transpose(
    reshape(mul(found, 1 / levels), [batch, channels, height, width]),
    [0, 2, 3, 1],
  );
  const plain = reshape(lessEqual(max(others, 1), 0), [batch, 1, 1, channels]);
  return select(plain, x, fromShares(spread, bounds));
}

/**
 * How many numbers of each line are in each bin, `[lines, bins]`: a product of who is in which row of
 * sixteen bins and who is in which column, so that nobody holds a number for each bin and pixel.
 */
function histogram(lines: Tensor, bins: number): Tensor {
  const [groups, pixels] = lines.shape;
  const rows = Math.ceil(bins / across);
  const row = floor(mul(lines, 1 / across));
  const column = sub(lines, mul(row, across));
  const isIn = (numbers: Tensor, count: number, first: boolean) => {
    const shape = first ? [1, count, 1] : [1, 1, count];
    const against = reshape(numbers, first ? [groups, 1, pixels] : [groups, pixels, 1]);
    return cast(equal(against, iota(shape, first ? 1 : 2, "f32")), "f32");
  };
  return reshape(
    matmul(isIn(row, rows, true), isIn(column, across, false)),
    [groups, rows * across],
  );
}

/** Sums of the first 1, 2, 3 … `bins` numbers of each row. */
function sumsUpTo(counts: Tensor, bins: number): Tensor {
  const width = counts.shape[1];
  const from = iota([width, bins], 0, "f32");
  const to = iota([width, bins], 1, "f32");
  return matmul(counts, cast(lessEqual(from, to), "f32"));
}
