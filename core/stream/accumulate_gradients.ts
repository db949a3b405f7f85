import type { Tensors } from "../nn/named.ts";
import type { MonoTypeOperatorFunction } from "../nn/rxjs_types.ts";
import type { Assignment } from "../graph/program.ts";
import { Tensor } from "../graph/tensor.ts";
import { checkCount } from "../nn/check_count.ts";
import type { Parameter } from "../nn/parameter.ts";
import { less } from "../ops/less.ts";
import { maximum } from "../ops/maximum.ts";
import { select } from "../ops/select.ts";
import type { Effect } from "./frame.ts";
import { Memory, stage } from "./stage.ts";
import { checkUnused } from "./stage_order.ts";
import { type AnyDifferentiated, Differentiated } from "./stages.ts";

/** What a schedule of accumulation goes by. */
export interface AccumulationScheduleState {
  /** Epochs completed, from 0: the index of the epoch that the number is for. */
  readonly epoch: number;
}

/** Batches to an update: a number from 1, or the number for each epoch. */
export type AccumulationSteps = number | ((state: AccumulationScheduleState) => number);

/**
 * Gathers the gradients of several batches for one update, as of one batch that is so much larger.
 *
 * g = Σ nᵢ·gᵢ / Σ nᵢ over the batches, where nᵢ is what the loss of a batch was divided by: its samples,
 * or the steps that count where there is a mask or an ignored class. So this is the gradient of all of
 * them together. (Of several outputs with masks of their own, nᵢ are the samples.) Where the loss is a
 * sum, by `reduction: "sum"`, it is g = Σ gᵢ, with the penalties of each batch.
 *
 * Weights, optimizer slots and the optimizer's count of iterations change with every n-th batch alone;
 * schedules of the learning rate go by updates. An epoch's last batch ends the gathering, however many
 * there are, so that no batch is lost and an epoch may have another n than the one before.
 *
 * Gradients are summed on the device. Put it right below `backward`: what clips or adds noise
 * belongs below it, to act on the sum.
 *
 * @param batches Batches to an update, from 1, or a function that is asked at each epoch's first step.
 * @returns An operator from {@link Differentiated} to {@link Differentiated}. Steps that only
 * gather have `updates` false.
 * @throws {RangeError} when the number is not a whole one from 1; on the error channel when it
 * comes from a function.
 *
 * @example
 * ```ts
 * import {
 *   accumulateGradients, arrays, backward, dense, forward, input, loss, meanSquaredError,
 *   miniBatches, sequential, sgd, update,
 * } from "@millrace/millrace";
 * import { lastValueFrom } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([1]), dense(1, { useBias: false, kernelInitializer: "zeros" })]);
 * const data = arrays([[1], [1]], [[1], [3]]);
 * const steps = miniBatches(data, { batchSize: 1, device: "cpu", threads: 1 }).pipe(
 *   forward(model),
 *   loss(meanSquaredError()),
 *   backward(),
 *   accumulateGradients(2),
 *   update(sgd({ learningRate: 0.25 })),
 * );
 * await lastValueFrom(steps);
 * // The gradients are −2 and −6, so that one step goes 0.25 · 4.
 * assert.deepEqual([...model.parameters[0].value], [1]);
 * ```
 *
 * Source: Keras 3, `gradient_accumulation_steps`, which goes on across epochs, drops what is left
 * at the end of training, and weights batches alike whatever their size. Lightning:
 * `accumulate_grad_batches`, `GradientAccumulationScheduler`, which also end with the epoch.
 */
export function accumulateGradients<
  X extends Tensors = Tensor,
  Y extends Tensors = Tensor,
  O extends Tensors = Tensor,
>(
  batches: AccumulationSteps,
): MonoTypeOperatorFunction<Differentiated<X, Y, O>> {
  if (typeof batches === "number") checked(batches);
  return stage("accumulateGradients", "backward", (onRun) => {
    const memory = new Memory<Gathered>();
    const state: AccumulationState = { batches: 1, gathered: 0, samples: 0 };
    let name = "accumulate";
    onRun((run) =>
      name = run.keep(name, {
        save: () => ({ ...state }),
        restore: (saved) => void Object.assign(state, saved),
      })
    );
    return (step) => {
      const last = count(state, step, batches);
      const first = state.gathered === 1;
      if (last) state.gathered = 0;
      if (first && last) return step;
      const { run } = step.frame;
      const { effect, gradients, usable } = memory.get(
        [step.gradients, step.usable, first, last],
        () => {
          // Read when the step is sent, which is before the next one comes.
          const samples = run.scalars.computed(`${name}/samples`, () => state.samples);
          return gather(step, name, first, last, samples);
        },
      );
      step.frame.add(effect);
      return new Differentiated(step, gradients, { updates: last, usable });
    };
  });
}

/** What a subscription remembers. */
interface AccumulationState {
  /** Batches to an update in this epoch. */
  batches: number;
  /** Batches since the last update. */
  gathered: number;
  /** Samples in them. */
  samples: number;
}

/** Takes note of a step; true when it is the one that updates. */
function count(
  state: AccumulationState,
  { epoch, stepInEpoch, stepsPerEpoch, samples }: AnyDifferentiated,
  batches: AccumulationSteps,
): boolean {
  if (stepInEpoch === 1) {
    state.batches = typeof batches === "number" ? batches : checked(batches({ epoch: epoch - 1 }));
    state.gathered = 0;
  }
  state.samples = (state.gathered === 0 ? 0 : state.samples) + samples;
  state.gathered++;
  return state.gathered === state.batches || stepInEpoch === stepsPerEpoch;
}

function checked(batches: number): number {
  return checkCount("the batches of accumulateGradients", batches, 1);
}

interface Gathered {
  readonly effect: Effect;
  readonly gradients: Differentiated["gradients"];
  readonly usable: Tensor | undefined;
}

/** The least that is divided by. */
const tiny = 2 ** -100;

/** Adds a step's gradients to the sums, or takes their mean where it is the last; of `samples`. */
function gather(
  step: AnyDifferentiated,
  name: string,
  first: boolean,
  last: boolean,
  samples: Tensor,
): Gathered {
  checkUnused("accumulateGradients", step);
  const { run } = step.frame;
  const assignments: Assignment[] = [];
  const sum = (slot: string, value: Tensor): Tensor => {
    const leaf = run.weightTable.slot(`${name}/${slot}`, value.shape, 0);
    const total = first ? value : leaf.add(value);
    if (!last) assignments.push({ state: leaf, value: total });
    return total;
  };
  const { count } = step;
  // Where only the device knows it, it may be 0, and all gradients are then.
  const divisor = count instanceof Tensor ? maximum(sum("count", count), tiny) : samples;
  const gradients = new Map<Parameter, Tensor>();
  for (const [parameter, gradient] of step.gradients) {
    const total = sum(
      run.weightTable.nameOf(parameter),
      count === null ? gradient : gradient.mul(count),
    );
    const gathered = count === null ? total : total.div(divisor);
    gradients.set(parameter, last ? gathered : gradient);
  }
  // One batch that may not be used spoils the sum.
  const spoiled = step.usable && sum("spoiled", select(step.usable, 0, 1));
  return {
    effect: { assignments },
    gradients,
    usable: last && spoiled ? less(spoiled, 1) : step.usable,
  };
}
