/**
 * Writes a value as one line of JSON, which has no word for numbers that are not finite: they
 * become `"NaN"`, `"Infinity"` and `"-Infinity"`.
 *
 * @param value What JSON can hold.
 * @returns The text, without a line end.
 */
export function jsonText(value: unknown): string {
  return JSON.stringify(
    value,
    (_key, item) => typeof item === "number" && !Number.isFinite(item) ? String(item) : item,
  );
}
