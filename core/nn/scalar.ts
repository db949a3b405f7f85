import { Observable as Stream } from "rxjs";
import { checkScalar, type ScalarRange } from "./check_scalar.ts";
import type { Hyperparameter } from "./hyperparameter.ts";
import type { Observable } from "./rxjs_types.ts";

/**
 * Where a number that may change between steps comes from.
 *
 * - a number: the same at every step;
 * - a {@link Hyperparameter}: its value when the step is sent;
 * - an observable of numbers: the latest one; it must give its first number on subscription;
 * - a function of the iteration, counted from 0 as in Keras's schedules: its result.
 *
 * The numbers reach the kernels through the step's scalar block and are never part of a plan.
 */
export type ScalarSource =
  | number
  | Hyperparameter
  | Observable<number>
  | ((iteration: number) => number);

/**
 * Refuses what is no {@link ScalarSource}, and a constant outside its range.
 *
 * The numbers of a stream or a function are known only later, and are checked as each step is sent.
 *
 * @param name What the scalar is, for the message.
 * @param source The source.
 * @param range What is allowed; any finite number by default.
 * @returns The source.
 * @throws {RangeError} when a constant is out of range.
 * @throws {TypeError} when it is neither number, function nor observable.
 *
 * @example
 * ```ts
 * import { checkScalarSource, hyperparameter } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const rate = hyperparameter(0.1);
 * assert.equal(checkScalarSource("rate", rate, { minimum: 0 }), rate);
 * assert.throws(() => checkScalarSource("rate", -1, { minimum: 0 }), RangeError);
 * ```
 */
export function checkScalarSource<Source extends ScalarSource>(
  name: string,
  source: Source,
  range: ScalarRange = {},
): Source {
  if (source instanceof Stream || typeof source === "function") return source;
  if (typeof source !== "number") {
    throw new TypeError(
      `Cannot use ${name} as it must be a number, a hyperparameter, an observable of numbers or a ` +
        `function of the iteration: received ${source === null ? "null" : typeof source}`,
    );
  }
  checkScalar(name, source, range);
  return source;
}
