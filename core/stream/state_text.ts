import { DataError } from "../graph/errors.ts";
import type { Snapshot } from "./epoch.ts";
import type { StateValue } from "./kept_state.ts";

/** How a number that JSON cannot hold, or a copy of weights, stands in the text. */
interface Tagged {
  readonly $number?: string;
  readonly $snapshot?: number;
}

/**
 * A state as JSON. Copies of weights are handed out and stand there as their number.
 *
 * @param state The state.
 * @param isSnapshot Tells a copy of weights.
 * @returns The text, and the copies in the order of their numbers.
 */
export function encodeState(
  state: StateValue,
  isSnapshot: (value: unknown) => value is Snapshot,
): { text: string; snapshots: Snapshot[] } {
  const snapshots: Snapshot[] = [];
  const tag = (value: StateValue): unknown => {
    if (typeof value === "number") {
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : { $number: numberText(value) };
    }
    if (typeof value !== "object" || value === null) return value;
    if (isSnapshot(value)) return { $snapshot: snapshots.push(value) - 1 };
    if (Array.isArray(value)) return value.map(tag);
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, tag(item)]));
  };
  return { text: JSON.stringify(tag(state)), snapshots };
}

/**
 * A state from its JSON.
 *
 * @param text What {@link encodeState} gave.
 * @param snapshot Makes the copy of weights of a number.
 * @throws {DataError} when the text is no such state.
 */
export function decodeState(text: string, snapshot: (place: number) => Snapshot): StateValue {
  try {
    return JSON.parse(text, (_name, value) => {
      if (typeof value !== "object" || value === null) return value;
      const { $number, $snapshot } = value as Tagged;
      if (typeof $number === "string") return Number($number);
      return typeof $snapshot === "number" ? snapshot($snapshot) : value;
    });
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw new DataError(
      `Cannot read a saved state as it must be JSON: ${(cause as Error).message}`,
    );
  }
}

function numberText(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}
