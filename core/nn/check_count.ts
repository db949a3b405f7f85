/**
 * Refuses a number that does not count something.
 *
 * @param name What is counted, for the message.
 * @param value The count.
 * @param minimum Smallest count allowed; default 0.
 * @returns The count.
 * @throws {RangeError} when `value` is not a whole number from `minimum`.
 *
 * @example
 * ```ts
 * import { checkCount } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.equal(checkCount("the units of dense", 30, 1), 30);
 * assert.throws(() => checkCount("the units of dense", 0, 1), /whole number from 1: received 0/);
 * ```
 */
export function checkCount(name: string, value: number, minimum = 0): number {
  if (Number.isSafeInteger(value) && value >= minimum) return value;
  const received = typeof value === "string" ? JSON.stringify(value) : String(value);
  throw new RangeError(
    `Cannot use ${name} as it must be a whole number from ${minimum}: received ${received}`,
  );
}
