import { stateLeaf } from "../../../core/graph/leaf.ts";
import type { ReferenceArray } from "../../../core/graph/operation.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import type { Optimizer } from "../../../core/nn/mod.ts";
import { type OptimizedWeight, slotStart } from "../../../core/nn/optimizer.ts";
import { array } from "./context.ts";

/** Leaves for an optimizer's slots of a weight, and the values that they start with. */
export function startSlots(
  optimizer: Optimizer,
  weight: OptimizedWeight,
  values: ArrayLike<number>,
): { slots: Record<string, Tensor>; state: Map<Tensor, ReferenceArray> } {
  const slots: Record<string, Tensor> = {};
  const state = new Map<Tensor, ReferenceArray>();
  for (const [name, start] of Object.entries(optimizer.slots(weight))) {
    const { shape, fill } = slotStart(start, weight);
    const leaf = slots[name] = stateLeaf(name, shape);
    const filled = fill === "parameter" ? values : new Float64Array(leaf.size).fill(fill);
    state.set(leaf, array(shape, filled));
  }
  return { slots, state };
}
