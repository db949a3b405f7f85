import type { OperatorFunction } from "../nn/rxjs_types.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Tensors } from "../nn/named.ts";
import type { Parameter } from "../nn/parameter.ts";
import { gradients, isIndependent } from "../ops/gradients.ts";
import { Memory, stage } from "./stage.ts";
import { checkNotDifferentiated } from "./stage_order.ts";
import { type AnyScored, Differentiated, type Scored } from "./stages.ts";

/**
 * Adds the gradient of the loss for every trainable weight of the model.
 *
 * Gradients are tensors like others: an operator may scale, clip or add to them. Where a pipe holds
 * several groups of stages, the weights that an `update` above has made are given: no gradient leads
 * through it.
 *
 * @returns An operator from {@link Scored} to {@link Differentiated}.
 * @throws {RangeError} on the error channel, where the gradients of this loss have been made above.
 * @throws {Error} on the error channel, when the loss depends on none of the model's trainable weights.
 *
 * @example
 * ```ts
 * import {
 *   arrays, backward, dense, forward, input, loss, meanSquaredError, miniBatches, sequential,
 * } from "@millrace/millrace";
 * import { lastValueFrom, mergeMap } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([1]), dense(1, { kernelInitializer: "zeros" })]);
 * const gradient = miniBatches(arrays([[1]], [[2]]), { device: "cpu", threads: 1 }).pipe(
 *   forward(model),
 *   loss(meanSquaredError()),
 *   backward(),
 *   mergeMap((step) => step.gradients.get(model.parameters[0])!.data()),
 * );
 * assert.deepEqual([...await lastValueFrom(gradient)], [-4]);
 * ```
 */
export function backward<
  X extends Tensors = Tensor,
  Y extends Tensors = Tensor,
  O extends Tensors = Tensor,
>(): OperatorFunction<Scored<X, Y, O>, Differentiated<X, Y, O>> {
  return stage("backward", "loss", () => {
    const memory = new Memory<ReadonlyMap<Parameter, Tensor>>();
    return (step) => {
      checkNotDifferentiated("backward", step);
      const { state } = step.frame;
      const result = memory.get([step.loss, state], () => gradientsOf(step, step.loss));
      return new Differentiated(step, result);
    };
  });
}

/** The gradient of `loss` for each trainable weight of the step's model. */
export function gradientsOf(step: AnyScored, loss: Tensor): Differentiated["gradients"] {
  const { state } = step.frame;
  const trained = step.model.trainableParameters;
  const weights = trained.map((parameter) => state.get(parameter)!);
  const found = gradients(loss, weights);
  if (weights.length > 0 && isIndependent(loss, weights)) {
    throw new Error(
      `Cannot differentiate the loss as it varies smoothly with no trainable weight of the model ` +
        `${step.model.name}: training would change nothing (comparisons, argMax, stopGradient and ` +
        `casts to whole numbers have no gradient)`,
    );
  }
  return new Map(trained.map((parameter, place) => [parameter, found[place]]));
}
