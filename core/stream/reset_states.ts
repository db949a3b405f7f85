import type { Tensor } from "../graph/tensor.ts";
import type { MonoTypeOperatorFunction } from "../nn/rxjs_types.ts";
import type { Tensors } from "../nn/named.ts";
import type { Parameter } from "../nn/parameter.ts";
import { greater } from "../ops/greater.ts";
import { select } from "../ops/select.ts";
import type { Frame } from "./frame.ts";
import { stage } from "./stage.ts";
import type { Batch } from "./stages.ts";

/** Says at which batches states begin anew. */
export type ResetRule = (batch: Pick<Batch, "epoch" | "step" | "stepInEpoch">) => boolean;

/**
 * Lets stateful layers begin with zeros, rather than with the states that the batch before has left,
 * at the first batch of every epoch or where a function says so. It stands before {@link forward}, or
 * in the `batchOperators` of {@link fit}.
 *
 * @param when True for a batch where new sequences begin; by default the first of an epoch.
 * @returns An operator from {@link Batch} to {@link Batch}.
 * @throws {RangeError} on the error channel, when no layer of the pipe's models is stateful.
 *
 * @example
 * ```ts
 * import {
 *   arrays, dense, fit, input, lstm, meanSquaredError, resetStates, sequential, sgd,
 * } from "@millrace/millrace";
 * import { lastValueFrom } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * // A series of 12 numbers in two rows of six, of which a batch has two steps each.
 * const cell = lstm(4, { stateful: true, batchSize: 2 });
 * const model = sequential([input([2, 1]), cell, dense(1)]);
 * const x = [[[1], [2]], [[7], [8]], [[3], [4]], [[9], [10]], [[5], [6]], [[11], [12]]];
 * const training = fit(model, arrays(x, [[3], [9], [5], [11], [7], [13]]), {
 *   loss: meanSquaredError(),
 *   optimizer: sgd(),
 *   batchSize: 2,
 *   shuffle: false,
 *   batchOperators: [resetStates()],
 *   device: "cpu",
 *   threads: 1,
 * });
 * await lastValueFrom(training);
 * assert.ok(model.getLayer("lstm_1").weights.get("states")!.value.some((value) => value !== 0));
 * ```
 *
 * Keras: `reset_states()` in a callback.
 */
export function resetStates<X extends Tensors = Tensor, Y extends Tensors = Tensor>(
  when: ResetRule = ({ stepInEpoch }) => stepInEpoch === 1,
): MonoTypeOperatorFunction<Batch<X, Y>> {
  return stage("resetStates", "miniBatches", () => {
    return (batch) => {
      const { frame } = batch;
      checkStateful(frame);
      frame.resettable = true;
      frame.resetsStates ||= when(batch);
      return batch;
    };
  });
}

/** Refuses a run whose models have no states; one that does not know its models yet may have some. */
function checkStateful({ state }: Frame): void {
  if (state.size === 0 || [...state.keys()].some((parameter) => parameter.state)) return;
  throw new RangeError(
    "Cannot reset states as no layer is stateful: make one with { stateful: true, batchSize }, or " +
      "leave resetStates out",
  );
}

/** Weights as they are, but for states as the last step has left them: a scalar makes these zeros. */
export function resettable(
  { run }: Frame,
  state: ReadonlyMap<Parameter, Tensor>,
): ReadonlyMap<Parameter, Tensor> {
  const keeps = greater(
    run.scalars.computed("keep_states", () => run.frame?.resetsStates ? 0 : 1),
    0,
  );
  const { leaves } = run.weightTable;
  return new Map(
    [...state].map(([parameter, value]) => {
      const isLeft = parameter.state && value === leaves.get(parameter);
      return [parameter, isLeft ? select(keeps, value, 0) : value] as const;
    }),
  );
}
