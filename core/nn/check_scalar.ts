/** The numbers that a scalar may take; NaN and infinities are never among them. */
export interface ScalarRange {
  /** Smallest number allowed; no limit by default. */
  readonly minimum?: number;
  /** Largest number allowed; no limit by default. */
  readonly maximum?: number;
}

/**
 * Refuses a number outside its range, with a message that names both.
 *
 * @param name What the number is, for the message: `dropout_1/rate`.
 * @param value The number.
 * @param range What is allowed; any finite number by default.
 * @returns The number.
 * @throws {RangeError} when `value` is not a finite number, or not in `range`.
 *
 * @example
 * ```ts
 * import { checkScalar } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.equal(checkScalar("rate", 0.3, { minimum: 0, maximum: 1 }), 0.3);
 * assert.throws(() => checkScalar("rate", 3, { minimum: 0, maximum: 1 }), /from 0 to 1: received 3/);
 * ```
 */
export function checkScalar(name: string, value: number, range: ScalarRange = {}): number {
  const { minimum = -Infinity, maximum = Infinity } = range;
  if (typeof value === "number" && Number.isFinite(value) && value >= minimum && value <= maximum) {
    return value;
  }
  const received = typeof value === "string" ? JSON.stringify(value) : String(value);
  throw new RangeError(
    `Cannot use ${name} as it must be a finite number${describe(minimum, maximum)}: ` +
      `received ${received}`,
  );
}

function describe(minimum: number, maximum: number): string {
  if (minimum > -Infinity && maximum < Infinity) return ` from ${minimum} to ${maximum}`;
  if (minimum > -Infinity) return ` of at least ${minimum}`;
  return maximum < Infinity ? ` of at most ${maximum}` : "";
}
