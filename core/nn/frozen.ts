import { isModel } from "./connect.ts";
import type { Layer } from "./layer.ts";
import { withFields } from "./layer_names.ts";
import type { MergeLayer } from "./merge_layer.ts";
import { Model } from "./model.ts";
import type { Tensors } from "./named.ts";

/**
 * A layer or model whose weights training does not change.
 *
 * A frozen model shares the weights of the original, which may go on learning in a pipe of its own:
 * only what is frozen here stays still.
 *
 * @param layer The layer or model.
 * @returns The same with `trainable: false`.
 *
 * @example
 * ```ts
 * import { dense, frozen, input, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const encoder = sequential([input([4]), dense(3)], { name: "encoder" });
 * const model = sequential([frozen(encoder), dense(1)]);
 * assert.deepEqual([...model.weights.keys()].slice(0, 2), [
 *   "encoder/dense_1/kernel",
 *   "encoder/dense_1/bias",
 * ]);
 * assert.deepEqual(model.trainableParameters.map(({ name }) => name), [
 *   "dense_1/kernel",
 *   "dense_1/bias",
 * ]);
 * ```
 *
 * Keras: `layer.trainable = False`. PyTorch: `requires_grad_(False)`.
 */
export function frozen<Frozen extends Layer | MergeLayer<Tensors>>(layer: Frozen): Frozen;
/** A model whose weights training does not change. */
export function frozen<X extends Tensors, O extends Tensors>(model: Model<X, O>): Model<X, O>;
export function frozen(
  layer: Layer | MergeLayer<Tensors> | Model<Tensors, Tensors>,
): Layer | MergeLayer<Tensors> | Model<Tensors, Tensors> {
  return isModel(layer)
    ? new Model({ ...layer.definition, trainable: false })
    : withFields(layer, { trainable: false });
}
