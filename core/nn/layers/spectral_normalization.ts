import type { Shape } from "../../graph/shape.ts";
import { literal } from "../../graph/leaf.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { div } from "../../ops/div.ts";
import { equal } from "../../ops/equal.ts";
import { matmul } from "../../ops/matmul.ts";
import { mul } from "../../ops/mul.ts";
import { reshape } from "../../ops/reshape.ts";
import { select } from "../../ops/select.ts";
import { stopGradient } from "../../ops/stop_gradient.ts";
import { sum } from "../../ops/sum.ts";
import { transpose } from "../../ops/transpose.ts";
import { checkCount } from "../check_count.ts";
import { truncatedNormal } from "../initializers/random_normal.ts";
import type { Layer } from "../layer.ts";
import { withParameterFields } from "../parameter_fields.ts";
import { unitLength } from "../unit_length.ts";
import { weight } from "./weighted.ts";

/** Options of {@link spectralNormalization}. */
export interface SpectralNormalizationOptions {
  /** Steps of power iteration at every training step, from 1; default 1. */
  readonly powerIterations?: number;
  /** Name; default `spectral_normalization_1` and so on in the model. */
  readonly name?: string;
  /** Shape of the inputs without the batch, for a first layer. */
  readonly inputShape?: Shape;
  /** Whether optimizers change the layer's weights; default true. */
  readonly trainable?: boolean;
}

/** Weights that are normalised: a layer has one of them. */
const normalized = ["kernel", "embeddings"];

/**
 * A layer whose kernel W is divided by its largest singular value σ, so that it makes no difference
 * of inputs larger: it keeps the critic of a generative network smooth.
 *
 * σ = v W uᵀ, W as rows of its last axis, by power iteration: v = u Wᵀ / |u Wᵀ|, u = v W / |v W|. The
 * vector u is a weight that moves on with every training step, and stands still in inference; the
 * gradient goes through σ, with u and v as constants.
 *
 * @param layer A layer with a `kernel` or `embeddings`, as {@link dense}, a convolution,
 * {@link embedding}; its weights keep their names.
 * @param options Power iterations, name, input shape.
 * @returns The layer, with the weight `vector_u`, `[1, outputs]`, that optimizers leave alone.
 * @throws {RangeError} when `powerIterations` is not a whole number from 1; the model refuses a layer
 * without a kernel.
 *
 * @example
 * ```ts
 * import { dense, input, sequential, spectralNormalization } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([4]), spectralNormalization(dense(3))]);
 * assert.deepEqual([...model.weights.keys()], [
 *   "spectral_normalization_1/kernel",
 *   "spectral_normalization_1/bias",
 *   "spectral_normalization_1/vector_u",
 * ]);
 * ```
 *
 * Source: T. Miyato and others, "Spectral normalization for generative adversarial networks", 2018.
 * PyTorch: `nn.utils.spectral_norm`. Keras: `SpectralNormalization`, which overwrites the kernel
 * itself in every training step and lets no gradient through σ.
 */
export function spectralNormalization(
  layer: Layer,
  options: SpectralNormalizationOptions = {},
): Layer {
  const { powerIterations = 1, name = "", inputShape, trainable } = options;
  checkCount("powerIterations of spectralNormalization", powerIterations, 1);
  const makeVector = weight("vector_u", {
    initializer: truncatedNormal({ standardDeviation: 0.02 }),
    trainable: false,
  });
  return {
    type: "SpectralNormalization",
    config: { layer, ...options },
    name,
    inputShape,
    trainable,
    supportsMasking: layer.supportsMasking,
    ...(layer.computeMask && { computeMask: (x, mask) => layer.computeMask!(x, mask) }),
    init(given, key) {
      const { outputShape, parameters } = layer.init(given, key);
      const { shape } = parameters.find(({ name }) => normalized.includes(name)) ?? {};
      if (!shape) {
        throw new TypeError(
          `expected a layer with a weight ${normalized.join(" or ")}, got ${layer.type} with ` +
            (parameters.map(({ name }) => name).join(", ") || "none"),
        );
      }
      const own = parameters.map((made) =>
        withParameterFields(made, { trainable: made.trainable && layer.trainable !== false })
      );
      return {
        outputShape,
        parameters: [...own, makeVector([1, shape[shape.length - 1]], key)],
      };
    },
    apply({ vector_u: start, ...parameters }, x, context) {
      const role = normalized.find((name) => name in parameters)!;
      const kernel = parameters[role];
      const rows = reshape(kernel, [-1, start.shape[1]]);
      const moves = context.training && context.trainable;
      let [u, v] = [start, unitLength(matmul(start, transpose(rows)), -1)];
      for (let step = 0; moves && step < powerIterations; step++) {
        if (step > 0) v = unitLength(matmul(u, transpose(rows)), -1);
        u = unitLength(matmul(v, rows), -1);
      }
      if (moves) context.assign("vector_u", u);
      const used = { ...parameters, [role]: div(kernel, largest(rows, u, v, moves)) };
      return layer.apply(used, x, context);
    },
  };
}

/** σ of a matrix, and 1 for zeros, which stay what they are. */
function largest(rows: Tensor, u: Tensor, v: Tensor, moves: boolean): Tensor {
  // In inference u is as it was left, of length 1; before any training it may have any.
  const side = moves ? u : unitLength(u, -1);
  const product = matmul(stopGradient(v), rows);
  const sigma = sum(mul(product, stopGradient(side)));
  return select(equal(sigma, 0), literal(1), sigma);
}
