import { literal } from "../graph/leaf.ts";
import { elementwise, type Unary } from "./elementwise.ts";
import { greater } from "./greater.ts";
import { select } from "./select.ts";

/**
 * Rectified linear unit: max(x, 0). Its derivative at 0 is 0, as in PyTorch and TensorFlow.
 *
 * @example
 * ```ts
 * import { relu, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await relu(tensor([-1, 2])).data()], [0, 2]);
 * ```
 */
export const relu: Unary = elementwise({
  name: "relu",
  wgsl: "max(x, 0.0)",
  reference: (x) => Math.max(x, 0),
  // From the output, so that the value before the activation need not be kept.
  vjp: (grad, _x, output) => [select(greater(output, 0), grad, literal(0))],
  samples: [{ inputs: [[-2, 0, 3]], expected: [0, 0, 3] }],
});
