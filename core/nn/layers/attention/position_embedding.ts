import { ShapeError } from "../../../graph/errors.ts";
import { formatShape } from "../../../graph/shape.ts";
import { broadcastTo } from "../../../ops/sum.ts";
import { gather } from "../../../ops/gather.ts";
import { slice } from "../../../ops/concat.ts";
import { checkCount } from "../../check_count.ts";
import type { Initializer } from "../../initializer.ts";
import type { InitializerName } from "../../initializers/by_name.ts";
import type { Layer } from "../../layer.ts";
import { penalizeOutputs, weight, type WeightedLayerOptions } from "../weighted.ts";
import { positionsOf } from "./positions.ts";

/** Options of {@link positionEmbedding}. */
export interface PositionEmbeddingOptions extends WeightedLayerOptions {
  /** How the vectors start; default `glorotUniform`. */
  readonly initializer?: InitializerName | Initializer;
}

/**
 * A vector for each place of a sequence, that learns: y[…, i, :] = position_embeddings[i], for any x.
 *
 * The weight is `position_embeddings` `[sequenceLength, features]`. What it gives is added to the
 * inputs by {@link addLayer}; {@link tokenAndPositionEmbedding} does both at once.
 *
 * @param sequenceLength The longest sequence, from 1.
 * @param options Initializer, name.
 * @returns A layer from `[steps, features]` to `[steps, features]`, of at most `sequenceLength` steps.
 * @throws {RangeError} when the length is not a whole number from 1.
 *
 * @example
 * ```ts
 * import {
 *   addLayer,
 *   connect,
 *   embedding,
 *   functional,
 *   input,
 *   positionEmbedding,
 * } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const tokens = input([12]);
 * const vectors = connect(tokens, embedding(100, 16));
 * const placed = connect([vectors, connect(vectors, positionEmbedding(32))], addLayer());
 * assert.deepEqual(functional({ inputs: tokens, outputs: placed }).outputShape, [12, 16]);
 * ```
 *
 * Source: J. Gehring and others, "Convolutional sequence to sequence learning", 2017. KerasHub:
 * `PositionEmbedding`.
 */
export function positionEmbedding(
  sequenceLength: number,
  options: PositionEmbeddingOptions = {},
): Layer {
  const { name = "", inputShape, trainable, activityRegularizer } = options;
  checkCount("the sequenceLength of positionEmbedding", sequenceLength, 1);
  const make = weight("position_embeddings", {
    initializer: options.initializer ?? "glorotUniform",
  });
  return {
    type: "PositionEmbedding",
    config: { sequenceLength, ...options },
    name,
    inputShape,
    trainable,
    supportsMasking: true,
    init(given, key) {
      if (given.length !== 2 || given[0] > sequenceLength) {
        throw new ShapeError(
          `expected input of at most ${sequenceLength} steps and features, got ${
            formatShape(given)
          }`,
        );
      }
      return { outputShape: given, parameters: [make([sequenceLength, given[1]], key)] };
    },
    apply({ position_embeddings: vectors }, x, context) {
      const [, steps, features] = x.shape;
      const rows = context.decoding
        ? gather(vectors, positionsOf(steps, context))
        : slice(vectors, [0, 0], [steps, features]);
      return penalizeOutputs(broadcastTo(rows, x.shape), activityRegularizer, context);
    },
  };
}
