/** Order statistics of small samples. */

/**
 * The middle value, or the mean of the two middle ones.
 *
 * @throws {RangeError} If there is no value.
 */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("Cannot take the median of no values");
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Median, extremes, and spread: (highest − lowest) / median. */
export interface Summary {
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
  readonly spread: number;
}

/** Summarises the medians of several rounds. */
export function summarise(values: readonly number[]): Summary {
  const middle = median(values);
  const [lowest, highest] = [Math.min(...values), Math.max(...values)];
  return { median: middle, lowest, highest, spread: (highest - lowest) / middle };
}
