import type { Tensor } from "../../graph/tensor.ts";
import { cast } from "../../ops/cast.ts";
import { equal } from "../../ops/equal.ts";
import { greater } from "../../ops/greater.ts";
import { checkScalar } from "../check_scalar.ts";
import { alignTargets } from "../losses/targets.ts";
import type { Metric } from "../metric.ts";
import { averageMetric } from "./average_metric.ts";

/** Options of {@link binaryAccuracy}. */
export interface BinaryAccuracyOptions {
  /** Outputs above it mean yes; default 0.5. For logits it is 0. */
  readonly threshold?: number;
}

/**
 * The part of yes-or-no answers that are right: outputs above a threshold against targets of 1.
 *
 * @param options Threshold.
 * @returns A metric of targets `[batch, outputs]` of 0 and 1; with one output `[batch]` will do.
 * @throws {RangeError} when the threshold is not a finite number.
 *
 * @example
 * ```ts
 * import { binaryAccuracy, metricValue, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const outputs = tensor([[0.7], [0.6], [0.9], [0.2]]);
 * assert.equal(await metricValue(binaryAccuracy(), tensor([1, 0, 1, 0]), outputs), 0.75);
 * ```
 *
 * Keras: `BinaryAccuracy`.
 */
export function binaryAccuracy(options: BinaryAccuracyOptions = {}): Metric {
  const { threshold = 0.5 } = options;
  checkScalar("the threshold of binaryAccuracy", threshold);
  return averageMetric(
    "binary_accuracy",
    "max",
    (targets, outputs) => binaryHits("binaryAccuracy", targets, outputs, threshold),
    // Others may well be thresholds of logits, as 0 is.
    { takesLogits: () => threshold > 0 && threshold < 1 ? false : undefined },
  );
}

/** 1 where output and target are on the same side, `[batch, outputs]`. */
export function binaryHits(
  name: string,
  targets: Tensor,
  outputs: Tensor,
  threshold: number,
): Tensor {
  const hints = { labels: "for class labels use sparseCategoricalAccuracy" };
  const wanted = alignTargets(name, targets, outputs, hints);
  const answers = cast(greater(outputs, threshold), "f32");
  return cast(equal(answers, wanted), "f32");
}
