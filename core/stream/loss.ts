import type { OperatorFunction } from "../nn/rxjs_types.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Loss } from "../nn/loss.ts";
import type { Effect } from "./frame.ts";
import { checkReduction, loggedLoss, type Reduction, score, weightPenalties } from "./score.ts";
import { Memory, stage } from "./stage.ts";
import { type Forwarded, Scored } from "./stages.ts";

/** Options of {@link loss}. */
export interface LossOptions {
  /** Log name; default `loss`. Two losses in one pipe need two names. */
  readonly name?: string;
  /**
   * How the losses of the samples, each times its weight, become the loss of the batch: their sum
   * over the number of samples (`sumOverBatchSize`, the default), their sum, or their sum over the
   * sum of the weights (`meanWithSampleWeight`).
   */
  readonly reduction?: Reduction;
}

/**
 * Compares outputs with targets: the mean loss over the batch, which is also logged.
 *
 * Each sample counts by its weight, where the data set has weights or {@link classWeight} gives
 * them. Penalties are part of the loss, as in Keras: those of the regularizers of the model's
 * trainable weights, and those that its layers have added.
 *
 * @param lossFunction The loss, for one value a sample.
 * @param options Log name and reduction.
 * @returns An operator from {@link Forwarded} to {@link Scored}.
 * @throws {RangeError} when there is no such reduction.
 * @throws {ShapeError} on the error channel, when targets do not fit outputs.
 *
 * @example
 * ```ts
 * import {
 *   arrays, dense, forward, input, loss, meanSquaredError, miniBatches, sequential,
 * } from "@millrace/millrace";
 * import { lastValueFrom, mergeMap } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([1]), dense(1, { kernelInitializer: "zeros" })]);
 * const data = arrays([[1], [2]], [[2], [4]], { sampleWeight: [1, 3] });
 * const steps = miniBatches(data, { device: "cpu", threads: 1 }).pipe(
 *   forward(model),
 *   loss(meanSquaredError()),
 *   mergeMap((step) => step.values()),
 * );
 * assert.deepEqual(await lastValueFrom(steps), { loss: (4 + 3 * 16) / 2 });
 * ```
 *
 * Keras: the `reduction` of a loss, `sum_over_batch_size` and so on. Its log of
 * `mean_with_sample_weight` is the mean over batches; ours is that over the weights of the epoch.
 */
export function loss(
  lossFunction: Loss,
  options: LossOptions = {},
): OperatorFunction<Forwarded, Scored> {
  const { name = "loss" } = options;
  const reduction = checkReduction(options.reduction ?? "sumOverBatchSize");
  return stage(() => {
    const memory = new Memory<{ value: Tensor; effect: Effect }>();
    return (step) => {
      const { model, outputs, y, sampleWeight } = step;
      const { state } = step.frame;
      const scored = memory.get([outputs, y, sampleWeight, state], () => {
        const penalties = [...step.penalties, ...weightPenalties(model, state)];
        const { value, totals } = score(lossFunction.apply(y, outputs), {
          penalties,
          reduction,
          sampleWeight,
        });
        const record = { name, totals, result: loggedLoss, guarded: true };
        const evaluation = { model, loss: lossFunction, name, reduction };
        return { value, effect: { records: [record], evaluation } };
      });
      step.frame.add(scored.effect);
      return new Scored(step, lossFunction, scored.value);
    };
  });
}
