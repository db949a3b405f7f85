import type { OperatorFunction } from "../nn/rxjs_types.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Loss } from "../nn/loss.ts";
import type { Effect } from "./frame.ts";
import { lossTotal, lossValue, weightPenalties } from "./score.ts";
import { Memory, stage } from "./stage.ts";
import { type Forwarded, Scored } from "./stages.ts";

/** Options of {@link loss}. */
export interface LossOptions {
  /** Log name; default `loss`. Two losses in one pipe need two names. */
  readonly name?: string;
}

/**
 * Compares outputs with targets: the mean loss over the batch, which is also logged.
 *
 * Penalties are part of it, as in Keras: those of the regularizers of the model's trainable weights,
 * and those that its layers have added.
 *
 * @param lossFunction The loss, for one value a sample.
 * @param options Log name.
 * @returns An operator from {@link Forwarded} to {@link Scored}.
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
 * const steps = miniBatches(arrays([[1], [2]], [[2], [4]]), { device: "cpu", threads: 1 }).pipe(
 *   forward(model),
 *   loss(meanSquaredError()),
 *   mergeMap((step) => step.values()),
 * );
 * assert.deepEqual(await lastValueFrom(steps), { loss: 10 });
 * ```
 */
export function loss(
  lossFunction: Loss,
  options: LossOptions = {},
): OperatorFunction<Forwarded, Scored> {
  const { name = "loss" } = options;
  return stage(() => {
    const memory = new Memory<{ value: Tensor; effect: Effect }>();
    return (step) => {
      const { model, outputs, penalties, y } = step;
      const { state } = step.frame;
      const scored = memory.get([outputs, y, state], () => {
        const losses = lossFunction.apply(y, outputs);
        const all = [...penalties, ...weightPenalties(model, state)];
        const record = {
          name,
          totals: [lossTotal(losses, all), step.samples],
          result: ([total]: Float64Array, [count]: Float64Array) => total / count,
          guarded: true,
        };
        const evaluation = { model, loss: lossFunction, name };
        return { value: lossValue(losses, all), effect: { records: [record], evaluation } };
      });
      step.frame.add(scored.effect);
      return new Scored(step, lossFunction, scored.value);
    };
  });
}
