import { DataError } from "../core/graph/errors.ts";
import type { StoredInputs } from "./data_set.ts";

/** Mean and standard deviation of every feature, as {@linkcode fitStandardisation} found them. */
export interface Standardisation {
  /** Mean of each feature, `[features]`, float64. */
  readonly mean: Float64Array;
  /** Standard deviation of each feature, `[features]`, float64; 1 where the feature is constant. */
  readonly std: Float64Array;
}

/** Numbers to standardise: the inputs of a data set, or numbers that are none yet. */
export type Standardisable = Omit<StoredInputs, "data"> & {
  /** The numbers, row by row. */
  readonly data: ArrayLike<number>;
};

/**
 * Finds the mean and standard deviation of every feature over the samples.
 *
 * `std = sqrt(sum((x - mean)^2) / samples)`, over the values a model sees, `data * scale + offset`.
 * Fit on the training inputs alone and apply the result to the others too, or the validation set
 * leaks into training.
 *
 * @param x Inputs, `[samples, ...features]`.
 * @returns Mean and standard deviation, one a feature; a constant feature has 1 for its deviation,
 * so that standardising turns it into 0.
 * @throws {DataError} If there are no samples.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { arrays, fitStandardisation } from "@millrace/millrace";
 *
 * const { x } = arrays([[1, 7], [3, 7]], [0, 1]);
 * const { mean, std } = fitStandardisation(x);
 * assert.deepEqual([...mean], [2, 7]);
 * assert.deepEqual([...std], [1, 1]);
 * ```
 */
export function fitStandardisation(x: Standardisable): Standardisation {
  const { data, shape, scale = 1, offset = 0 } = x;
  const samples = shape[0];
  if (!(samples > 0) || data.length === 0) {
    throw new DataError(
      `Cannot fit a standardisation as it needs a sample or more: received shape ` +
        `[${shape.join(", ")}]`,
    );
  }
  const features = data.length / samples;
  const mean = new Float64Array(features);
  const std = new Float64Array(features);
  const constant = new Uint8Array(features).fill(1);
  for (let i = 0; i < data.length; i++) {
    const feature = i % features;
    mean[feature] += data[i] / samples;
    // Rounding leaves a constant column a tiny deviation, so look at the values themselves.
    if (data[i] !== data[feature]) constant[feature] = 0;
  }
  for (let i = 0; i < data.length; i++) std[i % features] += (data[i] - mean[i % features]) ** 2;
  for (let feature = 0; feature < features; feature++) {
    if (constant[feature]) mean[feature] = data[feature];
    mean[feature] = mean[feature] * scale + offset;
    std[feature] = constant[feature] ? 1 : Math.sqrt(std[feature] / samples) * Math.abs(scale);
  }
  return { mean, std };
}

/**
 * Shifts and scales every feature to mean 0 and standard deviation 1.
 *
 * `result = (x - mean) / std`, computed in float64 and stored as float32.
 *
 * @param x Inputs, `[samples, ...features]`.
 * @param fitted Mean and standard deviation of each feature, from {@linkcode fitStandardisation}.
 * @returns Inputs of the same shape, float32, with no scale or offset left to apply.
 * @throws {DataError} If `fitted` has another number of features.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { arrays, fitStandardisation, standardise } from "@millrace/millrace";
 *
 * const { x } = arrays([[1, 7], [3, 7]], [0, 1]);
 * assert.deepEqual([...standardise(x, fitStandardisation(x)).data], [-1, 0, 1, 0]);
 * ```
 */
export function standardise(x: Standardisable, fitted: Standardisation): StoredInputs {
  const { data, shape, scale = 1, offset = 0 } = x;
  const features = data.length / shape[0];
  if (fitted.mean.length !== features || fitted.std.length !== features) {
    throw new DataError(
      `Cannot standardise the inputs as they must have the features that were fitted: received ` +
        `${features}, fitted on ${fitted.mean.length}`,
    );
  }
  const result = new Float32Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const feature = i % features;
    result[i] = (data[i] * scale + offset - fitted.mean[feature]) / fitted.std[feature];
  }
  return { data: result, shape };
}
