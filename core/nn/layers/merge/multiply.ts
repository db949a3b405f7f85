import { mul } from "../../../ops/mul.ts";
import type { MergeLayer } from "../../merge_layer.ts";
import { elementwiseMerge, type MergeOptions } from "./elementwise.ts";

/**
 * Gives the product of its inputs: x · y · …
 *
 * One input or more, whose shapes after the batch broadcast to one.
 *
 * @param options Name.
 * @returns A layer of several inputs, without weights.
 *
 * @example
 * ```ts
 * import { connect, functional, input, predict, multiply } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const a = input([2]);
 * const b = input([2]);
 * const model = functional({ inputs: { a, b }, outputs: connect([a, b], multiply()) });
 * const inputs = {
 *   a: { data: Float32Array.of(1, 2), shape: [1, 2] },
 *   b: { data: Float32Array.of(3, 4), shape: [1, 2] },
 * };
 * const { data } = await predict(model, inputs, { device: "cpu", threads: 1 });
 * assert.deepEqual([...data], [3, 8]);
 * ```
 *
 * Keras: `Multiply`.
 */
export function multiply(options: MergeOptions = {}): MergeLayer {
  return elementwiseMerge(
    "Multiply",
    options,
    (inputs) => inputs.reduce((product, input) => mul(product, input)),
  );
}
