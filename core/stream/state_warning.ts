import type { Parameter } from "../nn/parameter.ts";

/**
 * Warns of layers that go on from the batch before, in a run that shuffles: what they go on from is the
 * end of another sequence.
 */
export function warnOfShuffledStates(parameters: Iterable<Parameter>): void {
  const names = [...parameters].filter(({ state }) => state)
    .map(({ name }) => name.replace(/\/[^/]*$/, ""));
  if (names.length === 0) return;
  console.error(
    `Warning: ${
      [...new Set(names)].join(", ")
    } keeps states from batch to batch, of which each goes ` +
      `on with other sequences as samples are shuffled: give miniBatches or fit shuffle: false.`,
  );
}
