import { iota } from "../../../graph/leaf.ts";
import { ShapeError } from "../../../graph/errors.ts";
import { formatShape } from "../../../graph/shape.ts";
import { bitwiseAnd } from "../../../ops/bitwise.ts";
import { cast } from "../../../ops/cast.ts";
import { equal } from "../../../ops/equal.ts";
import { exp } from "../../../ops/exp.ts";
import { expandDims } from "../../../ops/expand_dims.ts";
import { mul } from "../../../ops/mul.ts";
import { select } from "../../../ops/select.ts";
import { cos, sin } from "../../../ops/sin.ts";
import { sub } from "../../../ops/sub.ts";
import { broadcastTo } from "../../../ops/sum.ts";
import { checkScalar } from "../../check_scalar.ts";
import type { Layer } from "../../layer.ts";
import type { FlattenOptions } from "../flatten.ts";
import { positionsOf } from "./positions.ts";

/** Options of {@link sinePositionEncoding}. */
export interface SinePositionEncodingOptions extends FlattenOptions {
  /** The longest wave, in 2π steps; default 10,000. */
  readonly maxWavelength?: number;
}

/**
 * Waves by which a place in a sequence is known: feature 2k of place i is sin(i / w^(2k / features)),
 * feature 2k + 1 the cosine, with w the `maxWavelength`, for any x.
 *
 * What it gives is added to the inputs by {@link addLayer}.
 *
 * @param options The longest wave, name.
 * @returns A layer from `[steps, features]` to `[steps, features]`, without weights.
 * @throws {RangeError} when the longest wave is not a positive number.
 *
 * @example
 * ```ts
 * import { input, sequential, sinePositionEncoding } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([12, 16]), sinePositionEncoding()]);
 * assert.deepEqual(model.outputShape, [12, 16]);
 * ```
 *
 * Source: A. Vaswani and others, "Attention is all you need", 2017. KerasHub: `SinePositionEncoding`.
 */
export function sinePositionEncoding(options: SinePositionEncodingOptions = {}): Layer {
  const { maxWavelength = 10_000, name = "", inputShape } = options;
  checkScalar("the maxWavelength of sinePositionEncoding", maxWavelength, { minimum: 1e-6 });
  return {
    type: "SinePositionEncoding",
    config: { ...options },
    name,
    inputShape,
    supportsMasking: true,
    init(given) {
      if (given.length === 2) return { outputShape: given, parameters: [] };
      throw new ShapeError(`expected input of steps and features, got ${formatShape(given)}`);
    },
    apply(_parameters, x, context) {
      const [, steps, features] = x.shape;
      const numbers = iota([features], 0);
      const odd = bitwiseAnd(numbers, 1);
      const pair = cast(sub(numbers, odd), "f32");
      const speeds = exp(mul(pair, -Math.log(maxWavelength) / features));
      const angles = mul(expandDims(cast(positionsOf(steps, context), "f32"), 1), speeds);
      const waves = select(broadcastTo(equal(odd, 0), angles.shape), sin(angles), cos(angles));
      return broadcastTo(waves, x.shape);
    },
  };
}
