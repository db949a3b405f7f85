import { checkCount } from "./check_count.ts";
import { ctcBeamSearch, type CtcPath } from "./ctc_beam_search.ts";

/** Options of {@link ctcDecode}. */
export interface CtcDecodeOptions {
  /** The class that is the blank; default 0. */
  readonly maskIndex?: number;
  /** Whether a class that stands at steps side by side is one label; default true. */
  readonly mergeRepeated?: boolean;
  /** How many steps of each sample count; by default all. */
  readonly lengths?: ArrayLike<number>;
  /**
   * Labels that a beam search keeps at each step, from 1: it finds those that are likeliest over all
   * ways to write them. By default each step's likeliest class is taken.
   */
  readonly beamWidth?: number;
  /** How many labels of a beam search are given, with their probabilities; by default the best alone. */
  readonly topPaths?: number;
  /** Whether outputs are logits, for a beam search, rather than probabilities; default true. */
  readonly fromLogits?: boolean;
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
 * output, repetitions as one, without blanks; or, with a `beamWidth`, the labels that are likeliest over
 * all ways to write them.
 *
 * @param outputs What `predict` gives, `[samples, steps, classes]`.
 * @param options The blank, whether repetitions are one, lengths, width of a beam search.
 * @returns For each sample its labels; with `topPaths` so many of them, the likeliest first, with the
 * logarithms of their probabilities.
 * @throws {RangeError} when outputs have another shape, lengths are not one a sample, or an option is out
 * of its range.
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
 * @example A blank is likeliest at both steps, but a label somewhere is likelier
 * ```ts
 * import { ctcDecode } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const outputs = { data: [0.6, 0.4, 0.6, 0.4], shape: [1, 2, 2] };
 * assert.deepEqual(ctcDecode(outputs), [[]]);
 * const [[best]] = ctcDecode(outputs, { beamWidth: 4, topPaths: 2, fromLogits: false });
 * assert.deepEqual(best.labels, [1]);
 * assert.ok(Math.abs(Math.exp(best.logProbability) - 0.64) < 1e-12);
 * ```
 *
 * Source of the beam search: A. Graves and N. Jaitly, "Towards end-to-end speech recognition with
 * recurrent neural networks", 2014. Keras: `keras.ops.ctc_decode` with `strategy="greedy"`, with
 * `beamWidth` `"beam_search"`, whose width is 100 by default. TensorFlow: `tf.nn.ctc_beam_search_decoder`.
 */
export function ctcDecode(
  outputs: StepScores,
  options: CtcDecodeOptions & { readonly topPaths: number },
): CtcPath[][];
/** The labels of each sample. */
export function ctcDecode(
  outputs: StepScores,
  options?: CtcDecodeOptions & { readonly topPaths?: undefined },
): number[][];
export function ctcDecode(
  outputs: StepScores,
  options: CtcDecodeOptions = {},
): number[][] | CtcPath[][] {
  const { maskIndex = 0, mergeRepeated = true, lengths, beamWidth, topPaths } = options;
  check(outputs, options);
  const { data, shape: [samples, steps, classes] } = outputs;
  const rowsOf = (sample: number) =>
    Array.from({ length: Math.min(lengths?.[sample] ?? steps, steps) }, (_, step) => {
      const from = (sample * steps + step) * classes;
      return Array.from({ length: classes }, (_, index) => data[from + index]);
    });
  const all = Array.from({ length: samples }, (_, sample) => rowsOf(sample));
  if (beamWidth === undefined) return all.map((rows) => greedy(rows, maskIndex, mergeRepeated));
  const search = { beamWidth, maskIndex, mergeRepeated };
  const toLogs = options.fromLogits ?? true ? logSoftmax : (row: number[]) => row.map(Math.log);
  const found = all.map((rows) => ctcBeamSearch(rows.map(toLogs), search));
  return topPaths === undefined
    ? found.map(([best]) => [...best.labels])
    : found.map((paths) => paths.slice(0, topPaths));
}

function greedy(
  rows: readonly (readonly number[])[],
  maskIndex: number,
  mergeRepeated: boolean,
): number[] {
  const best = rows.map(largest);
  return best.filter((label, step) =>
    label !== maskIndex && !(mergeRepeated && label === best[step - 1])
  );
}

function largest(row: readonly number[]): number {
  return row.reduce((best, value, index) => value > row[best] ? index : best, 0);
}

function logSoftmax(row: readonly number[]): number[] {
  const most = row[largest(row)];
  const sum = row.reduce((total, value) => total + Math.exp(value - most), 0);
  return row.map((value) => value - most - Math.log(sum));
}

function check({ data, shape }: StepScores, options: CtcDecodeOptions): void {
  const { maskIndex = 0, lengths, beamWidth, topPaths } = options;
  const [samples, steps, classes] = shape;
  checkCount("the maskIndex of ctcDecode", maskIndex);
  if (beamWidth !== undefined) checkCount("the beamWidth of ctcDecode", beamWidth, 1);
  if (topPaths !== undefined) checkCount("the topPaths of ctcDecode", topPaths, 1);
  if (topPaths !== undefined && topPaths > (beamWidth ?? 0)) {
    throw new RangeError(
      `Cannot decode as topPaths are those of a beam search, at most its beamWidth: received ` +
        `${topPaths} of ${beamWidth ?? "no beamWidth"}`,
    );
  }
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
  if (beamWidth !== undefined && maskIndex >= classes) {
    throw new RangeError(
      `Cannot search as the blank must be one of the ${classes} classes: received maskIndex ` +
        `${maskIndex}`,
    );
  }
}
