import type { CompositeOperation } from "../graph/operation.ts";
import { Tensor } from "../graph/tensor.ts";
import { register } from "./registry.ts";

/** It stands in the graph until gradients are known: devices compute nothing for it. */
const stopGradientOperation: CompositeOperation = register({
  kind: "composite",
  name: "stopGradient",
  infer: ([x]) => ({ shape: x.shape, dtype: x.dtype }),
  reference: ([x], _attributes, output) => output.data.set(x.data),
  expand: ([x]) => x,
  vjp: () => [null],
});

/**
 * `x` as it is, through which no gradient flows (PyTorch: `detach`).
 *
 * @param x Any shape and type.
 * @returns The same values; they cost neither time nor memory.
 *
 * @example
 * ```ts
 * import { grad, stopGradient, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const slope = grad((x) => x.mul(stopGradient(x)));
 * assert.deepEqual([...await slope(tensor(3)).data()], [3]);
 * ```
 */
export function stopGradient(x: Tensor): Tensor {
  return Tensor.node(stopGradientOperation, [x]);
}
