import type { Tensor } from "../graph/tensor.ts";
import { div } from "../ops/div.ts";
import { maximum } from "../ops/maximum.ts";
import { sqrt } from "../ops/sqrt.ts";
import { square } from "../ops/square.ts";
import { sum } from "../ops/sum.ts";

/** `x` divided by its Euclidean length along an axis, lengths at least 1e-7 as in Keras. */
export function unitLength(x: Tensor, axis: number): Tensor {
  return div(x, sqrt(maximum(sum(square(x), axis, { keepDims: true }), 1e-14)));
}
