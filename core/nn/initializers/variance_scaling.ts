import { type Shape, sizeOf } from "../../graph/shape.ts";
import { checkScalar } from "../check_scalar.ts";
import type { Initializer } from "../initializer.ts";
import { randomNormal, truncatedNormal } from "./random_normal.ts";
import { randomUniform } from "./random_uniform.ts";

/** Options of {@link varianceScaling}. */
export interface VarianceScalingOptions {
  /** Factor of the variance, above 0; default 1. */
  readonly scale?: number;
  /** Which count the variance is divided by: inputs, outputs or their mean; default `fanIn`. */
  readonly mode?: "fanIn" | "fanOut" | "fanAvg";
  /** Distribution; default `truncatedNormal`. */
  readonly distribution?: "truncatedNormal" | "untruncatedNormal" | "uniform";
}

/** Standard deviation that is left of a standard normal cut at ±2. */
const truncatedDeviation = 0.87962566103423978;

/**
 * Weights whose variance fits the layer's size, so that signals neither fade nor grow with depth.
 *
 * variance = scale / n, with n the number of inputs, of outputs, or their mean. For a uniform
 * distribution the bounds are ±√(3 · variance); a truncated normal is widened by 1/0.8796, so that
 * what is left has that variance.
 *
 * @param options Scale, mode and distribution.
 * @returns An initializer.
 * @throws {RangeError} when `scale` is not above 0, or mode or distribution are not known.
 *
 * @example
 * ```ts
 * import { namedKey, varianceScaling } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const uniform = varianceScaling({ scale: 3, mode: "fanIn", distribution: "uniform" });
 * const values = uniform.values([9, 100], namedKey(1, "kernel"));
 * assert(values.every((value) => Math.abs(value) <= 1));
 * ```
 *
 * Keras: `VarianceScaling(scale, mode, distribution)`.
 */
export function varianceScaling(options: VarianceScalingOptions = {}): Initializer {
  const { scale = 1, mode = "fanIn", distribution = "truncatedNormal" } = options;
  checkScalar("the scale of varianceScaling", scale, { minimum: Number.MIN_VALUE });
  checkOneOf("mode", mode, ["fanIn", "fanOut", "fanAvg"]);
  checkOneOf("distribution", distribution, ["truncatedNormal", "untruncatedNormal", "uniform"]);
  return {
    name: "varianceScaling",
    config: { ...options },
    values: (shape, key) => {
      const { fanIn, fanOut } = fans(shape);
      const count = { fanIn, fanOut, fanAvg: (fanIn + fanOut) / 2 }[mode];
      const variance = scale / Math.max(1, count);
      return ofVariance(variance, distribution).values(shape, key);
    },
  };
}

function ofVariance(
  variance: number,
  distribution: NonNullable<VarianceScalingOptions["distribution"]>,
): Initializer {
  if (distribution === "uniform") {
    const maximum = Math.sqrt(3 * variance);
    return randomUniform({ minimum: -maximum, maximum });
  }
  const standardDeviation = Math.sqrt(variance);
  return distribution === "untruncatedNormal"
    ? randomNormal({ standardDeviation })
    : truncatedNormal({ standardDeviation: standardDeviation / truncatedDeviation });
}

/** Inputs and outputs of a unit: the last two axes, times the axes before them (a window). */
function fans(shape: Shape): { fanIn: number; fanOut: number } {
  if (shape.length < 2) return { fanIn: sizeOf(shape), fanOut: sizeOf(shape) };
  const window = sizeOf(shape.slice(0, -2));
  const [inputs, outputs] = shape.slice(-2);
  return { fanIn: window * inputs, fanOut: window * outputs };
}

function checkOneOf(option: string, value: string, known: readonly string[]): void {
  if (known.includes(value)) return;
  throw new RangeError(
    `Cannot make varianceScaling as ${option} must be one of ${
      known.join(", ")
    }: received ${value}`,
  );
}
