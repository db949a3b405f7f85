import { DataError } from "../core/graph/errors.ts";
import { checkedClasses } from "./check_classes.ts";
import type { DataSet, StoredInputs, StoredTargets } from "./data_set.ts";
import { type InputValues, storeInputs, storeTargets, type TargetValues } from "./store_arrays.ts";
import { type StreamedArray, streamedDataSet } from "./streamed_data_set.ts";

/** How {@linkcode timeSeriesDataSet} cuts a series. */
export interface TimeSeriesOptions {
  /** Steps of a window, from 1. */
  readonly sequenceLength: number;
  /** Steps from the beginning of one window to that of the next, from 1; default 1. */
  readonly sequenceStride?: number;
  /** Steps of the series from one step of a window to the next, from 1; default 1. */
  readonly samplingRate?: number;
  /** First step of the series that is used, from 0; default 0. */
  readonly startIndex?: number;
  /** Steps before this one are used; default all. */
  readonly endIndex?: number;
  /** Number of classes; given, the targets are class ids from 0 to `classes - 1`. */
  readonly classes?: number;
  /** Name for logs and messages. */
  readonly name?: string;
}

/**
 * A data set of windows that slide over a series, to forecast it or to classify its parts. The
 * windows are cut out while training goes on: however much they overlap, memory holds the series
 * once.
 *
 * Each end of a series of its own, for training and validation, keeps a validation window from
 * holding steps that were trained on: `endIndex` of the one is `startIndex` of the other.
 *
 * @param series `[steps]` or `[steps, ...features]`: what {@linkcode arrays} takes as inputs.
 * @param targets `[steps, …]`, what {@linkcode arrays} takes as targets: target i is that of the window
 * that begins at step i of the series. There may be fewer than steps, as the last windows may have
 * none.
 * @param options Length of the windows and how far apart they are, the part of the series, classes.
 * @returns Inputs `[windows, sequenceLength, ...features]`, and a target for each window.
 * @throws {RangeError} When `classes` is no whole number from 1.
 * @throws {DataError} When an option is not a whole number in its range, or no window fits.
 *
 * @example
 * ```ts
 * import { sampleCount, timeSeriesDataSet } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * // From three hours in a row the next one is to be told.
 * const hours = Array.from({ length: 100 }, (_, hour) => [Math.sin(hour / 4)]);
 * const sequenceLength = 3;
 * const next = hours.slice(sequenceLength);
 * const train = timeSeriesDataSet(hours, next, { sequenceLength, endIndex: 80 });
 * const validation = timeSeriesDataSet(hours, next, { sequenceLength, startIndex: 80 });
 * assert.deepEqual(train.x.shape, [78, 3, 1]);
 * assert.equal(sampleCount(validation), 17);
 * ```
 *
 * Keras: `timeseries_dataset_from_array`.
 */
export function timeSeriesDataSet(
  series: InputValues,
  targets: TargetValues,
  options: TimeSeriesOptions,
): DataSet {
  const { sequenceLength, sequenceStride = 1, samplingRate = 1, classes, name } = options ?? {};
  checkWhole({ sequenceLength, sequenceStride, samplingRate }, 1);
  const x = storeInputs(series, NaN, ArrayBuffer.isView(series) ? [1] : undefined);
  const y = storeTargets(targets, checkedClasses(classes));
  const steps = x.shape[0];
  const { startIndex = 0, endIndex = steps } = options;
  checkWhole({ startIndex, endIndex }, 0, steps);
  const starts = Math.min(
    endIndex - startIndex - (sequenceLength - 1) * samplingRate,
    y.shape[0] - startIndex,
  );
  const samples = Math.ceil(starts / sequenceStride);
  if (samples < 1) {
    throw new DataError(
      `Cannot cut windows as ${
        (sequenceLength - 1) * samplingRate + 1
      } steps are needed for one, ` +
        `and a target: received ${Math.max(0, endIndex - startIndex)} steps and ` +
        `${Math.max(0, y.shape[0] - startIndex)} targets from step ${startIndex} on`,
    );
  }
  const row = x.shape.slice(1);
  return streamedDataSet({
    samples,
    x: {
      shape: [sequenceLength, ...row],
      type: x.data instanceof Uint8Array ? "uint8" : "float32",
      scale: x.scale,
      offset: x.offset,
    },
    y: { shape: y.shape.slice(1), type: typeOf(y) },
    classes,
    name,
    read(windows, batch) {
      windows.forEach((window, place) => {
        const start = startIndex + window * sequenceStride;
        copyRow(y, start, batch.y, place);
        for (let step = 0; step < sequenceLength; step++) {
          copyRow(x, start + step * samplingRate, batch.x, place * sequenceLength + step);
        }
      });
    },
  });
}

function typeOf({ data }: StoredTargets): StreamedArray["type"] {
  if (data instanceof Float32Array) return "float32";
  return data instanceof Int32Array ? "int32" : "uint8";
}

/** Copies a step of the series, or a target, to a place among others of its size. */
function copyRow(
  from: StoredInputs | StoredTargets,
  row: number,
  to: StoredInputs | StoredTargets,
  place: number,
): void {
  const size = from.data.length / from.shape[0];
  for (let at = 0; at < size; at++) to.data[place * size + at] = from.data[row * size + at];
}

function checkWhole(
  options: Readonly<Record<string, number>>,
  least: number,
  most: number = Infinity,
): void {
  for (const [name, value] of Object.entries(options)) {
    if (Number.isInteger(value) && value >= least && value <= most) continue;
    throw new DataError(
      `Cannot cut windows as ${name} must be a whole number from ${least}` +
        `${most === Infinity ? "" : ` to ${most}`}: received ${value}`,
    );
  }
}
