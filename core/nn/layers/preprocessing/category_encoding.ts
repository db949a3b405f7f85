import type { Shape } from "../../../graph/shape.ts";
import { checkCount } from "../../check_count.ts";
import type { Layer } from "../../layer.ts";
import { checkMode, encodedShape, encodeIds, encodings, type IdEncoding } from "./encode_ids.ts";

/** Options of {@link categoryEncoding}. */
export interface CategoryEncodingOptions {
  /** `oneHot`, `multiHot` or `count`; default `multiHot`. */
  readonly outputMode?: IdEncoding;
  /** Name; default `category_encoding_1` and so on in the model. */
  readonly name?: string;
  /** Shape of the inputs without the batch, for a first layer. */
  readonly inputShape?: Shape;
}

/**
 * Turns category ids into rows of `numTokens` numbers.
 *
 * `oneHot`: every id is a row with a single 1, `[batch, n]` → `[batch, n, numTokens]`, and `[batch,
 * 1]` → `[batch, numTokens]`. `multiHot`: the ids of a sample are one row with a 1 for each that
 * occurs, `[batch, n]` → `[batch, numTokens]`. `count`: as that, with how often each occurs.
 *
 * @param numTokens Number of categories, from 1.
 * @param options Output mode, name, input shape.
 * @returns A layer without weights, from ids `[batch, ..., n]`, whole numbers from 0 to `numTokens −
 * 1`, to float32; an id out of that range counts nowhere, as a device cannot refuse it.
 * @throws {RangeError} when `numTokens` or the mode is not as above.
 *
 * @example
 * ```ts
 * import { categoryEncoding, input, predict, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([2]), categoryEncoding(4, { outputMode: "count" })]);
 * const ids = { data: Float32Array.of(0, 1, 3, 3), shape: [2, 2] };
 * const { data } = await predict(model, ids, { device: "cpu", threads: 1 });
 * assert.deepEqual([...data], [1, 1, 0, 0, 0, 0, 0, 2]);
 * ```
 *
 * Keras: `CategoryEncoding`, which refuses ids out of range, and takes weights beside the ids.
 */
export function categoryEncoding(
  numTokens: number,
  options: CategoryEncodingOptions = {},
): Layer {
  const { outputMode = "multiHot" } = options;
  checkCount("the numTokens of categoryEncoding", numTokens, 1);
  checkMode("categoryEncoding", outputMode, encodings);
  return {
    type: "CategoryEncoding",
    name: options.name ?? "",
    inputShape: options.inputShape,
    config: { ...options, numTokens },
    init: (given) => ({ outputShape: encodedShape(given, numTokens, outputMode), parameters: [] }),
    apply: (_parameters, x) => encodeIds(x, numTokens, outputMode),
  };
}
