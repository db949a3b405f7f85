import { iota } from "../../../graph/leaf.ts";
import { ShapeError } from "../../../graph/errors.ts";
import { formatShape } from "../../../graph/shape.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { add } from "../../../ops/add.ts";
import { cast } from "../../../ops/cast.ts";
import { concat, slice } from "../../../ops/concat.ts";
import { exp } from "../../../ops/exp.ts";
import { expandDims } from "../../../ops/expand_dims.ts";
import { mul } from "../../../ops/mul.ts";
import { reshape } from "../../../ops/reshape.ts";
import { cos, sin } from "../../../ops/sin.ts";
import { sub } from "../../../ops/sub.ts";
import { checkScalar } from "../../check_scalar.ts";
import type { Decoding } from "../../decoding.ts";
import type { Layer } from "../../layer.ts";
import type { FlattenOptions } from "../flatten.ts";
import { positionsOf } from "./positions.ts";

/** Options of {@link rotaryEmbedding}. */
export interface RotaryEmbeddingOptions extends FlattenOptions {
  /** The longest wave, in 2π steps; default 10,000. */
  readonly maxWavelength?: number;
  /** What places are divided by, for sequences longer than those trained on; default 1. */
  readonly scalingFactor?: number;
}

/**
 * Turns pairs of features by angles that grow with the place in the sequence, so that dot products of
 * queries and keys depend on how far they are apart.
 *
 * Feature k of the first half and feature k of the second are turned by i / (s · w^(2k / features))
 * at place i, with w the `maxWavelength` and s the `scalingFactor`.
 *
 * @param options The longest wave, scaling, name.
 * @returns A layer from `[steps, …, features]` to the same shape, without weights.
 * @throws {RangeError} when an option is not a positive number.
 *
 * @example
 * ```ts
 * import { input, rotaryEmbedding, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([12, 4, 16]), rotaryEmbedding()]);
 * assert.deepEqual(model.outputShape, [12, 4, 16]);
 * ```
 *
 * Source: J. Su and others, "RoFormer", 2021. KerasHub: `RotaryEmbedding`, with the steps on axis 1
 * and the features on the last.
 */
export function rotaryEmbedding(options: RotaryEmbeddingOptions = {}): Layer {
  const { maxWavelength = 10_000, scalingFactor = 1, name = "", inputShape } = options;
  checkScalar("the maxWavelength of rotaryEmbedding", maxWavelength, { minimum: 1e-6 });
  checkScalar("the scalingFactor of rotaryEmbedding", scalingFactor, { minimum: 1e-6 });
  return {
    type: "RotaryEmbedding",
    config: { ...options },
    name,
    inputShape,
    supportsMasking: true,
    init(given) {
      if (given.length >= 2 && given[given.length - 1] % 2 === 0) {
        return { outputShape: given, parameters: [] };
      }
      throw new ShapeError(
        `expected input of steps and an even number of features, got ${formatShape(given)}`,
      );
    },
    apply: (_parameters, x, { decoding }) =>
      turnedByPlace(x, { maxWavelength, scalingFactor }, decoding),
  };
}

/** How fast the angles grow. */
export type Rotation = Required<Pick<RotaryEmbeddingOptions, "maxWavelength" | "scalingFactor">>;

/** `x`, `[batch, steps, …, features]`, with pairs of features turned by the place of their step. */
export function turnedByPlace(
  x: Tensor,
  { maxWavelength, scalingFactor }: Rotation,
  decoding: Decoding | undefined,
): Tensor {
  const steps = x.shape[1];
  const half = x.shape[x.rank - 1] / 2;
  const speeds = exp(mul(cast(iota([half], 0), "f32"), -Math.log(maxWavelength) / half));
  const places = mul(cast(positionsOf(steps, { decoding }), "f32"), 1 / scalingFactor);
  const angles = reshape(
    mul(expandDims(places, 1), speeds),
    [steps, ...new Array<number>(x.rank - 3).fill(1), half],
  );
  const begin = x.shape.map(() => 0);
  const [first, second] = [
    slice(x, begin, [...x.shape.slice(0, -1), half]),
    slice(x, begin.with(-1, half), x.shape),
  ];
  const [sine, cosine] = [sin(angles), cos(angles)];
  return concat([
    sub(mul(first, cosine), mul(second, sine)),
    add(mul(second, cosine), mul(first, sine)),
  ], x.rank - 1);
}
