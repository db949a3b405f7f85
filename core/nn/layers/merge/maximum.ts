import { maximum } from "../../../ops/maximum.ts";
import type { MergeLayer } from "../../merge_layer.ts";
import { elementwiseMerge, type MergeOptions } from "./elementwise.ts";

/**
 * Gives the largest of its inputs at each place: max(x, y, …)
 *
 * One input or more, whose shapes after the batch broadcast to one. The op `maximum` has the short name.
 *
 * @param options Name.
 * @returns A layer of several inputs, without weights.
 *
 * @example
 * ```ts
 * import { connect, functional, input, predict, maximumLayer } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const a = input([2]);
 * const b = input([2]);
 * const model = functional({ inputs: { a, b }, outputs: connect([a, b], maximumLayer()) });
 * const inputs = {
 *   a: { data: Float32Array.of(1, 2), shape: [1, 2] },
 *   b: { data: Float32Array.of(3, 4), shape: [1, 2] },
 * };
 * const { data } = await predict(model, inputs, { device: "cpu", threads: 1 });
 * assert.deepEqual([...data], [3, 4]);
 * ```
 *
 * Keras: `Maximum`.
 */
export function maximumLayer(options: MergeOptions = {}): MergeLayer {
  return elementwiseMerge(
    "Maximum",
    options,
    (inputs) => inputs.reduce((most, input) => maximum(most, input)),
  );
}
