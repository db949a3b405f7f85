import { ShapeError } from "../../../graph/errors.ts";
import { formatShape, type Shape, sizeOf } from "../../../graph/shape.ts";
import { add } from "../../../ops/add.ts";
import { div } from "../../../ops/div.ts";
import { tensor } from "../../../ops/eager.ts";
import { mul } from "../../../ops/mul.ts";
import { sub } from "../../../ops/sub.ts";
import { checkScalar } from "../../check_scalar.ts";
import { alongAxes, featureAxes } from "../normalization.ts";
import { type AdaptableLayer, readSamples } from "./samples.ts";

/** Options of {@link normalization}. */
export interface FeatureNormalizationOptions {
  /**
   * Axes that have a mean and a variance for each of their places, the batch being axis 0; default
   * −1, the last. `null` for one mean and one variance of all values.
   */
  readonly axis?: number | readonly number[] | null;
  /** Mean, one number or one a feature, row by row; goes with `variance`. */
  readonly mean?: number | readonly number[];
  /** Variance, at least 0, one number or one a feature; goes with `mean`. */
  readonly variance?: number | readonly number[];
  /** Whether to undo it, y = mean + x · √variance; default false. */
  readonly invert?: boolean;
  /** Name; default `normalization_1` and so on in the model. */
  readonly name?: string;
  /** Shape of the inputs without the batch, for a first layer. */
  readonly inputShape?: Shape;
}

/** The least deviation that is divided by. */
const leastDeviation = 1e-7;

/**
 * Shifts and scales every feature to mean 0 and variance 1, by numbers found before training.
 *
 * y = (x − mean) / max(√variance, 1e-7), the same in training and in inference. `adapt(samples)`
 * gives the layer with the mean and the variance (over n) of samples; they are part of its options,
 * so that {@link modelToJson} keeps them with the model.
 *
 * @param options Axis; mean and variance where they are known; invert.
 * @returns A layer without weights, from `[batch, ..., features]` to the same shape.
 * @throws {RangeError} when only one of mean and variance is given, a number is not finite, or a
 * variance is negative.
 * @throws {ShapeError} when the model is made and there are not as many as features, or none.
 *
 * @example
 * ```ts
 * import { input, normalization, predict, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const layer = normalization().adapt([[1, 70], [3, 90]]);
 * const model = sequential([input([2]), layer]);
 * const inputs = { data: Float32Array.of(3, 80), shape: [1, 2] };
 * const { data } = await predict(model, inputs, { device: "cpu", threads: 1 });
 * assert.deepEqual([...data], [1, 0]);
 * ```
 *
 * Keras: `Normalization`, whose `adapt` changes the layer instead; a constant feature that differs
 * later is enlarged by 1e7 there and here ({@link fitStandardisation} takes 1 for its deviation).
 */
export function normalization(options: FeatureNormalizationOptions = {}): AdaptableLayer {
  const { axis = -1, mean, variance, invert = false } = options;
  const statistics = statisticsOf(mean, variance);
  const axesOf = (shape: Shape) => axis === null ? [] : featureAxes(axis, shape);
  return {
    type: "Normalization",
    config: { ...options },
    name: options.name ?? "",
    inputShape: options.inputShape,
    init(given) {
      const expected = sizeOf(axesOf(given).map((place) => given[place - 1]));
      if (!statistics) {
        throw new ShapeError(
          `expected a mean and a variance before the model is made, got none (give them, or the ` +
            `layer that adapt(samples) gives)`,
        );
      }
      for (const { size } of [statistics.mean, statistics.deviation]) {
        if (size === 1 || size === expected) continue;
        throw new ShapeError(
          `expected a mean and a variance for each of the ${expected} features of input ` +
            `${formatShape(given)}, got ${size}`,
        );
      }
      return { outputShape: given, parameters: [] };
    },
    apply(_parameters, x) {
      const axes = axesOf(x.shape.slice(1));
      const [average, deviation] = [statistics!.mean, statistics!.deviation].map((value) =>
        alongAxes(value, value.size === 1 ? [] : axes, x)
      );
      return invert ? add(average, mul(x, deviation)) : div(sub(x, average), deviation);
    },
    adapt: (samples) => {
      const { values, shape } = readSamples("normalization", samples);
      return normalization({ ...options, ...momentsOf(values, shape, axesOf(shape.slice(1))) });
    },
  };
}

/** What the layer computes with: constants of all steps. */
function statisticsOf(
  mean: FeatureNormalizationOptions["mean"],
  variance: FeatureNormalizationOptions["variance"],
) {
  if (mean === undefined && variance === undefined) return null;
  if (mean === undefined || variance === undefined) {
    throw new RangeError(
      `Cannot make normalization as mean and variance go together: received the ` +
        `${mean === undefined ? "variance" : "mean"} alone`,
    );
  }
  const means = [mean].flat().map((value) => checkScalar("the mean of normalization", value));
  const deviations = [variance].flat().map((value) =>
    Math.max(
      Math.sqrt(checkScalar("the variance of normalization", value, { minimum: 0 })),
      leastDeviation,
    )
  );
  return { mean: tensor(means), deviation: tensor(deviations) };
}

/** Mean and variance over all places but those along `axes`, in two passes of float64. */
function momentsOf(values: Float64Array, shape: Shape, axes: readonly number[]) {
  const group = groupsOf(shape, axes);
  const count = sizeOf(axes.map((axis) => shape[axis]));
  const members = values.length / count;
  const mean = new Array<number>(count).fill(0);
  values.forEach((value, place) => mean[group(place)] += value / members);
  const variance = new Array<number>(count).fill(0);
  values.forEach((value, place) =>
    variance[group(place)] += (value - mean[group(place)]) ** 2 / members
  );
  return { mean, variance };
}

/** The place along `axes`, row by row, of an element. */
function groupsOf(shape: Shape, axes: readonly number[]): (place: number) => number {
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  return (place) =>
    axes.reduce(
      (group, axis) => group * shape[axis] + Math.floor(place / strides[axis]) % shape[axis],
      0,
    );
}
