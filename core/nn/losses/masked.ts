import type { Tensor } from "../../graph/tensor.ts";
import { cast } from "../../ops/cast.ts";
import { div } from "../../ops/div.ts";
import { maximum } from "../../ops/maximum.ts";
import { mul } from "../../ops/mul.ts";
import { select } from "../../ops/select.ts";
import { sum } from "../../ops/sum.ts";

/**
 * 0 where `counts` is false, and the rest times total / counted: so the mean over all of them is the
 * mean over those that count, as in Keras.
 */
export function meanOverCounted(losses: Tensor, counts: Tensor): Tensor {
  const counted = maximum(sum(cast(counts, "f32")), 1);
  return mul(select(counts, losses, 0), div(losses.size, counted));
}
