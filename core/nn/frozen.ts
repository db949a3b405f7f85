import { isModel } from "./connect.ts";
import type { Layer } from "./layer.ts";
import { withFields } from "./layer_names.ts";
import type { MergeLayer } from "./merge_layer.ts";
import { Model } from "./model.ts";
import type { Tensors } from "./named.ts";

/** Options of {@link frozen}. */
export interface FrozenOptions {
  /**
   * False for what acts as in inference while the rest is trained, as a teacher or a body that stays as
   * it is: no dropout, no noise, and normalisation by the averages of its own training. Default true.
   */
  readonly training?: boolean;
}

/**
 * A layer or model whose weights training does not change.
 *
 * A frozen model shares the weights of the original, which may go on learning in a pipe of its own, or
 * beside it in one model: only what is frozen here stays still, and they learn nothing from what it gives.
 * There the later of the two has a number behind its name, as `encoder_1`.
 * A frozen layer is another layer than the original, and beside it has weights of its own: to share them,
 * put the layer into a model.
 *
 * @param layer The layer or model.
 * @param options Whether it acts as in training.
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
 * @example A teacher that does not doubt
 * ```ts
 * import { connect, dense, dropout, frozen, functional, input, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const teacher = sequential([input([4]), dense(9), dropout(0.5), dense(3)], { name: "teacher" });
 * const [x, student] = [input([4]), dense(3)];
 * const model = functional({
 *   inputs: x,
 *   outputs: { student: connect(x, student), teacher: connect(x, frozen(teacher, { training: false })) },
 * });
 * assert.deepEqual(model.trainableParameters.length, 2);
 * ```
 *
 * Keras: `layer.trainable = False`, and `layer(x, training=False)`. PyTorch: `requires_grad_(False)`,
 * and `eval()`.
 */
export function frozen<Frozen extends Layer | MergeLayer<Tensors>>(
  layer: Frozen,
  options?: FrozenOptions,
): Frozen;
/** A model whose weights training does not change. */
export function frozen<X extends Tensors, O extends Tensors>(
  model: Model<X, O>,
  options?: FrozenOptions,
): Model<X, O>;
export function frozen(
  layer: Layer | MergeLayer<Tensors> | Model<Tensors, Tensors>,
  options: FrozenOptions = {},
): Layer | MergeLayer<Tensors> | Model<Tensors, Tensors> {
  const training = options.training === false ? { training: false } : {};
  return isModel(layer)
    ? new Model({ ...layer.definition, trainable: false, ...training })
    : withFields(layer, { trainable: false, ...training });
}
