import { topologicalOrder } from "../graph/differentiate.ts";
import { ShapeError } from "../graph/errors.ts";
import { constantData } from "../graph/leaf.ts";
import type { ReferenceArray } from "../graph/operation.ts";
import { formatShape, sameShape } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";

/**
 * Computes `outputs` in float64 by the definition of each op: the truth that devices are held to.
 *
 * @param outputs Tensors to compute.
 * @param bindings Values of inputs, weights and scalars; a tensor that is bound is not computed, so
 *   that any part of a graph can be given.
 * @param watch Told of every tensor that is computed, and when, in milliseconds.
 * @returns One array an output, in order.
 * @throws {ShapeError} when a value does not have the shape of the tensor it is bound to.
 *
 * @example
 * ```ts
 * import { evaluateReference } from "./reference.ts";
 * import { add, tensor } from "../ops/mod.ts";
 * import assert from "node:assert/strict";
 *
 * const [sum] = evaluateReference([add(tensor([1, 2]), 0.1)]);
 * assert.deepEqual([...sum.data], [1.1, 2.1]);
 * ```
 */
export function evaluateReference(
  outputs: readonly Tensor[],
  bindings: ReadonlyMap<Tensor, ReferenceArray> = new Map(),
  watch: (node: Tensor, start: number, end: number) => void = () => {},
): ReferenceArray[] {
  const order = topologicalOrder(outputs);
  const values = new Map<Tensor, ReferenceArray>();
  const needed = new Set<Tensor>(outputs);
  // Backwards, so that what only a bound tensor needs is not computed.
  for (let index = order.length - 1; index >= 0; index--) {
    const node = order[index];
    if (!needed.has(node) || bindings.has(node)) continue;
    for (const input of node.inputs) needed.add(input);
  }
  const lastUse = new Map<Tensor, Tensor>();
  for (const node of order) {
    if (needed.has(node)) { for (const input of node.inputs) lastUse.set(input, node); }
  }
  const kept = new Set(outputs);
  for (const node of order) {
    if (!needed.has(node)) continue;
    const start = performance.now();
    const given = bound(node, bindings.get(node));
    values.set(node, given ?? computed(node, values));
    if (!given) watch(node, start, performance.now());
    for (const input of node.inputs) {
      if (lastUse.get(input) === node && !kept.has(input)) values.delete(input);
    }
  }
  return outputs.map((output) => values.get(output)!);
}

function bound(node: Tensor, value: ReferenceArray | undefined): ReferenceArray | undefined {
  if (!value) return undefined;
  if (!sameShape(node.shape, value.shape) || value.data.length !== node.size) {
    throw new ShapeError(
      `Cannot bind ${node.describe()} as its value must have the same shape: received ` +
        `${formatShape(value.shape)} with ${value.data.length} elements`,
    );
  }
  return value;
}

function computed(node: Tensor, values: ReadonlyMap<Tensor, ReferenceArray>): ReferenceArray {
  const { operation, shape, dtype } = node;
  if (operation.name === "constant") {
    return { shape, dtype, data: Float64Array.from(constantData(node)!) };
  }
  if (operation.kind === "leaf" && "name" in node.attributes) {
    throw new Error(
      `Cannot compute ${node.describe()} as it has no value: bind "${node.attributes.name}" first`,
    );
  }
  const output: ReferenceArray = { shape, dtype, data: new Float64Array(node.size) };
  operation.reference(node.inputs.map((input) => values.get(input)!), node.attributes, output);
  return output;
}
