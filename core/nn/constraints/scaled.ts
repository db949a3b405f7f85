import type { Tensor } from "../../graph/tensor.ts";
import { add } from "../../ops/add.ts";
import { div } from "../../ops/div.ts";
import { mul } from "../../ops/mul.ts";
import { sqrt } from "../../ops/sqrt.ts";
import { square } from "../../ops/square.ts";
import { sum } from "../../ops/sum.ts";

/** Axes whose elements together are a vector. */
export interface NormOptions {
  /** Axis or axes of a vector; default 0: the weights into one unit of a dense layer. */
  readonly axis?: number | readonly number[];
}

/** The vectors of `x` along axes, brought from their lengths to those that are `wanted`. */
export function scaled(
  x: Tensor,
  { axis = 0 }: NormOptions,
  wanted: (lengths: Tensor) => Tensor | number,
): Tensor {
  const lengths = sqrt(sum(square(x), axis, { keepDims: true }));
  return mul(x, div(wanted(lengths), add(lengths, 1e-7)));
}
