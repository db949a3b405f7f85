import { ShapeError } from "../../graph/errors.ts";
import { formatShape, type Shape } from "../../graph/shape.ts";
import { matmul } from "../../ops/matmul.ts";
import { div } from "../../ops/div.ts";
import { mul } from "../../ops/mul.ts";
import { tanh } from "../../ops/tanh.ts";
import { transpose } from "../../ops/transpose.ts";
import { checkScalar } from "../check_scalar.ts";
import type { Layer, LayerParameter } from "../layer.ts";
import type { NamedKey } from "../named_key.ts";
import { embedding, type EmbeddingOptions } from "./embedding.ts";
import { penalizeOutputs, weight } from "./weighted.ts";

/** Options of {@link reversibleEmbedding}. */
export interface ReversibleEmbeddingOptions extends EmbeddingOptions {
  /** Whether the way back has the same vectors; else it has weights of its own. Default true. */
  readonly tieWeights?: boolean;
  /** What logits s are kept below, softly: cap · tanh(s / cap), above 0; default they are not. */
  readonly logitSoftCap?: number;
}

/**
 * An {@link embedding} that can be gone back: called by {@link reversed}, it gives for each vector how
 * well every number fits, x · embeddingsᵀ.
 *
 * The weight is `embeddings` `[inputDim, outputDim]`, once, though it is used at both ends; with
 * `tieWeights: false` also `reverse_embeddings` `[outputDim, inputDim]`. An `activityRegularizer` is
 * for the outputs of both ways.
 *
 * @param inputDim How many numbers there are, from 1 to 2²⁴.
 * @param outputDim Length of a vector, from 1.
 * @param options Those of {@link embedding}, whether weights are tied, and a soft cap.
 * @returns A layer from `[...]` to `[..., outputDim]`; `reversed` from `[..., outputDim]` to logits
 * `[..., inputDim]`.
 * @throws {RangeError} when a size or the cap is out of range.
 *
 * @example
 * ```ts
 * import {
 *   connect,
 *   functional,
 *   input,
 *   reversed,
 *   reversibleEmbedding,
 *   transformerDecoder,
 * } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const text = input([12]);
 * const tokens = reversibleEmbedding(100, 16);
 * const told = connect(text, tokens, transformerDecoder(32, 2, { ropeMaxWavelength: 10_000 }));
 * const model = functional({ inputs: text, outputs: connect(told, reversed(tokens)) });
 * assert.deepEqual(model.outputShape, [12, 100]);
 * assert.equal(model.parameters.filter(({ size }) => size === 1600).length, 1);
 * ```
 *
 * Source: O. Press, L. Wolf, "Using the output embedding to improve language models", 2016. Keras:
 * `ReversibleEmbedding`, without `reverse_dtype`.
 */
export function reversibleEmbedding(
  inputDim: number,
  outputDim: number,
  options: ReversibleEmbeddingOptions = {},
): Layer {
  const { tieWeights = true, logitSoftCap: cap } = options;
  if (cap !== undefined) {
    checkScalar("the logitSoftCap of reversibleEmbedding", cap, { minimum: Number.MIN_VALUE });
  }
  const forwards = embedding(inputDim, outputDim, options);
  const makeReverse = weight("reverse_embeddings", {
    initializer: options.embeddingsInitializer ?? "randomUniform",
    regularizer: options.embeddingsRegularizer,
    constraint: options.embeddingsConstraint,
  });
  const parameters = (key: NamedKey): LayerParameter[] => [
    ...forwards.init([], key).parameters,
    ...(tieWeights ? [] : [makeReverse([outputDim, inputDim], key)]),
  ];
  return {
    ...forwards,
    type: "ReversibleEmbedding",
    config: { inputDim, outputDim, ...options },
    init: (given, key) => ({ outputShape: [...given, outputDim], parameters: parameters(key) }),
    reverse: {
      supportsMasking: true,
      init(given: Shape, key) {
        if (given[given.length - 1] !== outputDim) {
          throw new ShapeError(
            `expected vectors of ${outputDim} numbers to go back from, got ${formatShape(given)}`,
          );
        }
        return { outputShape: given.with(-1, inputDim), parameters: parameters(key) };
      },
      apply({ embeddings, reverse_embeddings }, x, context) {
        const logits = matmul(x, reverse_embeddings ?? transpose(embeddings));
        const capped = cap === undefined ? logits : mul(tanh(div(logits, cap)), cap);
        return penalizeOutputs(capped, options.activityRegularizer, context);
      },
    },
  };
}
