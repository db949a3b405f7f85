import type { AnyModel } from "../nn/connect.ts";

/**
 * Settles when a model's parameters hold its newest weights: while a run trains, those after the
 * step that is being made, or after the last one; when a run has been cut short on a GPU, those that
 * it has left, which come a moment later. After a run that has completed they are there; where an
 * operator has cut it short, as `earlyStopping` and `take` do, they are once its end has been passed
 * on, so that those below (`last`, `map`) wait for this promise. So do those behind an operator that
 * puts other weights back at the end: the best ones (`restoreBest`), or those of the last step in the
 * place of averages (`exponentialMovingAverage({ keep: false })`); on a GPU they come a moment later, too.
 *
 * `predict`, `predictions`, an open model, `evaluate`, `generate`, `copyWeights` and `saveWeights`
 * wait for it by themselves. The other way, what a parameter is set to while a run trains counts
 * from the next step on. On a GPU several steps may have been sent before a promise settles: what
 * must happen at one step is part of it, as `step.assign` and {@link updateTarget}.
 *
 * @param model The model.
 *
 * @example The newest weights in mid-run, here after each of two steps.
 * ```ts
 * import {
 *   arrays, backward, dense, forward, input, loss, meanSquaredError, miniBatches, sequential, settled,
 *   sgd, update,
 * } from "@millrace/millrace";
 * import { lastValueFrom, tap } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([1]), dense(1, { useBias: false, kernelInitializer: "zeros" })]);
 * const data = arrays([[1], [1]], [[2], [2]]);
 * const seen: number[] = [];
 * const look = async () => {
 *   await settled(model);
 *   seen.push(model.parameters[0].value[0]);
 * };
 * const steps = miniBatches(data, { batchSize: 1, device: "cpu", threads: 1 }).pipe(
 *   forward(model),
 *   loss(meanSquaredError()),
 *   backward(),
 *   update(sgd({ learningRate: 0.25 })),
 *   tap((step) => step.hold(look())),
 * );
 * await lastValueFrom(steps);
 * assert.deepEqual(seen, [1, 1.5]);
 * ```
 */
export async function settled(model: AnyModel): Promise<void> {
  const holders = new Set(model.parameters.flatMap(({ holder }) => holder ?? []));
  if (holders.size > 0) await Promise.all([...holders].map((holder) => holder.settle()));
}
