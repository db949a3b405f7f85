import { DTypeError, ShapeError } from "../../graph/errors.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { cast } from "../../ops/cast.ts";
import { gather } from "../../ops/gather.ts";
import { notEqual } from "../../ops/not_equal.ts";
import { checkCount } from "../check_count.ts";
import type { Constraint } from "../constraint.ts";
import type { Initializer } from "../initializer.ts";
import type { InitializerName } from "../initializers/by_name.ts";
import type { Layer } from "../layer.ts";
import type { Regularizer } from "../regularizer.ts";
import { penalizeOutputs, weight, type WeightedLayerOptions } from "./weighted.ts";

/** Options of {@link embedding}. */
export interface EmbeddingOptions extends WeightedLayerOptions {
  /** How the vectors start; default `randomUniform`, from −0.05 to 0.05. */
  readonly embeddingsInitializer?: InitializerName | Initializer;
  /** Penalty on the vectors; default none. */
  readonly embeddingsRegularizer?: Regularizer;
  /** What the vectors must keep after every update; default nothing. */
  readonly embeddingsConstraint?: Constraint;
  /** Whether number 0 is padding, that later layers, the loss and the metrics leave out; default false. */
  readonly maskZero?: boolean;
}

/** Whole numbers that float32 tells apart. */
const mostTokens = 2 ** 24;

/**
 * A vector for each of so many whole numbers, that learns: y[…, :] = embeddings[x[…], :].
 *
 * The weight is `embeddings` `[inputDim, outputDim]`. Numbers come as they are in data sets, as f32,
 * or as i32 or u32; a number that is not in [0, inputDim) gives NaN, so that the run stops and says
 * so. The gradient adds up the rows of equal numbers, in order: the same bits at every run.
 *
 * @param inputDim How many numbers there are, from 1 to 2²⁴.
 * @param outputDim Length of a vector, from 1.
 * @param options Initializer, regularizer, constraint, padding, name.
 * @returns A layer from `[...]` to `[..., outputDim]`.
 * @throws {RangeError} when a size is out of range, or a name is not known.
 *
 * @example
 * ```ts
 * import { embedding, input, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([12]), embedding(1000, 16)]);
 * assert.deepEqual(model.outputShape, [12, 16]);
 * assert.equal(model.parameters[0].name, "embedding_1/embeddings");
 * ```
 *
 * Keras: `Embedding`, with `mask_zero`. PyTorch: `nn.Embedding`; its `padding_idx` is a vector of zeros
 * that does not learn, where a mask leaves out whatever vector there is.
 */
export function embedding(
  inputDim: number,
  outputDim: number,
  options: EmbeddingOptions = {},
): Layer {
  const { name = "", inputShape, trainable, activityRegularizer, maskZero = false } = options;
  checkCount("the inputDim of embedding", inputDim, 1);
  checkCount("the outputDim of embedding", outputDim, 1);
  if (inputDim > mostTokens) {
    throw new RangeError(
      `Cannot make embedding as inputDim must be at most ${mostTokens}: received ${inputDim}`,
    );
  }
  const make = weight("embeddings", {
    initializer: options.embeddingsInitializer ?? "randomUniform",
    regularizer: options.embeddingsRegularizer,
    constraint: options.embeddingsConstraint,
  });
  return {
    type: "Embedding",
    config: { inputDim, outputDim, ...options },
    name,
    inputShape,
    trainable,
    decodes: true,
    init: (given, key) => ({
      outputShape: [...given, outputDim],
      parameters: [make([inputDim, outputDim], key)],
    }),
    apply({ embeddings }, x, context) {
      return penalizeOutputs(gather(embeddings, wholeNumbers(x)), activityRegularizer, context);
    },
    computeMask: (x) => maskZero ? notEqual(wholeNumbers(x), 0) : undefined,
  };
}

function wholeNumbers(x: Tensor): Tensor {
  if (x.rank < 1) throw new ShapeError("expected input with an axis for the batch, got a scalar");
  if (x.dtype === "i32" || x.dtype === "u32") return x;
  if (x.dtype === "f32" || x.dtype === "u8") return cast(x, "i32");
  throw new DTypeError(`expected input of whole numbers, got ${x.dtype}`);
}
