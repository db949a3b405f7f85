import { type DataSet, isStored, type StoredInputs } from "../../../data/data_set.ts";
import { checkCount } from "../../nn/check_count.ts";
import type { Model } from "../../nn/model.ts";
import { permutation } from "../../state/permutation.ts";
import { evaluate, type EvaluateOptions } from "../evaluate.ts";
import { openDevice } from "../open_device.ts";

/** Options of {@link permutationImportance}. */
export interface PermutationImportanceOptions extends EvaluateOptions {
  /** Log name of the number that is watched; default `loss`. */
  readonly monitor?: string;
  /** Orders that are tried for each feature, from 1; default 5. */
  readonly repeats?: number;
  /** Seed of the orders, a whole number from 0; default 0. */
  readonly seed?: number;
}

/** How much a feature counts. */
export interface FeatureImportance {
  /** Number of the feature, from 0. */
  readonly feature: number;
  /** By how much the watched number gets worse without it, on average; about 0 if not at all. */
  readonly mean: number;
  /** Standard deviation over the orders. */
  readonly deviation: number;
}

/**
 * How much worse a model does when the values of one feature are shuffled among the samples, feature
 * by feature.
 *
 * @param model The model, of inputs `[features]`.
 * @param dataSet Data that it was not trained on.
 * @param options What {@link evaluate} takes, which number is watched, repeats, seed. Metrics of
 * which more is better count the other way round.
 * @returns One entry a feature, in order.
 * @throws {RangeError} when `monitor` is not among the logs, or the inputs are not rows of features.
 *
 * @example
 * ```ts
 * import {
 *   arrays, dense, input, meanSquaredError, permutationImportance, sequential,
 * } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([2]), dense(1)]);
 * model.parameters[0].set([1, 0]);
 * const rows = Array.from({ length: 20 }, (_, at) => [at % 3, at % 5]);
 * const data = arrays(rows, rows.map(([a]) => [a]));
 * const options = { loss: meanSquaredError(), device: "cpu", threads: 1 } as const;
 * const [first, second] = await permutationImportance(model, data, options);
 * assert(first.mean > 0.5 && second.mean === 0);
 * ```
 *
 * Source: Breiman, "Random forests", 2001. scikit-learn: `permutation_importance`.
 */
export async function permutationImportance(
  model: Model,
  dataSet: DataSet,
  options: PermutationImportanceOptions,
): Promise<FeatureImportance[]> {
  const { monitor = "loss", repeats = 5, seed = 0, ...judged } = options;
  checkCount("the repeats of permutationImportance", repeats, 1);
  checkCount("the seed of permutationImportance", seed);
  const { x } = dataSet;
  if (!isStored(x) || x.shape.length !== 2) {
    throw new RangeError(
      `Cannot permute features as inputs must be rows of features, [samples, features]: received ` +
        JSON.stringify(x.shape),
    );
  }
  const [samples, features] = x.shape;
  const { device, owned } = await openDevice(options);
  try {
    const measure = async (inputs: StoredInputs): Promise<number> => {
      const logs = await evaluate(model, { ...dataSet, x: inputs }, { ...judged, device });
      if (monitor in logs) return logs[monitor] * sign;
      throw new RangeError(
        `Cannot watch "${monitor}" as the logs hold ${Object.keys(logs).join(", ")}`,
      );
    };
    const metrics = [judged.metrics ?? [], judged.weightedMetrics ?? []].flat();
    const sign = metrics.some(({ name, direction }) => name === monitor && direction === "max")
      ? -1
      : 1;
    const before = await measure(x);
    const found: FeatureImportance[] = [];
    for (let feature = 0; feature < features; feature++) {
      const changes: number[] = [];
      for (let repeat = 0; repeat < repeats; repeat++) {
        const order = permutation(samples, seed, feature * repeats + repeat);
        changes.push(await measure(shuffled(x, feature, order)) - before);
      }
      const mean = changes.reduce((sum, change) => sum + change, 0) / repeats;
      const squares = changes.reduce((sum, change) => sum + (change - mean) ** 2, 0);
      found.push({ feature, mean, deviation: Math.sqrt(squares / repeats) });
    }
    return found;
  } finally {
    if (owned) {
      await device.idle();
      device.dispose();
    }
  }
}

/** Inputs in which one feature's values stand in another order. */
function shuffled(x: StoredInputs, feature: number, order: Uint32Array): StoredInputs {
  const features = x.shape[1];
  const data = x.data.slice();
  order.forEach((from, to) => {
    data[to * features + feature] = x.data[from * features + feature];
  });
  return { ...x, data };
}
