import { BehaviorSubject } from "rxjs";
import { received } from "../state/received.ts";
import { checkScalar } from "./check_scalar.ts";
import type { Observable } from "./rxjs_types.ts";

/** Options of {@link hyperparameter}. */
export interface HyperparameterOptions {
  /** Name for messages; default "hyperparameter". */
  readonly name?: string;
}

/**
 * A number that may change while a network trains, and the stream of its changes: whoever
 * subscribes gets the present number first (RxJS: `BehaviorSubject`).
 */
export interface Hyperparameter extends Observable<number> {
  /** Name for messages. */
  readonly name: string;
  /** The present number. */
  readonly value: number;
  /**
   * Changes the number, from the next step on.
   *
   * @param value The new number, finite.
   * @throws {RangeError} when it is not a finite number; the old one stays.
   */
  next(value: number): void;
}

class CheckedSubject extends BehaviorSubject<number> implements Hyperparameter {
  constructor(initial: number, readonly name: string) {
    super(checkScalar(name, initial));
  }

  override get value(): number {
    return this.getValue();
  }

  override set value(value: number) {
    throw new TypeError(
      `Cannot set the value of ${this.name} by an assignment as it is to be told to those who ` +
        `follow it: use next(${value})`,
    );
  }

  override next(value: number): void {
    super.next(checkScalar(this.name, value));
  }

  /** Nothing: a stream of numbers that drives it for a while, such as a warm-up, is not its end. */
  override complete(): void {}
}

/**
 * Refuses what is no hyperparameter where a rule is to change one.
 *
 * @param what Whose, as `the rate of reduceOnPlateau`, for messages.
 * @param value What was given.
 * @throws {TypeError} when it cannot be changed.
 */
export function checkHyperparameter(what: string, value: unknown): void {
  const { next } = Object(value) as { next?: unknown };
  if (typeof next === "function" && Number.isFinite((value as Hyperparameter).value)) return;
  throw new TypeError(
    `Cannot use ${what} as it must be a hyperparameter, which can be changed: received ` +
      `${received(value)} (make one by hyperparameter(0.1), and give it to what uses it, too)`,
  );
}

/**
 * A number that may change while a network trains: a learning rate, a dropout rate, a momentum.
 *
 * It goes wherever a number goes, and rules and schedules write to it; they say so on stderr where
 * nothing listens. A stream may drive it, too: `numbers.subscribe(rate)`; when that ends, the last
 * number stays, and others may go on changing it.
 *
 * @param initial First number, finite.
 * @param options Name for messages.
 * @returns The number and the stream of its changes.
 * @throws {RangeError} when `initial` is not a finite number.
 *
 * @example
 * ```ts
 * import { hyperparameter } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const rate = hyperparameter(0.3);
 * const seen: number[] = [];
 * rate.subscribe((value) => seen.push(value));
 * rate.next(0.27);
 * assert.equal(rate.value, 0.27);
 * assert.deepEqual(seen, [0.3, 0.27]);
 * assert.throws(() => rate.next(NaN), RangeError);
 * ```
 */
export function hyperparameter(
  initial: number,
  options: HyperparameterOptions = {},
): Hyperparameter {
  return new CheckedSubject(initial, options.name ?? "hyperparameter");
}
