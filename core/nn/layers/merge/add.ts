import { add } from "../../../ops/add.ts";
import type { MergeLayer } from "../../merge_layer.ts";
import { elementwiseMerge, type MergeOptions } from "./elementwise.ts";

/**
 * Gives the sum of its inputs: x + y + …
 *
 * One input or more, whose shapes after the batch broadcast to one. The op `add` has the short name.
 *
 * @param options Name.
 * @returns A layer of several inputs, without weights.
 *
 * @example
 * ```ts
 * import { connect, functional, input, predict, addLayer } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const a = input([2]);
 * const b = input([2]);
 * const model = functional({ inputs: { a, b }, outputs: connect([a, b], addLayer()) });
 * const inputs = {
 *   a: { data: Float32Array.of(1, 2), shape: [1, 2] },
 *   b: { data: Float32Array.of(3, 4), shape: [1, 2] },
 * };
 * const { data } = await predict(model, inputs, { device: "cpu", threads: 1 });
 * assert.deepEqual([...data], [4, 6]);
 * ```
 *
 * Keras: `Add`.
 */
export function addLayer(options: MergeOptions = {}): MergeLayer {
  return elementwiseMerge(
    "Add",
    options,
    (inputs) => inputs.reduce((sum, input) => add(sum, input)),
  );
}
