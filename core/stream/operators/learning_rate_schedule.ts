import { defer, type Observable, tap } from "rxjs";
import type { MonoTypeOperatorFunction } from "../../nn/rxjs_types.ts";
import { checkScalar } from "../../nn/check_scalar.ts";
import { checkHyperparameter, type Hyperparameter } from "../../nn/hyperparameter.ts";
import type { Epoch } from "../epoch.ts";
import { checkPresent } from "../frame.ts";
import { checkStage } from "../stage_order.ts";
import type { AnyBatch } from "../stages.ts";
import { unusedWarning } from "../unused_warning.ts";
import { checkRule, followSchedule } from "./follow_schedule.ts";

/** What a schedule of learning rates goes by. */
export interface LearningRateScheduleState {
  /** Epochs completed, from 0: the index of the epoch that the rate is for. */
  readonly epoch: number;
  /** Steps completed, from 0: the index of the step that the rate is for; 0 where it goes by epochs. */
  readonly step: number;
  /** The present rate. */
  readonly learningRate: number;
}

/** Options of {@link learningRateSchedule}. */
export interface LearningRateScheduleOptions<Every extends "epoch" | "step" = "epoch" | "step"> {
  /** Whether the rate is set for each epoch, or for each step; default `"epoch"`. */
  readonly every?: Every;
}

/**
 * Sets a learning rate for each epoch, or for each step, from a function.
 *
 * @param hyperparameter The rate, which the optimizer was given.
 * @param schedule The rate for the epoch that follows `epoch` completed ones, from 0; called with
 * 0 on subscription, and after each epoch for the next. Among steps it is called for each of them.
 * @param options By epochs or steps.
 * @returns An operator on epochs or on steps, which it passes on as they are. What `schedule` throws, and a
 * `RangeError` for a rate that is negative or not finite, goes down the error channel.
 *
 * @example
 * ```ts
 * import { type Epoch, hyperparameter, learningRateSchedule } from "@millrace/millrace";
 * import { lastValueFrom, of } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const rate = hyperparameter(0.1);
 * const halved = learningRateSchedule(rate, ({ epoch }) => 0.1 * 0.5 ** epoch);
 * await lastValueFrom(of({ epoch: 1 } as Epoch, { epoch: 2 } as Epoch).pipe(halved));
 * assert.equal(rate.value, 0.025);
 * ```
 *
 * Source: Keras 3, `LearningRateScheduler`, which also counts epochs from 0 and asks for the first
 * one. It asks at the beginning of an epoch, we at the end of the one before, so the last rate set
 * is that of an epoch that does not come.
 */
export function learningRateSchedule<E extends Epoch>(
  hyperparameter: Hyperparameter,
  schedule: (state: LearningRateScheduleState) => number,
  options?: LearningRateScheduleOptions<"epoch">,
): MonoTypeOperatorFunction<E>;
/** Among steps: sets the rate of every step before it runs. */
export function learningRateSchedule<Step extends AnyBatch>(
  hyperparameter: Hyperparameter,
  schedule: (state: LearningRateScheduleState) => number,
  options: LearningRateScheduleOptions<"step">,
): MonoTypeOperatorFunction<Step>;
export function learningRateSchedule(
  hyperparameter: Hyperparameter,
  schedule: (state: LearningRateScheduleState) => number,
  { every = "epoch" }: LearningRateScheduleOptions = {},
): MonoTypeOperatorFunction<Epoch> | MonoTypeOperatorFunction<AnyBatch> {
  checkHyperparameter("the rate of learningRateSchedule", hyperparameter);
  checkRule("learningRateSchedule", schedule);
  const rateFor = (epoch: number, step: number) =>
    checkScalar(
      "the rate of learningRateSchedule",
      schedule({ epoch, step, learningRate: hyperparameter.value }),
      { minimum: 0 },
    );
  const name = "learningRateSchedule";
  if (every === "epoch") {
    return followSchedule<Epoch>(name, hyperparameter, (epoch) => rateFor(epoch, 0));
  }
  if (every !== "step") {
    throw new RangeError(
      `Cannot use learningRateSchedule as every must be "epoch" or "step": received ` +
        JSON.stringify(every),
    );
  }
  return (source: Observable<AnyBatch>) =>
    defer(() => {
      const warn = unusedWarning(name, hyperparameter);
      return source.pipe(tap((event) => {
        checkStage(name, "miniBatches", event);
        checkPresent(event.frame);
        warn(event);
        // The step has not run yet: it will use this rate.
        hyperparameter.next(rateFor(event.epoch - 1, event.step - 1));
      }));
    });
}
