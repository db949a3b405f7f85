import { iota } from "../../../graph/leaf.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { add } from "../../../ops/add.ts";
import type { ApplyContext } from "../../layer.ts";

/** Places of so many steps in the whole sequence, `[steps]`, i32. */
export function positionsOf(steps: number, { decoding }: Pick<ApplyContext, "decoding">): Tensor {
  const places = iota([steps], 0, "i32");
  return decoding ? add(places, decoding.position) : places;
}
