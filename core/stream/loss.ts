import type { OperatorFunction } from "../nn/rxjs_types.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Tensors } from "../nn/named.ts";
import { criteriaOf, type Losses, type LossWeights, weightsOf } from "./criteria.ts";
import type { Effect } from "./frame.ts";
import type { AnyLossFunction, LossFunction, TermWeights } from "./loss_function.ts";
import { warnOfLogits } from "./logits_warning.ts";
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

/** Options of {@link loss} where it is a function. */
export interface LossFunctionOptions extends Omit<LossOptions, "lossWeights"> {
  /** Factor of each term in the sum, a number or a stream of numbers; default 1. */
  readonly lossWeights?: TermWeights;
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
 * Where the last layer gives probabilities and its loss takes logits, or the other way round, a
 * warning on stderr says so.
 *
 * Of a model with several outputs, `loss` is the weighted sum of the outputs' losses, and each is
 * logged without its weight as `kind_loss`, `price_loss`.
 *
 * Where outputs are to be compared with each other or with the inputs, the loss is a function of the
 * step. It gives one value a sample, one for the batch, or terms by name, which are added, weighted
 * by `lossWeights` and logged as `kl_loss`. Weights of samples and classes count where there is one
 * value a sample; masks of outputs are its own affair. Data sets for it may have no targets.
 *
 * @param lossFunction The loss, for one value a sample; losses by the names of outputs; or a function
 * of `x`, `y` and all `outputs`.
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
 * @example Two views of a picture, which are to be told from those of other pictures.
 * ```ts
 * import {
 *   arrays, backward, connect, dense, forward, functional, input, loss, matmul, miniBatches, sgd,
 *   softmaxCrossEntropy, tensor, transpose, unitNormalization, update,
 * } from "@millrace/millrace";
 * import { lastValueFrom, mergeMap, toArray } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const [one, two, encoder, unit] = [input([3]), input([3]), dense(2), unitNormalization()];
 * const model = functional({
 *   inputs: { one, two },
 *   outputs: { one: connect(one, encoder, unit), two: connect(two, encoder, unit) },
 * });
 * const own = tensor([[1, 0, 0], [0, 1, 0], [0, 0, 1]]);
 * const data = arrays({ one: [[1, 0, 0], [0, 1, 0], [0, 0, 1]], two: [[2, 0, 1], [0, 2, 0], [0, 1, 2]] });
 * const steps = miniBatches(data, { epochs: 30, device: "cpu", threads: 1 }).pipe(
 *   forward(model),
 *   loss(({ outputs }) => {
 *     const likeness = matmul(outputs.one, transpose(outputs.two)).div(0.1);
 *     return { contrast: softmaxCrossEntropy(likeness, own) };
 *   }),
 *   backward(),
 *   update(sgd({ learningRate: 0.1 })),
 *   mergeMap((step) => step.values()),
 * );
 * const logs = await lastValueFrom(steps.pipe(toArray()));
 * assert.ok(logs[29].contrast_loss < logs[0].contrast_loss / 2);
 * ```
 *
 * Keras: `Model.compute_loss` is the function of a step; the `reduction` of a loss is
 * `sum_over_batch_size` and so on. Its log of
 * `mean_with_sample_weight` is the mean over batches; ours is that over the weights of the epoch.
 */
export function loss<
  X extends Tensors = Tensor,
  Y extends Tensors = Tensor,
  O extends Tensors = Tensor,
>(
  lossFunction: NoInfer<LossFunction<X, Y, O>>,
  options?: LossFunctionOptions,
): OperatorFunction<Forwarded<X, Y, O>, Scored<X, Y, O>>;
/** Compares outputs with targets, one by one. */
export function loss<
  X extends Tensors = Tensor,
  Y extends Tensors = Tensor,
  O extends Tensors = Tensor,
>(
  lossFunction: NoInfer<Losses<O>>,
  options?: NoInfer<LossOptions<O>>,
): OperatorFunction<Forwarded<X, Y, O>, Scored<X, Y, O>>;
export function loss<X extends Tensors, Y extends Tensors, O extends Tensors>(
  lossFunction: Losses<O> | AnyLossFunction,
  options: LossOptions<O> | LossFunctionOptions = {},
): OperatorFunction<Forwarded<X, Y, O>, Scored<X, Y, O>> {
  const { name = "loss" } = options;
  const reduction = checkReduction(options.reduction ?? "sumOverBatchSize");
  const criteria = criteriaOf(lossFunction, options.lossWeights as TermWeights);
  return stage("loss", "forward", (onRun) => {
    onRun((run) =>
      weightsOf(criteria).forEach(([part, weight]) =>
        run.scalars.resume(weight, lossWeightName(name, part))
      )
    );
    const judges = "terms" in criteria
      ? []
      : criteria.map(({ output, loss }) => ({ output, judge: loss }));
    let warned = false;
    const memory = new Memory<Omit<OutputScore, "records"> & { effect: Effect }>();
    return (step) => {
      const { model, x, outputs, y, sampleWeight, masks } = step;
      const { state, run } = step.frame;
      const scored = memory.get([x, outputs, masks, y, sampleWeight, state], () => {
        warned ||= warnOfLogits(model, outputs, judges);
        const judged = { inputs: x, outputs, targets: y, masks, access: step };
        const { value, count, records } = scoreOutputs(criteria, judged, {
          name,
          penalties: [...step.penalties, ...weightPenalties(model, state)],
          reduction,
          sampleWeight,
          classWeights: step.classWeights,
          scalar: (source, scalar) => run.scalars.scalar(source, scalar),
        });
        return {
          value,
          count,
          effect: { records, evaluation: { model, criteria, name, reduction } },
        };
      });
      step.frame.add(scored.effect);
      const byOutputs = typeof lossFunction === "function" ? undefined : lossFunction;
      return new Scored(step, byOutputs, scored.value, scored.count);
    };
  });
}
