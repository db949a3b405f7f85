import type { MonoTypeOperatorFunction } from "../nn/rxjs_types.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Tensors } from "../nn/named.ts";
import { Memory, stage } from "./stage.ts";
import { checkUnused } from "./stage_order.ts";
import { type AnyDifferentiated, Differentiated } from "./stages.ts";
import { checkMatch, matcherOf, type WeightPattern } from "../nn/weight_pattern.ts";

/** Which weights stand still at a step. */
export type FreezeRule = (name: string, step: AnyDifferentiated) => boolean;

/**
 * Holds weights where they are: they have no gradients below, so that optimizers leave them alone,
 * their slots and weight decay too, and their gradients are not computed.
 *
 * A function of the weight's name and the step freezes and unfreezes on a schedule; each set of
 * frozen weights is planned once and found again. What layers assign themselves, such as moving
 * averages, goes on; to hold those too, make the layer with `trainable: false`, which is also the
 * way for layers that never learn: they have no gradients at all, and no penalties.
 *
 * @param pattern A layer (`dense_1`), a weight (`dense_1/kernel`), several, a regular expression, or
 * a function that is true for weights that stand still.
 * @returns An operator from {@link Differentiated} to {@link Differentiated}.
 * @throws {RangeError} on the error channel, when a pattern means no weight of the model.
 *
 * @example
 * ```ts
 * import {
 *   arrays, backward, dense, forward, freeze, input, loss, meanSquaredError, miniBatches,
 *   sequential, sgd, update,
 * } from "@millrace/millrace";
 * import { lastValueFrom } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([1]), dense(1, { kernelInitializer: "ones" }), dense(1)]);
 * const steps = miniBatches(arrays([[1]], [[2]]), { epochs: 4, device: "cpu", threads: 1 }).pipe(
 *   forward(model),
 *   loss(meanSquaredError()),
 *   backward(),
 *   // The first layer begins to learn at the third epoch; its bias never does.
 *   freeze((name, { epoch }) => name.startsWith("dense_1/") && epoch < 3),
 *   freeze("dense_1/bias"),
 *   update(sgd({ learningRate: 0.1 })),
 * );
 * await lastValueFrom(steps);
 * assert.notDeepEqual([...model.parameters[0].value], [1]);
 * assert.deepEqual([...model.parameters[1].value], [0]);
 * ```
 *
 * Keras: `layer.trainable = False`, which takes a new `compile`. PyTorch: `requires_grad_(False)`.
 * Lightning: `BackboneFinetuning`.
 */
export function freeze<
  X extends Tensors = Tensor,
  Y extends Tensors = Tensor,
  O extends Tensors = Tensor,
>(
  pattern: WeightPattern | FreezeRule,
): MonoTypeOperatorFunction<Differentiated<X, Y, O>> {
  const stands: FreezeRule = typeof pattern === "function" ? pattern : matcherOf(pattern);
  return stage("freeze", "backward", () => {
    const memory = new Memory<Differentiated["gradients"]>();
    return (step) => {
      const parameters = [...step.gradients.keys()];
      const frozen = parameters.map((parameter) => stands(step.model.nameOf(parameter), step));
      const gradients = memory.get([step.gradients, frozen.map(Number).join("")], () => {
        checkUnused("freeze", step);
        if (typeof pattern !== "function") {
          checkMatch("freeze weights", pattern, step.model);
        }
        return new Map([...step.gradients].filter((_, place) => !frozen[place]));
      });
      return new Differentiated(step, gradients);
    };
  });
}
