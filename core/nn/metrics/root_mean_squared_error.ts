import { square } from "../../ops/square.ts";
import { sub } from "../../ops/sub.ts";
import { alignTargets } from "../losses/targets.ts";
import type { Metric } from "../metric.ts";
import { averageMetric } from "./average_metric.ts";

/**
 * The root of the mean squared error, over all samples and outputs: an error in the targets' unit.
 *
 * @returns A metric of targets `[batch, outputs]`; smaller is better.
 *
 * @example
 * ```ts
 * import { metricValue, rootMeanSquaredError, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const [targets, outputs] = [tensor([1, 2]), tensor([1, 4])];
 * assert.equal(await metricValue(rootMeanSquaredError(), targets, outputs), Math.SQRT2);
 * ```
 *
 * Keras: `RootMeanSquaredError`. The root is taken once, of the mean over the epoch.
 */
export function rootMeanSquaredError(): Metric {
  const hints = { labels: "are they class labels? then give one-hot targets" };
  const squared = averageMetric(
    "root_mean_squared_error",
    "min",
    (targets, outputs) =>
      square(sub(outputs, alignTargets("rootMeanSquaredError", targets, outputs, hints))),
  );
  return { ...squared, result: ([total], [count]) => Math.sqrt(total / count) };
}
