import type { Tensor } from "../graph/tensor.ts";
import { equal } from "./equal.ts";
import { pow } from "./pow.ts";
import { select } from "./select.ts";

/**
 * x to a power between 0 and 1, for x ≥ 0, whose gradient at 0 is 0 instead of Infinity: that would
 * become NaN behind it, where sums of squares and the like have none. So do PyTorch's `norm` and `std`.
 */
export function flatRoot(x: Tensor, power: number): Tensor {
  const none = equal(x, 0);
  return select(none, 0, pow(select(none, 1, x), power));
}
