/** What layers make of the values of pictures `[batch, height, width, channels]`, wherever they are. */
import { ShapeError } from "../../../graph/errors.ts";
import { iota } from "../../../graph/leaf.ts";
import { formatShape } from "../../../graph/shape.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { add } from "../../../ops/add.ts";
import { clip } from "../../../ops/clip.ts";
import { slice } from "../../../ops/concat.ts";
import { div } from "../../../ops/div.ts";
import { greater } from "../../../ops/greater.ts";
import { greaterEqual } from "../../../ops/greater_equal.ts";
import { less } from "../../../ops/less.ts";
import { logicalAnd } from "../../../ops/logical.ts";
import { max, min } from "../../../ops/max.ts";
import { mul } from "../../../ops/mul.ts";
import { reshape } from "../../../ops/reshape.ts";
import { floor } from "../../../ops/round.ts";
import { select } from "../../../ops/select.ts";
import { pad, split } from "../../../ops/stack.ts";
import { sub } from "../../../ops/sub.ts";
import type { Bounds } from "./factor.ts";
import type { Draws } from "./image_layer.ts";

/** A number a picture, against its pixels. */
export function perPicture(numbers: Tensor): Tensor {
  return reshape(numbers, [numbers.shape[0], 1, 1, 1]);
}

/** Which pictures are chosen, each by a probability of its own: `[batch, 1, 1]`. */
export function chosenBy(draws: Draws, chance: Bounds): Tensor {
  return less(draws.uniform("threshold", [0, 1]), draws.uniform("chance", chance));
}

/** `from` a share of the way towards `to`, and beyond it above 1. */
export function towards(from: Tensor, to: Tensor, share: Tensor): Tensor {
  return add(from, mul(sub(to, from), share));
}

/** Values as shares of the way from black to white. */
export function asShares(x: Tensor, [black, white]: Bounds): Tensor {
  return mul(sub(x, black), 1 / (white - black));
}

/** Values of shares of the way from black to white, which are cut off at both. */
export function fromShares(shares: Tensor, [black, white]: Bounds): Tensor {
  return add(mul(clip(shares, 0, 1), white - black), black);
}

/** Refuses pictures without red, green and blue. */
export function checkColors(shape: readonly number[]): void {
  if (shape[shape.length - 1] === 3) return;
  throw new ShapeError(
    `expected pictures of 3 channels, red, green and blue, got shape ${formatShape(shape)}`,
  );
}

/** How bright the colors look, `[batch, height, width, 1]` (ITU-R BT.601). */
export function greyOf(x: Tensor): Tensor {
  const [red, green, blue] = split(x, 3, 3);
  return add(add(mul(red, 0.2989), mul(green, 0.587)), mul(blue, 0.114));
}

/** Each channel stretched from black to white; one of a single value has nothing to be stretched. */
export function stretched(x: Tensor, [black, white]: Bounds): Tensor {
  const low = min(x, [1, 2], { keepDims: true });
  const high = max(x, [1, 2], { keepDims: true });
  const spread = select(greater(high, low), sub(high, low), 1);
  return select(
    greaterEqual(low, high),
    x,
    add(mul(div(sub(x, low), spread), white - black), black),
  );
}

/** Below this part of a 255th, a value of eight bits has only been rounded by float32. */
const rounding = 1e-3;

/** Values in steps of `step` 255ths, downwards. */
export function posterized(x: Tensor, step: Tensor, [black, white]: Bounds): Tensor {
  const level = mul(sub(x, black), 255 / (white - black));
  const whole = mul(floor(div(add(level, rounding), step)), step);
  return add(mul(whole, (white - black) / 255), black);
}

/**
 * Pixels blurred by the eight around them: (their sum + 5 times the pixel) / 13; those of the border
 * stay as they are, as they have not so many.
 */
export function smoothed(x: Tensor): Tensor {
  const [batch, height, width, channels] = x.shape;
  if (height < 3 || width < 3) return x;
  const rows = [0, 1, 2].map((from) =>
    slice(x, [0, from, 0, 0], [batch, height - 2 + from, width, channels])
  ).reduce((sum, part) => add(sum, part));
  const sums = [0, 1, 2].map((from) =>
    slice(rows, [0, 0, from, 0], [batch, height - 2, width - 2 + from, channels])
  ).reduce((sum, part) => add(sum, part));
  const around = pad(sums, [[0, 0], [1, 1], [1, 1], [0, 0]]);
  const inside = [height, width].map((size, place) => {
    const at = iota([1, 1, 1, 1].with(place + 1, size), place + 1, "f32");
    return logicalAnd(greater(at, 0), less(at, size - 1));
  });
  return select(
    logicalAnd(inside[0], inside[1]),
    mul(add(around, mul(x, 4)), 1 / 13),
    x,
  );
}
