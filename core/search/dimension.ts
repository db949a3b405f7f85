import { checkScalar } from "../nn/check_scalar.ts";

/** What a hyperparameter of a trial may be: what JSON can hold, lists and records left out. */
export type ParameterValue = string | number | boolean | null;

/** Numbers from `low` to `high`, both included. */
export interface NumericRange {
  /** Whole numbers or any. */
  readonly type: "float" | "integer";
  /** Smallest number. */
  readonly low: number;
  /** Largest number. */
  readonly high: number;
  /** Whether the logarithm is what is spread evenly. */
  readonly log: boolean;
  /** Distance from one number to the next; `undefined` when there is none. */
  readonly step?: number;
}

/** Some values in no order. */
export interface ChoiceRange {
  /** Tells it from numbers. */
  readonly type: "choice";
  /** The values, each once. */
  readonly values: readonly ParameterValue[];
}

/** The values that a dimension has. */
export type Range = NumericRange | ChoiceRange;

/** Other dimensions by name, and the values that they must have. */
export type Condition = Readonly<Record<string, ParameterValue | readonly ParameterValue[]>>;

/** One hyperparameter of a search space. */
export interface Dimension<Value> {
  /** The values that there are. */
  readonly range: Range;
  /** When there is such a parameter at all; always by default. */
  readonly condition?: Condition;
  /**
   * The value at a place in the range, by which it is spread evenly.
   *
   * @param share From 0, the least value, up to 1, not included.
   */
  at(share: number): Value;
}

/** Options of {@link float}. */
export interface FloatOptions {
  /** Whether numbers are spread evenly by their logarithm; default false. */
  readonly log?: boolean;
  /** Distance from one number to the next, above 0; default none. Not together with `log`. */
  readonly step?: number;
}

/**
 * A number from `low` to `high`.
 *
 * @param low Smallest number; above 0 with `log`.
 * @param high Largest number, at least `low`; with a step, the last one that is reached.
 * @param options Logarithm or step.
 * @returns The dimension.
 * @throws {RangeError} when the bounds or options do not fit.
 *
 * @example
 * ```ts
 * import { float } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.ok(Math.abs(float(1e-4, 1, { log: true }).at(0.5) - 1e-2) < 1e-9);
 * assert.equal(float(0, 0.5, { step: 0.1 }).at(0.99), 0.5);
 * ```
 *
 * Optuna: `suggest_float`. Keras Tuner: `Float`.
 */
export function float(low: number, high: number, options: FloatOptions = {}): Dimension<number> {
  const { log = false, step } = options;
  checkBounds("float", low, high, log ? Number.MIN_VALUE : -Infinity);
  if (step === undefined) return numeric({ type: "float", low, high, log });
  checkScalar("the step of float", step, { minimum: Number.MIN_VALUE });
  if (log) refuse("float with both log and step: give one");
  // A share of a step is lost to rounding, as in (0.3 − 0) / 0.1.
  const steps = Math.floor((high - low) / step + 1e-9);
  return numeric({ type: "float", low, high: tidy(low + steps * step), log, step });
}

/** Options of {@link integer}. */
export interface IntegerOptions {
  /** Whether numbers are spread evenly by their logarithm; default false. */
  readonly log?: boolean;
  /** Distance from one number to the next, a whole number from 1; default 1, the only one with `log`. */
  readonly step?: number;
}

/**
 * A whole number from `low` to `high`.
 *
 * @param low Smallest number; at least 1 with `log`.
 * @param high Largest number, at least `low`; with a step, the last one that is reached.
 * @param options Logarithm or step.
 * @returns The dimension.
 * @throws {RangeError} when the bounds or options do not fit.
 *
 * @example
 * ```ts
 * import { integer } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.equal(integer(1, 6).at(0.5), 4);
 * assert.equal(integer(16, 64, { step: 16 }).at(0.99), 64);
 * ```
 *
 * Optuna: `suggest_int`. Keras Tuner: `Int`.
 */
export function integer(
  low: number,
  high: number,
  options: IntegerOptions = {},
): Dimension<number> {
  const { log = false, step = 1 } = options;
  checkBounds("integer", low, high, log ? 1 : -Infinity);
  for (const bound of [low, high, step]) {
    if (!Number.isSafeInteger(bound)) refuse(`integer with a bound or step of ${bound}`);
  }
  checkScalar("the step of integer", step, { minimum: 1 });
  if (log && step !== 1) refuse("integer with both log and a step: give one");
  const last = low + Math.floor((high - low) / step) * step;
  return numeric({ type: "integer", low, high: last, log, step });
}

/**
 * One of some values.
 *
 * A choice of one value is a constant: it is written down with each trial, and goes to a Worker.
 *
 * @param values Strings, numbers, booleans or null; each once.
 * @returns The dimension.
 * @throws {RangeError} when there is no value, one stands twice, or a number is not finite.
 *
 * @example
 * ```ts
 * import { choice } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.equal(choice("sgd", "adam").at(0.5), "adam");
 * ```
 *
 * Optuna: `suggest_categorical`. Keras Tuner: `Choice`.
 */
export function choice<const Values extends readonly ParameterValue[]>(
  ...values: Values
): Dimension<Values[number]> {
  if (values.length === 0) refuse("choice without values");
  if (new Set(values).size < values.length) {
    refuse(`choice as its values must differ: received ${JSON.stringify(values)}`);
  }
  for (const value of values) {
    if (typeof value === "number") checkScalar("a value of choice", value);
    else if (value !== null && !["string", "boolean"].includes(typeof value)) {
      refuse(`choice with ${JSON.stringify(value)}: values are strings, numbers, booleans or null`);
    }
  }
  const at = (share: number) => values[placeOf(share, values.length)];
  return { range: { type: "choice", values }, at };
}

/**
 * A dimension that there is only when others have certain values.
 *
 * @param condition Names of dimensions that stand before this one in the space, each with the value
 * it must have, or a list of them. All must hold; one that is not there itself does not hold.
 * @param dimension The dimension.
 * @returns The same dimension, whose value is `undefined` in all other trials.
 * @throws {RangeError} when the condition is empty, or the dimension has one already.
 *
 * @example
 * ```ts
 * import { choice, float, type SearchParameters, when } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const space = {
 *   optimizer: choice("sgd", "adam"),
 *   momentum: when({ optimizer: "sgd" }, float(0, 0.99)),
 * };
 * const adam: SearchParameters<typeof space> = { optimizer: "adam", momentum: undefined };
 * assert.equal(adam.momentum, undefined);
 * ```
 *
 * Optuna: an `if` around the `suggest` call. Keras Tuner: `conditional_scope`.
 */
export function when<Value>(
  condition: Condition,
  dimension: Dimension<Value>,
): Dimension<Value | undefined> {
  if (Object.keys(condition).length === 0) refuse("when without a condition");
  if (dimension.condition) refuse("when inside of when: give all conditions in one");
  return { ...dimension, condition };
}

function numeric(range: NumericRange): Dimension<number> {
  return { range, at: (share) => numberAt(range, share) };
}

/** Where a range begins and ends as it is spread: half a step beyond its numbers, as logarithms. */
export function spreadOf({ low, high, log, step = 0 }: NumericRange): [low: number, high: number] {
  const ends: [number, number] = [low - step / 2, high + step / 2];
  return log ? [Math.log(ends[0]), Math.log(ends[1])] : ends;
}

/** The number of a range for a place in its spread. */
export function fromSpread(range: NumericRange, place: number): number {
  const { low, high, log, step } = range;
  const value = log ? Math.exp(place) : place;
  const near = step === undefined ? value : tidy(low + Math.round((value - low) / step) * step);
  return Math.min(Math.max(near, low), high);
}

/** All numbers of a range with steps. */
export function numbersOf({ low, high, step = 1 }: NumericRange): number[] {
  const count = Math.round((high - low) / step) + 1;
  return Array.from({ length: count }, (_, place) => tidy(low + place * step));
}

function numberAt(range: NumericRange, share: number): number {
  const [low, high] = spreadOf(range);
  return fromSpread(range, low + share * (high - low));
}

/** The place among so many that a share from 0 to 1 falls on. */
export function placeOf(share: number, count: number): number {
  return Math.min(Math.floor(share * count), count - 1);
}

/** 0.30000000000000004 as 0.3. */
function tidy(value: number): number {
  return Number(value.toPrecision(15));
}

function checkBounds(name: string, low: number, high: number, minimum: number): void {
  checkScalar(`the low of ${name}`, low, { minimum });
  checkScalar(`the high of ${name}`, high);
  if (low > high) refuse(`${name} as low must be at most high: received ${low} and ${high}`);
}

function refuse(what: string): never {
  throw new RangeError(`Cannot use ${what}`);
}
