import type { MonoTypeOperatorFunction } from "../../nn/rxjs_types.ts";
import { checkHyperparameter, type Hyperparameter } from "../../nn/hyperparameter.ts";
import type { Epoch } from "../epoch.ts";
import { checkRule, followSchedule } from "./follow_schedule.ts";

/** What a schedule of dropout rates goes by. */
export interface DropoutScheduleState {
  /** Epochs completed, from 0: the index of the epoch that the rate is for. */
  readonly epoch: number;
}

/**
 * Sets a dropout rate for each epoch from a function.
 *
 * @param rate The rate, which `dropout` was given.
 * @param schedule The rate for the epoch that follows `epoch` completed ones, from 0 to below 1;
 * called with 0 on subscription, and after each epoch for the next.
 * @returns An operator on epochs, which it passes on as they are. What `schedule` throws, and a
 * `RangeError` for a rate out of range, goes down the error channel.
 *
 * @example
 * ```ts
 * import { dropoutSchedule, type Epoch, hyperparameter } from "@millrace/millrace";
 * import { lastValueFrom, of } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const rate = hyperparameter(0.5);
 * const falling = dropoutSchedule(rate, ({ epoch }) => 0.5 / (1 + epoch));
 * await lastValueFrom(of({ epoch: 1 } as Epoch).pipe(falling));
 * assert.equal(rate.value, 0.25);
 * ```
 *
 * Source: the same rule as {@link learningRateSchedule}; Keras has none for dropout.
 */
export function dropoutSchedule<E extends Epoch>(
  rate: Hyperparameter,
  schedule: (state: DropoutScheduleState) => number,
): MonoTypeOperatorFunction<E> {
  checkHyperparameter("the rate of dropoutSchedule", rate);
  checkRule("dropoutSchedule", schedule);
  return followSchedule("dropoutSchedule", rate, (epoch) => {
    const value = schedule({ epoch });
    if (value >= 0 && value < 1) return value;
    throw new RangeError(
      `Cannot use the rate of dropoutSchedule after epoch ${epoch} as it must be from 0 to below ` +
        `1: received ${value}`,
    );
  });
}
