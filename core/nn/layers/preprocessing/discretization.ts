import { ShapeError } from "../../../graph/errors.ts";
import type { Shape } from "../../../graph/shape.ts";
import { cast } from "../../../ops/cast.ts";
import { tensor } from "../../../ops/eager.ts";
import { greaterEqual } from "../../../ops/greater_equal.ts";
import { reshape } from "../../../ops/reshape.ts";
import { sum } from "../../../ops/sum.ts";
import { checkCount } from "../../check_count.ts";
import { checkScalar } from "../../check_scalar.ts";
import { checkMode, encodedShape, encodeIds, encodings, type IdEncoding } from "./encode_ids.ts";
import { type AdaptableLayer, readSamples } from "./samples.ts";

/** Options of {@link discretization}. */
export interface DiscretizationOptions {
  /** The numbers between the bins, increasing; bins are one more. */
  readonly binBoundaries?: readonly number[];
  /** How many bins `adapt` makes, from 2; in the place of `binBoundaries`. */
  readonly numBins?: number;
  /** `int` for the bins' numbers, or `oneHot`, `multiHot` or `count` of them; default `int`. */
  readonly outputMode?: "int" | IdEncoding;
  /** Name; default `discretization_1` and so on in the model. */
  readonly name?: string;
  /** Shape of the inputs without the batch, for a first layer. */
  readonly inputShape?: Shape;
}

/**
 * Sorts numbers into bins.
 *
 * The bin of x is the number of boundaries b with b ≤ x: with boundaries 0 and 1 the bins are below
 * 0, from 0 to below 1, and from 1. With `numBins` instead, `adapt(samples)` gives the layer whose
 * bins hold equal shares of all numbers of the samples: boundaries are the quantiles i / numBins,
 * interpolated between the sorted numbers.
 *
 * @param options Boundaries or number of bins; output mode; name; input shape.
 * @returns A layer without weights: with `int` from `[batch, ...]` to the same shape, float32, else
 * as {@link categoryEncoding} of as many tokens as bins.
 * @throws {RangeError} when not exactly one of `binBoundaries` and `numBins` is given, or boundaries
 * do not increase.
 * @throws {ShapeError} when the model is made and there are no boundaries yet.
 *
 * @example
 * ```ts
 * import { discretization, input, predict, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * // The example of Keras's documentation.
 * const layer = discretization({ numBins: 4 }).adapt([[-1.5, 1, 3.4, 0.5], [0, 3, 1.3, 0]]);
 * const model = sequential([input([4]), layer]);
 * const inputs = { data: Float32Array.of(-1.5, 1, 3.4, 0.5), shape: [1, 4] };
 * const { data } = await predict(model, inputs, { device: "cpu", threads: 1 });
 * assert.deepEqual([...data], [0, 2, 3, 2]);
 * ```
 *
 * Keras: `Discretization`, whose quantiles are approximate, with an `epsilon`; these are exact.
 */
export function discretization(options: DiscretizationOptions): AdaptableLayer {
  const { binBoundaries, numBins, outputMode = "int" } = options;
  if ((binBoundaries === undefined) === (numBins === undefined)) {
    throw new RangeError(
      `Cannot make discretization as it needs either binBoundaries or numBins: received ` +
        `${binBoundaries ? "both" : "neither"}`,
    );
  }
  if (numBins !== undefined) checkCount("the numBins of discretization", numBins, 2);
  checkMode("discretization", outputMode, ["int", ...encodings]);
  checkIncreasing(binBoundaries);
  const boundaries = binBoundaries && tensor([...binBoundaries], { shape: [binBoundaries.length] });
  return {
    type: "Discretization",
    name: options.name ?? "",
    inputShape: options.inputShape,
    config: { ...options },
    init(given) {
      if (!boundaries) {
        throw new ShapeError(
          `expected boundaries before the model is made, got none (give binBoundaries, or the ` +
            `layer that adapt(samples) gives)`,
        );
      }
      const outputShape = outputMode === "int"
        ? given
        : encodedShape(given, boundaries.size + 1, outputMode);
      return { outputShape, parameters: [] };
    },
    apply(_parameters, x) {
      const reached = greaterEqual(reshape(cast(x, "f32"), [...x.shape, 1]), boundaries!);
      const bins = sum(cast(reached, "f32"), x.rank);
      return outputMode === "int" ? bins : encodeIds(bins, boundaries!.size + 1, outputMode);
    },
    adapt: (samples) => {
      const { values } = readSamples("discretization", samples);
      const { numBins: count, ...rest } = options;
      if (count === undefined) {
        throw new RangeError(
          `Cannot adapt discretization as its boundaries are given: give numBins instead`,
        );
      }
      return discretization({ ...rest, binBoundaries: quantilesOf(values, count) });
    },
  };
}

function checkIncreasing(boundaries: readonly number[] = [0]): void {
  boundaries.forEach((boundary, place) => {
    checkScalar("a boundary of discretization", boundary);
    if (place === 0 || boundary > boundaries[place - 1]) return;
    throw new RangeError(
      `Cannot make discretization as binBoundaries must increase: received ` +
        `${boundaries[place - 1]} before ${boundary}`,
    );
  });
  if (boundaries.length === 0) {
    throw new RangeError("Cannot make discretization as binBoundaries must hold one or more");
  }
}

/** Quantiles i / count where the k-th of n sorted numbers is the quantile k / n; each value once. */
function quantilesOf(values: Float64Array, count: number): number[] {
  const sorted = values.slice().sort();
  const quantiles = Array.from({ length: count - 1 }, (_, at) => {
    const place = (at + 1) / count * sorted.length - 1;
    const below = Math.max(Math.floor(place), 0);
    const above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (sorted[above] - sorted[below]) * Math.max(place - below, 0);
  });
  return [...new Set(quantiles)];
}
