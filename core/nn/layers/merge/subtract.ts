import { sub } from "../../../ops/sub.ts";
import type { MergeLayer } from "../../merge_layer.ts";
import { elementwiseMerge, type MergeOptions } from "./elementwise.ts";

/**
 * Gives the first of two inputs minus the second: x − y
 *
 * Two inputs, whose shapes after the batch broadcast to one.
 *
 * @param options Name.
 * @returns A layer of several inputs, without weights.
 *
 * @example
 * ```ts
 * import { connect, functional, input, predict, subtract } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const a = input([2]);
 * const b = input([2]);
 * const model = functional({ inputs: { a, b }, outputs: connect([a, b], subtract()) });
 * const inputs = {
 *   a: { data: Float32Array.of(1, 2), shape: [1, 2] },
 *   b: { data: Float32Array.of(3, 4), shape: [1, 2] },
 * };
 * const { data } = await predict(model, inputs, { device: "cpu", threads: 1 });
 * assert.deepEqual([...data], [-2, -2]);
 * ```
 *
 * Keras: `Subtract`.
 */
export function subtract(options: MergeOptions = {}): MergeLayer {
  return elementwiseMerge(
    "Subtract",
    options,
    (inputs) => sub(inputs[0], inputs[1]),
    { minimum: 2, maximum: 2 },
  );
}
