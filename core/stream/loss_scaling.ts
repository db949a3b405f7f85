import type { Tensors } from "../nn/named.ts";
import type { OperatorFunction } from "../nn/rxjs_types.ts";
import type { Assignment } from "../graph/program.ts";
import { literal } from "../graph/leaf.ts";
import type { Tensor } from "../graph/tensor.ts";
import { checkCount } from "../nn/check_count.ts";
import { checkScalar } from "../nn/check_scalar.ts";
import { isFinite } from "../ops/is_finite.ts";
import { less } from "../ops/less.ts";
import { logicalAnd, logicalOr } from "../ops/logical.ts";
import { maximum } from "../ops/maximum.ts";
import { minimum } from "../ops/minimum.ts";
import { select } from "../ops/select.ts";
import { sum } from "../ops/sum.ts";
import { gradientsOf } from "./backward.ts";
import type { Effect } from "./frame.ts";
import { Memory, stage } from "./stage.ts";
import { checkNotDifferentiated } from "./stage_order.ts";
import { type AnyScored, Differentiated, type Scored } from "./stages.ts";

/** Options of {@link lossScaling}. */
export interface LossScalingOptions {
  /** First scale, from 1; default 2¹⁵. */
  readonly initialScale?: number;
  /** Steps without an overflow after which the scale is doubled, from 1; default 2000. */
  readonly growthSteps?: number;
}

/** The scale stays between 1 and what a float32 holds with room to spare. */
const largest = 2 ** 120;

/**
 * Takes the place of `backward` where small gradients would vanish in a number format of short
 * range: differentiates a loss that was made larger, and divides the gradients by the same scale.
 *
 * g = ∇(s·loss) / s. A step in which an element of ∇(s·loss) is NaN or infinite changes no weight
 * and no slot, and halves s, down to 1; after `growthSteps` steps without one s is doubled. Scale and
 * count live on the device: no step waits for them. The scale is logged as `loss_scale`. Gradients
 * that are not finite at a scale of 1 are no matter of scale, and end the run as they do without it.
 *
 * @param options First scale and growth.
 * @returns An operator from {@link Scored} to {@link Differentiated}.
 * @throws {RangeError} when an option is out of range; on the error channel, where the gradients of
 * this loss have been made above.
 *
 * With `dtypePolicy: "mixed_float16"` a GPU stores activations and their gradients in such a format.
 *
 * @example
 * ```ts
 * import {
 *   arrays, dense, forward, input, loss, lossScaling, meanSquaredError, miniBatches, sequential,
 *   sgd, update,
 * } from "@millrace/millrace";
 * import { lastValueFrom } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([1]), dense(1, { kernelInitializer: "zeros" })]);
 * const steps = miniBatches(arrays([[1]], [[2]]), { device: "cpu", threads: 1 }).pipe(
 *   forward(model),
 *   loss(meanSquaredError()),
 *   lossScaling(),
 *   update(sgd({ learningRate: 0.125 })),
 * );
 * await lastValueFrom(steps);
 * assert.deepEqual([...model.parameters[0].value], [0.5]);
 * ```
 *
 * Source: Micikevicius and others, "Mixed precision training", 2018; Keras 3,
 * `LossScaleOptimizer(initial_scale=2**15, dynamic_growth_steps=2000)`. Keras leaves out a skipped
 * step when it counts iterations; here an optimizer counts it, so that Adam's bias correction is a
 * step ahead.
 */
export function lossScaling<
  X extends Tensors = Tensor,
  Y extends Tensors = Tensor,
  O extends Tensors = Tensor,
>(
  options: LossScalingOptions = {},
): OperatorFunction<Scored<X, Y, O>, Differentiated<X, Y, O>> {
  const { initialScale = 2 ** 15 } = options;
  checkScalar("initialScale of lossScaling", initialScale, {
    minimum: 1,
    maximum: largest,
  });
  const growthSteps = checkCount("growthSteps of lossScaling", options.growthSteps ?? 2000, 1);
  return stage("lossScaling", "loss", (onRun) => {
    const memory = new Memory<Scaled>();
    let name = "scaling";
    // Its state is on the device; what is kept here is the name that it is saved under.
    onRun((run) => name = run.keep(name, { save: () => null, restore: () => {} }));
    return (step) => {
      checkNotDifferentiated("lossScaling", step);
      const { effect, gradients, usable } = memory.get(
        [step.loss, step.frame.state],
        () => scaled(step, name, initialScale, growthSteps),
      );
      step.frame.add(effect);
      return new Differentiated(step, gradients, { usable });
    };
  });
}

interface Scaled {
  readonly effect: Effect;
  readonly gradients: Differentiated["gradients"];
  readonly usable: Tensor;
}

function scaled(step: AnyScored, name: string, initialScale: number, growthSteps: number): Scaled {
  const { weightTable } = step.frame.run;
  const scale = weightTable.slot(`${name}/scale`, [], initialScale);
  const calm = weightTable.slot(`${name}/calm`, [], 0);
  const found = gradientsOf(step, step.loss.mul(scale));
  const sound = [...found.values()]
    .map((gradient) => less(sum(select(isFinite(gradient), 0, 1)), 1));
  // Of a frozen model there are none.
  const fits = sound.length > 0
    ? sound.reduce((all, one) => logicalAnd(all, one))
    : literal(1, "bool");
  const counted = calm.add(1);
  const grows = less(growthSteps - 0.5, counted);
  const assignments: Assignment[] = [
    {
      state: scale,
      value: select(
        fits,
        select(grows, minimum(scale.mul(2), largest), scale),
        maximum(scale.div(2), 1),
      ),
    },
    { state: calm, value: select(logicalAnd(fits, less(counted, growthSteps)), counted, 0) },
  ];
  const record = {
    name: "loss_scale",
    totals: [scale, 1],
    result: (total: Float64Array, count: Float64Array) => total[0] / count[0],
  };
  return {
    effect: { assignments, records: [record] },
    gradients: new Map(
      [...found].map(([parameter, gradient]) => [parameter, gradient.div(scale)]),
    ),
    usable: logicalOr(fits, less(scale, 1.5)),
  };
}
