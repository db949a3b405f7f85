import { ShapeError } from "../../../graph/errors.ts";
import { formatShape } from "../../../graph/shape.ts";
import type { LoneMergeLayer } from "../../merge_layer.ts";
import { TransformerBlock, type TransformerOptions } from "./transformer_block.ts";

/** Options of {@link transformerDecoder}. */
export type TransformerDecoderOptions = TransformerOptions;

/**
 * A transformer's decoder: every step attends to itself and the steps before it, then, if there is a
 * second input, to all steps of that, then goes through two dense layers.
 *
 * With one input it is the block of a language model, in {@link sequential} too; with
 * `connect([x, encoded], transformerDecoder(…))` it is that of a translator. Masks that go with either
 * hide padding. Each part is added to what it is given, and normalised, as in
 * {@link transformerEncoder}; the second attention's weights begin with `cross_attention`.
 *
 * @param intermediateDim Units of the first dense layer, from 1.
 * @param numHeads Heads of attention, from 1; each has ⌊features / numHeads⌋ numbers.
 * @param options Dropout, activation, epsilon, initializers, where to normalise, name.
 * @returns A layer from `[steps, features]`, alone or with `[encoded steps, features]`, to the first.
 * @throws {RangeError} when a size is not a whole number from 1, or a name is not known.
 *
 * @example
 * ```ts
 * import {
 *   dense,
 *   input,
 *   sequential,
 *   tokenAndPositionEmbedding,
 *   transformerDecoder,
 * } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([
 *   input([20]),
 *   tokenAndPositionEmbedding(1000, 20, 32),
 *   transformerDecoder(64, 4),
 *   dense(1000),
 * ]);
 * assert.deepEqual(model.outputShape, [20, 1000]);
 * ```
 *
 * Source: A. Vaswani and others, "Attention is all you need", 2017. KerasHub: `TransformerDecoder`.
 * PyTorch: `nn.TransformerDecoderLayer`, which drops between the dense layers too.
 */
export function transformerDecoder(
  intermediateDim: number,
  numHeads: number,
  options: TransformerDecoderOptions = {},
): LoneMergeLayer {
  const { name = "", trainable } = options;
  const block = new TransformerBlock(
    "transformerDecoder",
    intermediateDim,
    numHeads,
    options,
    true,
  );
  return {
    merges: true,
    alone: true,
    decodes: true,
    type: "TransformerDecoder",
    config: { intermediateDim, numHeads, ...options },
    name,
    trainable,
    init(shapes, key) {
      if (shapes.length > 2 || shapes.some(({ length }) => length !== 2)) {
        throw new ShapeError(
          `expected steps and features, and those of an encoder or none, got ${
            shapes.map(formatShape).join(", ")
          }`,
        );
      }
      const attentions = ["self_attention", "cross_attention"] as const;
      const parameters = block.init(shapes, attentions.slice(0, shapes.length), key);
      return { outputShape: shapes[0], parameters };
    },
    apply(parameters, [x, encoded], context) {
      const [mask, encodedMask] = context.masks;
      const memory = encoded && { x: encoded, mask: encodedMask };
      return block.apply(parameters, { x, mask }, memory, context);
    },
    computeMask: (_inputs, [mask]) => mask,
  };
}
