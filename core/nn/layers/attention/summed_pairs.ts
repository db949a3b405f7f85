import type { Tensor } from "../../../graph/tensor.ts";
import { add } from "../../../ops/add.ts";
import { expandDims } from "../../../ops/expand_dims.ts";

/** The sums of all pairs of a query and a key, `[batch, queries, keys, features]`. */
export function summedPairs(query: Tensor, keys: Tensor): Tensor {
  return add(expandDims(query, 2), expandDims(keys, 1));
}
