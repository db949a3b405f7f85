import type { Shape } from "../../../graph/shape.ts";
import type { Layer } from "../../layer.ts";
import { TransformerBlock, type TransformerOptions } from "./transformer_block.ts";

/** Options of {@link transformerEncoder}. */
export interface TransformerEncoderOptions extends TransformerOptions {
  /** Shape of the inputs without the batch, for a first layer without {@link input} before it. */
  readonly inputShape?: Shape;
}

/**
 * A transformer's encoder: every step attends to all steps, then goes through two dense layers.
 *
 * y = norm(x + attention(x)), z = norm(y + W₂ activation(W₁ y)); with `normalizeFirst`
 * y = x + attention(norm(x)), z = y + W₂ activation(W₁ norm(y)). A mask that goes with the inputs
 * hides padding.
 *
 * The weights are those of its parts, as `self_attention_query_kernel`,
 * `self_attention_layer_norm_gamma`, `feedforward_intermediate_dense_kernel`,
 * `feedforward_output_dense_kernel`, `feedforward_layer_norm_gamma`.
 *
 * @param intermediateDim Units of the first dense layer, from 1.
 * @param numHeads Heads of attention, from 1; each has ⌊features / numHeads⌋ numbers.
 * @param options Dropout, activation, epsilon, initializers, where to normalise, name.
 * @returns A layer from `[steps, features]` to the same shape.
 * @throws {RangeError} when a size is not a whole number from 1, or a name is not known.
 *
 * @example
 * ```ts
 * import {
 *   dense,
 *   globalAveragePooling1d,
 *   input,
 *   sequential,
 *   tokenAndPositionEmbedding,
 *   transformerEncoder,
 * } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([
 *   input([20]),
 *   tokenAndPositionEmbedding(1000, 20, 32),
 *   transformerEncoder(64, 4, { dropout: 0.1 }),
 *   globalAveragePooling1d(),
 *   dense(2),
 * ]);
 * assert.deepEqual(model.outputShape, [2]);
 * ```
 *
 * Source: A. Vaswani and others, "Attention is all you need", 2017. KerasHub: `TransformerEncoder`.
 * PyTorch: `nn.TransformerEncoderLayer`, which drops between the dense layers too.
 */
export function transformerEncoder(
  intermediateDim: number,
  numHeads: number,
  options: TransformerEncoderOptions = {},
): Layer {
  const { name = "", inputShape, trainable } = options;
  const block = new TransformerBlock(
    "transformerEncoder",
    intermediateDim,
    numHeads,
    options,
    false,
  );
  return {
    type: "TransformerEncoder",
    config: { intermediateDim, numHeads, ...options },
    name,
    inputShape,
    trainable,
    supportsMasking: true,
    init: (given, key) => ({
      outputShape: given,
      parameters: block.init([given], ["self_attention"], key),
    }),
    apply: (parameters, x, context) =>
      block.apply(parameters, { x, mask: context.masks[0] }, undefined, context),
  };
}
