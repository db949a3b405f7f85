/**
 * Refuses an option that is none of those known.
 *
 * @param factory What is made, for the message.
 * @param option Name of the option.
 * @param value What was given.
 * @param known What may be given.
 * @throws {RangeError} when it is something else.
 */
export function checkChoice(
  factory: string,
  option: string,
  value: string,
  known: readonly string[],
): void {
  if (known.includes(value)) return;
  throw new RangeError(
    `Cannot make ${factory} as ${option} must be one of ${known.join(", ")}: received ` +
      JSON.stringify(value),
  );
}
