import { checkCount } from "./check_count.ts";

/** Options of {@link ctcDecode}. */
export interface CtcDecodeOptions {
  /** The class that is the blank; default 0. */
  readonly maskIndex?: number;
  /** Whether a class that stands at steps side by side is one label; default true. */
  readonly mergeRepeated?: boolean;
  /** How many steps of each sample count; by default all. */
  readonly lengths?: ArrayLike<number>;
}

/** What a network gives for each step: logits or probabilities. */
export interface StepScores {
  /** Numbers, row by row. */
  readonly data: ArrayLike<number>;
  /** `[samples, steps, classes]`. */
  readonly shape: readonly number[];
}

/**
 * The labels of a network that was trained by {@link ctc}: of each step the class with the largest
 * output, repetitions as one, without blanks.
 *
 * @param outputs What `predict` gives, `[samples, steps, classes]`.
 * @param options The blank, whether repetitions are one, lengths.
 * @returns For each sample its labels.
 * @throws {RangeError} when outputs have another shape, or lengths are not one a sample.
 *
 * @example
 * ```ts
 * import { ctcDecode } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const classes = [2, 2, 0, 2, 1, 1];
 * const data = classes.flatMap((best) => [0, 1, 2].map((index) => Number(index === best)));
 * assert.deepEqual(ctcDecode({ data, shape: [1, 6, 3] }), [[2, 2, 1]]);
 * ```
 *
 * Keras: `keras.ops.ctc_decode` with `strategy="greedy"`.
 */
export function ctcDecode(outputs: StepScores, options: CtcDecodeOptions = {}): number[][] {
  const { maskIndex = 0, mergeRepeated = true, lengths } = options;
  const { data, shape } = outputs;
  const [samples, steps, classes] = shape;
  checkCount("the maskIndex of ctcDecode", maskIndex);
  if (shape.length !== 3 || data.length !== samples * steps * classes) {
    throw new RangeError(
      `Cannot decode as outputs must be [samples, steps, classes]: received [${
        shape.join(", ")
      }] ` +
        `of ${data.length} numbers`,
    );
  }
  if (lengths && lengths.length !== samples) {
    throw new RangeError(
      `Cannot decode as there must be a length for each of ${samples} samples: received ` +
        `${lengths.length}`,
    );
  }
  return Array.from({ length: samples }, (_, sample) => {
    const labels: number[] = [];
    let last = -1;
    const count = Math.min(lengths?.[sample] ?? steps, steps);
    for (let step = 0; step < count; step++) {
      const best = largest(data, (sample * steps + step) * classes, classes);
      if (best !== maskIndex && !(mergeRepeated && best === last)) labels.push(best);
      last = best;
    }
    return labels;
  });
}

function largest(data: ArrayLike<number>, from: number, count: number): number {
  let best = 0;
  for (let index = 1; index < count; index++) {
    if (data[from + index] > data[from + best]) best = index;
  }
  return best;
}
