import type { Tensor } from "../graph/tensor.ts";
import type { OperatorFunction } from "../nn/rxjs_types.ts";
import type { AnyModel } from "../nn/connect.ts";
import type { Model } from "../nn/model.ts";
import type { Tensors } from "../nn/named.ts";
import { type Applied, applyModel } from "./apply_model.ts";
import { checkModel } from "./check_model.ts";
import type { Frame } from "./frame.ts";
import { meetLayers } from "./meet_scalars.ts";
import type { Run } from "./run.ts";
import { resettable } from "./reset_states.ts";
import { Memory, stage } from "./stage.ts";
import { type Batch, Forwarded } from "./stages.ts";

/**
 * Sends every batch through a model, as in training: dropout acts, and moving averages move.
 *
 * Each forward stage of a pipe draws random numbers of its own, masks and noise.
 *
 * @param model The model; its weights are put on the run's device at the first batch, and come
 * back when the run ends.
 * @returns An operator from {@link Batch} to {@link Forwarded}.
 * @throws {ShapeError} on the error channel, when the batch does not fit the model.
 *
 * @example
 * ```ts
 * import { arrays, dense, forward, input, miniBatches, sequential } from "@millrace/millrace";
 * import { lastValueFrom } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([1]), dense(3)]);
 * const batches = miniBatches(arrays([[1], [2]], [[2], [4]]), { device: "cpu", threads: 1 });
 * const { outputs } = await lastValueFrom(batches.pipe(forward(model)));
 * assert.deepEqual(outputs.shape, [2, 3]);
 * ```
 */
export function forward<
  X extends Tensors,
  O extends Tensors,
  Y extends Tensors = Tensor,
>(model: Model<X, O>): OperatorFunction<Batch<X, Y>, Forwarded<X, Y, O>> {
  checkModel("make a stage as forward", model);
  return stage("forward", "miniBatches", (onRun) => {
    let stream = "";
    onRun((run) => {
      stream = run.nextStream();
      run.addModel(model);
      run.weightTable.expectChanges(model);
      meetLayers(run, model);
    });
    const memory = new Memory<Applied<O>>();
    const states = new Memory<Frame["state"]>();
    return (batch) => {
      const { frame } = batch;
      const { run } = frame;
      // In a branch below a share, stages of another one have made states without this model's.
      const state = states.get([frame.state, frame.resettable], () => {
        const weights = withWeights(frame.state, run, model);
        return frame.resettable ? resettable(frame, weights) : weights;
      });
      frame.state = state;
      const { outputs, masks, penalties, effect } = memory.get(
        [batch.x, state],
        () => applyModel(run, model, state, batch.x, true, run.weightTable.leaves, stream),
      );
      if (effect) frame.add(effect);
      return new Forwarded(batch, model, outputs, penalties, masks);
    };
  });
}

/** A state that has a model's weights. */
function withWeights(state: Frame["state"], run: Run, model: AnyModel): Frame["state"] {
  if (model.parameters.every((parameter) => state.has(parameter))) return state;
  return new Map([...run.weightTable.leaves, ...state]);
}
