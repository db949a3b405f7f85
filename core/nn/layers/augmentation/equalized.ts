import { iota } from "../../../graph/leaf.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { add } from "../../../ops/add.ts";
import { bincount } from "../../../ops/bincount.ts";
import { cast } from "../../../ops/cast.ts";
import { clip } from "../../../ops/clip.ts";
import { div } from "../../../ops/div.ts";
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
  const levelOf = cast(round(mul(shares, bins - 1)), "u32");
  const lines = reshape(transpose(levelOf, [0, 3, 1, 2]), [groups, pixels]);
  const upTo = sumsUpTo(cast(bincount(lines, bins), "f32"), bins);
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
  const first = mul(iota([groups, 1], 0), bins);
  const places = reshape(add(lines, first), [groups * pixels]);
  const found = gather(reshape(table, [groups * bins]), places);
  const spread = transpose(
    reshape(mul(found, 1 / levels), [batch, channels, height, width]),
    [0, 2, 3, 1],
  );
  const plain = reshape(lessEqual(max(others, 1), 0), [batch, 1, 1, channels]);
  return select(plain, x, fromShares(spread, bounds));
}

/** Sums of the first 1, 2, 3 … `bins` numbers of each row. */
function sumsUpTo(counts: Tensor, bins: number): Tensor {
  const width = counts.shape[1];
  const from = iota([width, bins], 0, "f32");
  const to = iota([width, bins], 1, "f32");
  return matmul(counts, cast(lessEqual(from, to), "f32"));
}
