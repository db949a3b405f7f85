import { checkScalar } from "../check_scalar.ts";
import type { Schedule } from "./schedule.ts";

/**
 * The same number at every iteration.
 *
 * @param value The number, finite.
 * @returns A schedule.
 * @throws {RangeError} when `value` is not a finite number.
 *
 * @example
 * ```ts
 * import { constantSchedule } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.equal(constantSchedule(0.1)(1000), 0.1);
 * ```
 *
 * Keras: a number as `learning_rate`. PyTorch: `ConstantLR(factor=1)`.
 */
export function constantSchedule(value: number): Schedule {
  checkScalar("the value of constantSchedule", value);
  return () => value;
}
