import { defer, tap } from "rxjs";
import type { MonoTypeOperatorFunction } from "../../nn/rxjs_types.ts";
import type { Hyperparameter } from "../../nn/hyperparameter.ts";
import { received } from "../../state/received.ts";
import type { Epoch } from "../epoch.ts";
import { checkEpoch } from "../stage_order.ts";
import { unusedWarning } from "../unused_warning.ts";

/**
 * Sets a hyperparameter for the first epoch on subscription, and after each epoch for the next.
 *
 * @param operator Whose schedule it is, for messages.
 * @param hyperparameter The number to set.
 * @param numberFor The number for the epoch that follows so many completed ones.
 * @returns An operator on epochs, which it passes on as they are; what `numberFor` throws goes down
 * the error channel.
 */
export function followSchedule<E extends Epoch>(
  operator: string,
  hyperparameter: Hyperparameter,
  numberFor: (completed: number) => number,
): MonoTypeOperatorFunction<E> {
  return (source) =>
    defer(() => {
      // Also so that a second run does not begin where the first one's schedule ended.
      hyperparameter.next(numberFor(0));
      const warn = unusedWarning(operator, hyperparameter);
      return source.pipe(tap((event) => {
        checkEpoch(operator, event);
        warn(event);
        hyperparameter.next(numberFor(event.epoch));
      }));
    });
}

/**
 * Refuses what is no rule of a schedule.
 *
 * @param operator Whose rule it is, for messages.
 * @param rule What was given.
 * @throws {TypeError} when it is no function.
 */
export function checkRule(operator: string, rule: unknown): void {
  if (typeof rule === "function") return;
  throw new TypeError(
    `Cannot use ${operator} as its rule must be a function, such as ({ epoch }) => 0.1 * 0.9 ** ` +
      `epoch: received ${received(rule)}`,
  );
}
