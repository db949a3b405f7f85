import { add } from "../../../ops/add.ts";
import { div } from "../../../ops/div.ts";
import type { MergeLayer } from "../../merge_layer.ts";
import { elementwiseMerge, type MergeOptions } from "./elementwise.ts";

/**
 * Gives the mean of its inputs: (x + y + …) / n
 *
 * One input or more, whose shapes after the batch broadcast to one.
 *
 * @param options Name.
 * @returns A layer of several inputs, without weights.
 *
 * @example
 * ```ts
 * import { connect, functional, input, predict, average } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const a = input([2]);
 * const b = input([2]);
 * const model = functional({ inputs: { a, b }, outputs: connect([a, b], average()) });
 * const inputs = {
 *   a: { data: Float32Array.of(1, 2), shape: [1, 2] },
 *   b: { data: Float32Array.of(3, 4), shape: [1, 2] },
 * };
 * const { data } = await predict(model, inputs, { device: "cpu", threads: 1 });
 * assert.deepEqual([...data], [2, 3]);
 * ```
 *
 * Keras: `Average`.
 */
export function average(options: MergeOptions = {}): MergeLayer {
  return elementwiseMerge(
    "Average",
    options,
    (inputs) => div(inputs.reduce((sum, input) => add(sum, input)), inputs.length),
  );
}
