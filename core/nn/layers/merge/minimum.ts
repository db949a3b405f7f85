import { minimum } from "../../../ops/minimum.ts";
import type { MergeLayer } from "../../merge_layer.ts";
import { elementwiseMerge, type MergeOptions } from "./elementwise.ts";

/**
 * Gives the smallest of its inputs at each place: min(x, y, …)
 *
 * One input or more, whose shapes after the batch broadcast to one. The op `minimum` has the short name.
 *
 * @param options Name.
 * @returns A layer of several inputs, without weights.
 *
 * @example
 * ```ts
 * import { connect, functional, input, predict, minimumLayer } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const a = input([2]);
 * const b = input([2]);
 * const model = functional({ inputs: { a, b }, outputs: connect([a, b], minimumLayer()) });
 * const inputs = {
 *   a: { data: Float32Array.of(1, 2), shape: [1, 2] },
 *   b: { data: Float32Array.of(3, 4), shape: [1, 2] },
 * };
 * const { data } = await predict(model, inputs, { device: "cpu", threads: 1 });
 * assert.deepEqual([...data], [1, 2]);
 * ```
 *
 * Keras: `Minimum`.
 */
export function minimumLayer(options: MergeOptions = {}): MergeLayer {
  return elementwiseMerge(
    "Minimum",
    options,
    (inputs) => inputs.reduce((least, input) => minimum(least, input)),
  );
}
