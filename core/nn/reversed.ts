import type { Layer } from "./layer.ts";

/**
 * The way back through a layer, with the same weights: what {@link reversibleEmbedding} makes logits by.
 *
 * It stands in {@link connect} and {@link sequential}, in the same model as the layer itself. The weights
 * are the layer's: there is one of each in counts, files, gradients and optimizers.
 *
 * @param layer A layer that has a way back.
 * @returns What to call for it.
 * @throws {TypeError} when the layer has none.
 *
 * @example
 * ```ts
 * import { input, reversed, reversibleEmbedding, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const tokens = reversibleEmbedding(100, 16);
 * const model = sequential([input([12]), tokens, reversed(tokens)]);
 * assert.deepEqual(model.outputShape, [12, 100]);
 * assert.deepEqual([...model.weights.keys()], ["reversible_embedding_1/embeddings"]);
 * ```
 *
 * Keras: `layer(x, reverse=True)`. PyTorch: `head.weight = embedding.weight`.
 */
export function reversed(layer: Layer): Layer {
  const { reverse, type, name } = layer;
  if (!reverse) {
    throw new TypeError(
      `Cannot reverse a ${type} layer as it has no way back: reversibleEmbedding has one`,
    );
  }
  const alone = (): never => {
    throw new Error(
      "expected the layer itself in the same model, as what is reversed has no weights of its own " +
        "(call it by connect, or put it into sequential, not into another layer)",
    );
  };
  return { ...reverse, type, name, reverseOf: layer, init: alone, apply: alone };
}
