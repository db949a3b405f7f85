import { add } from "../../../ops/add.ts";
import type { Initializer } from "../../initializer.ts";
import type { InitializerName } from "../../initializers/by_name.ts";
import type { Layer } from "../../layer.ts";
import { withParameterFields } from "../../parameter_fields.ts";
import { embedding } from "../embedding.ts";
import { innerContext } from "../recurrent/inner_context.ts";
import type { WeightedLayerOptions } from "../weighted.ts";
import { penalizeOutputs } from "../weighted.ts";
import { positionEmbedding } from "./position_embedding.ts";

/** Options of {@link tokenAndPositionEmbedding}. */
export interface TokenAndPositionEmbeddingOptions extends WeightedLayerOptions {
  /** How the vectors start; default `randomUniform`, from −0.05 to 0.05. */
  readonly embeddingsInitializer?: InitializerName | Initializer;
  /** Whether number 0 is padding, which later layers then leave out; default false. */
  readonly maskZero?: boolean;
}

/**
 * The sum of a vector for each token and one for its place: y[i] = embeddings[x[i]] + positions[i].
 *
 * The weights are `token_embeddings` `[vocabularySize, embeddingDim]` and `position_embeddings`
 * `[sequenceLength, embeddingDim]`.
 *
 * @param vocabularySize How many tokens there are, from 1.
 * @param sequenceLength The longest sequence, from 1.
 * @param embeddingDim Length of a vector, from 1.
 * @param options Initializer, padding, name.
 * @returns A layer from `[steps]` to `[steps, embeddingDim]`, of at most `sequenceLength` steps.
 * @throws {RangeError} when a size is out of range.
 *
 * @example
 * ```ts
 * import { input, sequential, tokenAndPositionEmbedding } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([12]), tokenAndPositionEmbedding(100, 32, 16)]);
 * assert.deepEqual(model.outputShape, [12, 16]);
 * ```
 *
 * Source: A. Radford and others, "Improving language understanding by generative pre-training", 2018.
 * KerasHub: `TokenAndPositionEmbedding`.
 */
export function tokenAndPositionEmbedding(
  vocabularySize: number,
  sequenceLength: number,
  embeddingDim: number,
  options: TokenAndPositionEmbeddingOptions = {},
): Layer {
  const { name = "", inputShape, trainable, activityRegularizer, maskZero } = options;
  const { embeddingsInitializer = "randomUniform" } = options;
  const tokens = embedding(vocabularySize, embeddingDim, { embeddingsInitializer, maskZero });
  const places = positionEmbedding(sequenceLength, { initializer: embeddingsInitializer });
  return {
    type: "TokenAndPositionEmbedding",
    config: { vocabularySize, sequenceLength, embeddingDim, ...options },
    name,
    inputShape,
    trainable,
    decodes: true,
    init(given, key) {
      const { outputShape, parameters } = tokens.init(given, key.fold("token"));
      return {
        outputShape,
        parameters: [
          ...parameters.map((made) => withParameterFields(made, { name: "token_embeddings" })),
          ...places.init(outputShape, key.fold("position")).parameters,
        ],
      };
    },
    apply({ token_embeddings: embeddings, ...rest }, x, context) {
      const vectors = tokens.apply({ embeddings }, x, innerContext(context, "token_"));
      const placed = places.apply(rest, vectors, innerContext(context, "position_"));
      return penalizeOutputs(add(vectors, placed), activityRegularizer, context);
    },
    computeMask: (x, mask) => tokens.computeMask!(x, mask),
  };
}
