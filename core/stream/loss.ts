import type { OperatorFunction } from "../nn/rxjs_types.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Tensors } from "../nn/named.ts";
import { criteriaOf, type Losses, type LossWeights } from "./criteria.ts";
import type { Effect } from "./frame.ts";
import { checkReduction, type Reduction, weightPenalties } from "./score.ts";
import { lossWeightName, type OutputScore, scoreOutputs } from "./score_outputs.ts";
import { Memory, stage } from "./stage.ts";
import { type Forwarded, Scored } from "./stages.ts";

/** Options of {@link loss}. */
export interface LossOptions<O extends Tensors = Tensor> {
  /** Log name; default `loss`. Two losses in one pipe need two names. */
  readonly name?: string;
  /** Factor of each output's loss in the sum, a number or a stream of numbers; default 1. */
  readonly lossWeights?: LossWeights<O>;
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
 * Where outputs have a mask, each step that it lets through counts as a sample, and the others count
 * for nothing.
 *
 * Each sample counts by its weight, where the data set has weights or {@link classWeight} gives
 * them. Penalties are part of the loss, as in Keras: those of the regularizers of the model's
 * trainable weights, and those that its layers have added.
 *
 * Of a model with several outputs, `loss` is the weighted sum of the outputs' losses, and each is
 * logged without its weight as `kind_loss`, `price_loss`.
 *
 * @param lossFunction The loss, for one value a sample; or losses by the names of outputs.
 * @param options Log name and reduction.
 * @returns An operator from {@link Forwarded} to {@link Scored}.
 * @throws {RangeError} when there is no such reduction.
 * @throws {ShapeError} on the error channel, when targets do not fit outputs.
 * @throws {DataError} on the error channel, when a label is none of the outputs' classes.
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
export function loss<
  X extends Tensors = Tensor,
  Y extends Tensors = Tensor,
  O extends Tensors = Tensor,
>(
  lossFunction: NoInfer<Losses<O>>,
  options: NoInfer<LossOptions<O>> = {},
): OperatorFunction<Forwarded<X, Y, O>, Scored<X, Y, O>> {
  const { name = "loss" } = options;
  const reduction = checkReduction(options.reduction ?? "sumOverBatchSize");
  const criteria = criteriaOf(lossFunction, options.lossWeights);
  return stage("loss", "forward", (onRun) => {
    onRun((run) =>
      criteria.forEach(({ output, weight }) =>
        run.scalars.resume(weight, lossWeightName(name, output))
      )
    );
    const memory = new Memory<Omit<OutputScore, "records"> & { effect: Effect }>();
    return (step) => {
      const { model, outputs, y, sampleWeight, masks } = step;
      const { state, run } = step.frame;
      const scored = memory.get([outputs, masks, y, sampleWeight, state], () => {
        const { value, count, records } = scoreOutputs(criteria, { outputs, targets: y, masks }, {
          name,
          penalties: [...step.penalties, ...weightPenalties(model, state)],
          reduction,
          sampleWeight,
          scalar: (source, scalar) => run.scalars.scalar(source, scalar),
        });
        return {
          value,
          count,
          effect: { records, evaluation: { model, criteria, name, reduction } },
        };
      });
      step.frame.add(scored.effect);
      return new Scored(step, lossFunction, scored.value, scored.count);
    };
  });
}
