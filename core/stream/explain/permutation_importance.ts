import { Observable as Stream } from "rxjs";
import { type DataSet, isStored, type StoredInputs } from "../../../data/data_set.ts";
import { checkCount } from "../../nn/check_count.ts";
import type { Model } from "../../nn/model.ts";
import type { Observable } from "../../nn/rxjs_types.ts";
import { permutation } from "../../state/permutation.ts";
import { allMetrics, evaluate, type EvaluateOptions } from "../evaluate.ts";
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
 * @param dataSet Data that it was not trained on, in memory.
 * @param options What {@link evaluate} takes, which number is watched, repeats, seed. Metrics of
 * which more is better count the other way round.
 * @returns A cold stream of features, in order, each as it is known.
 * @throws {RangeError} when an option is out of range, the inputs are not rows of features, or the data
 * set is streamed; on the error channel when `monitor` is not among the logs.
 *
 * @example
 * ```ts
 * import {
 *   arrays, dense, input, meanSquaredError, permutationImportance, sequential,
 * } from "@millrace/millrace";
 * import { lastValueFrom, toArray } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([2]), dense(1)]);
 * model.parameters[0].set([1, 0]);
 * const rows = Array.from({ length: 20 }, (_, at) => [at % 3, at % 5]);
 * const data = arrays(rows, rows.map(([a]) => [a]));
 * const options = { loss: meanSquaredError(), device: "cpu", threads: 1 } as const;
 * const importances = permutationImportance(model, data, options).pipe(toArray());
 * const [first, second] = await lastValueFrom(importances);
 * assert(first.mean > 0.5 && second.mean === 0);
 * ```
 *
 * Source: Breiman, "Random forests", 2001. scikit-learn: `permutation_importance`.
 */
export function permutationImportance(
  model: Model,
  dataSet: DataSet,
  options: PermutationImportanceOptions,
): Observable<FeatureImportance> {
  const { repeats = 5, seed = 0 } = options;
  checkCount("the repeats of permutationImportance", repeats, 1);
  checkCount("the seed of permutationImportance", seed);
  const { x } = dataSet;
  if (!isStored(x) || x.shape.length !== 2) {
    throw new RangeError(
      `Cannot permute features as inputs must be rows of features, [samples, features]: received ` +
        JSON.stringify(x.shape),
    );
  }
  if (dataSet.read) {
    throw new RangeError(
      `Cannot permute features as the data set must hold its samples: received one that reads them ` +
        `(put some of them in arrays(x, y))`,
    );
  }
  return new Stream<FeatureImportance>((subscriber) => {
    const importances = async () => {
      const { device, owned } = await openDevice(options);
      try {
        const measure = (inputs: StoredInputs) =>
          measured(model, { ...dataSet, x: inputs }, { ...options, device });
        const before = await measure(x);
        for (let feature = 0; feature < x.shape[1]; feature++) {
          const changes: number[] = [];
          for (let repeat = 0; repeat < repeats; repeat++) {
            if (subscriber.closed) return;
            const order = permutation(x.shape[0], seed, feature * repeats + repeat);
            changes.push(await measure(shuffled(x, feature, order)) - before);
          }
          subscriber.next({ feature, ...momentsOf(changes) });
        }
      } finally {
        if (owned) {
          await device.idle();
          device.dispose();
        }
      }
    };
    importances().then(() => subscriber.complete(), (error) => subscriber.error(error));
  });
}

/** The watched number over a data set; more is worse. */
async function measured(
  model: Model,
  dataSet: DataSet,
  { monitor = "loss", repeats: _, seed: __, ...judged }: PermutationImportanceOptions,
): Promise<number> {
  const logs = await evaluate(model, dataSet, judged);
  if (!(monitor in logs)) {
    throw new RangeError(
      `Cannot watch "${monitor}" as the logs hold ${Object.keys(logs).join(", ")}`,
    );
  }
  const measured = allMetrics(judged).find(({ name }) => name === monitor);
  return measured?.metric.direction === "max" ? -logs[monitor] : logs[monitor];
}

function momentsOf(values: readonly number[]): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / values.length) };
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
