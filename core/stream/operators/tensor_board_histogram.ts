/** How often the elements of a weight lie where. */
export interface WeightHistogram {
  /** The smallest element. */
  readonly min: number;
  /** The largest element. */
  readonly max: number;
  /** Number of elements. */
  readonly count: number;
  /** Their sum. */
  readonly sum: number;
  /** The sum of their squares. */
  readonly sumOfSquares: number;
  /** Where buckets end; the first one begins at `min`. */
  readonly limits: Float64Array;
  /** Elements in each bucket. */
  readonly counts: Float64Array;
}

/** Buckets of a histogram, as `tf.summary.histogram` has. */
const buckets = 30;

/**
 * A histogram of a weight's finite elements, in 30 buckets of one width from the smallest to the
 * largest; one bucket where they are equal.
 *
 * @param elements The elements.
 * @returns The histogram; `undefined` when no element is finite, for which TensorBoard has no place.
 */
export function histogramOf(elements: Float32Array): WeightHistogram | undefined {
  let [count, sum, sumOfSquares, min, max] = [0, 0, 0, Infinity, -Infinity];
  for (const element of elements) {
    if (!Number.isFinite(element)) continue;
    count++;
    sum += element;
    sumOfSquares += element * element;
    min = Math.min(min, element);
    max = Math.max(max, element);
  }
  if (count === 0) return undefined;
  const width = (max - min) / buckets;
  const counts = new Float64Array(width === 0 ? 1 : buckets);
  for (const element of elements) {
    if (!Number.isFinite(element)) continue;
    // The largest element belongs to the last bucket.
    const place = width === 0 ? 0 : Math.floor((element - min) / width);
    counts[Math.min(place, counts.length - 1)]++;
  }
  const limits = Float64Array.from(
    counts,
    (_, place) => place === counts.length - 1 ? max : min + width * (place + 1),
  );
  return { min, max, count, sum, sumOfSquares, limits, counts };
}
