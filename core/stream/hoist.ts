import { topologicalOrder } from "../graph/differentiate.ts";
import { stateLeaf } from "../graph/leaf.ts";
import type { Assignment } from "../graph/program.ts";
import { Tensor } from "../graph/tensor.ts";

/** Values in two parts: what stays, and what must be computed again. */
export interface Hoisted {
  /** The values, which read what stays from states. */
  readonly outputs: readonly Tensor[];
  /** States of what stays, with their values. */
  readonly kept: readonly Assignment[];
}

/**
 * Takes what does not change out of values that are computed again and again.
 *
 * @param outputs The values.
 * @param steady Leaves that stay, from which something is computed.
 * @param changing Leaves that do not.
 */
export function hoist(
  outputs: readonly Tensor[],
  steady: ReadonlySet<Tensor>,
  changing: ReadonlySet<Tensor>,
): Hoisted {
  const order = topologicalOrder(outputs);
  const changes = new Set<Tensor>();
  const stays = new Set<Tensor>();
  for (const node of order) {
    if (changing.has(node) || node.inputs.some((input) => changes.has(input))) changes.add(node);
    else if (steady.has(node) || node.inputs.some((input) => stays.has(input))) stays.add(node);
  }
  const kept: Assignment[] = [];
  const made = new Map<Tensor, Tensor>();
  for (const node of order) {
    if (!changes.has(node)) continue;
    const inputs = node.inputs.map((input) => {
      const known = made.get(input);
      if (known || !stays.has(input)) return known ?? input;
      const state = stateLeaf(`kept ${kept.length}`, input.shape, input.dtype);
      kept.push({ state, value: input });
      made.set(input, state);
      return state;
    });
    const same = inputs.every((input, place) => input === node.inputs[place]);
    made.set(node, same ? node : Tensor.node(node.operation, inputs, node.attributes));
  }
  return { outputs: outputs.map((output) => made.get(output) ?? output), kept };
}
