import { DataError } from "../core/graph/errors.ts";

/** The inputs of a data set, in the type they are stored in. */
export interface StoredInputs {
  /** Every sample's features, row-major; bytes stay bytes and are converted on the device. */
  readonly data: Uint8Array | Float32Array;
  /** `[samples, ...features]`, e.g. `[60000, 784]`; its product is `data.length`. */
  readonly shape: readonly number[];
  /** Factor of the value a model sees, `data * scale + offset`; default 1. */
  readonly scale?: number;
  /** Term of the value a model sees, `data * scale + offset`; default 0. */
  readonly offset?: number;
}

/** The targets of a data set, in the type they are stored in. */
export interface StoredTargets {
  /** Class ids as integers, or values as float32, row-major. */
  readonly data: Uint8Array | Int32Array | Float32Array;
  /** `[samples]` for class ids, `[samples, outputs]` for values; its product is `data.length`. */
  readonly shape: readonly number[];
}

/** The inputs of a data set: one array, or arrays by name for a model of several inputs. */
export type Inputs = StoredInputs | Readonly<Record<string, StoredInputs>>;

/** The targets of a data set: one array, or arrays by name for a model of several outputs. */
export type Targets = StoredTargets | Readonly<Record<string, StoredTargets>>;

/**
 * A data set: inputs and targets of the same number of samples, in memory, or read when needed.
 *
 * Build one from arrays with {@linkcode arrays}, from files with {@linkcode loadIdxDataSet} or
 * {@linkcode csvDataSet}, from a reader of rows with {@linkcode streamedDataSet}, or write the
 * record by hand.
 */
export interface DataSet<X extends Inputs = StoredInputs, Y extends Targets = StoredTargets> {
  /** Inputs, `[samples, ...features]`, uint8 or float32; by name for a model of several inputs. */
  readonly x: X;
  /** Targets, `[samples]` of class ids or `[samples, outputs]` of values; or such by name. */
  readonly y: Y;
  /** How much each sample counts, `[samples]`, at least 0; by default each counts once. */
  readonly sampleWeight?: Float32Array;
  /** Number of classes, when the targets are classes; by name where targets have names. */
  readonly classes?: Y extends StoredTargets ? number : Readonly<Record<string, number>>;
  /** Name for logs. */
  readonly name?: string;
  /** Fills `batch` with the samples of these numbers, where the arrays here hold no rows. */
  read?(rows: Uint32Array, batch: DataSet<X, Y>): void | Promise<void>;
}

/** A data set of any inputs and targets. */
export type AnyDataSet = DataSet<Inputs, Targets>;

/** Whether inputs or targets are one array, rather than arrays by name. */
export function isStored(part: Inputs | Targets): part is StoredInputs | StoredTargets {
  return ArrayBuffer.isView(part.data);
}

/**
 * Counts the samples of a data set.
 *
 * @param dataSet Any data set.
 * @returns The number of samples, the first dimension of its inputs.
 * @throws {DataError} If there are no inputs, or arrays differ in their number of samples.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { arrays, sampleCount } from "@millrace/millrace";
 *
 * assert.equal(sampleCount(arrays([[0, 1], [1, 0], [1, 1]], [1, 1, 0])), 3);
 * ```
 */
export function sampleCount(dataSet: AnyDataSet): number {
  const { x, y } = dataSet ?? {};
  if (typeof x !== "object" || typeof y !== "object" || !x || !y) {
    throw new DataError(
      `Cannot use the data as a data set has inputs x and targets y: received ${
        Array.isArray(dataSet) ? "an array" : typeof dataSet
      } (make one of arrays: arrays(x, y))`,
    );
  }
  const counts = [...countsOf("the inputs", x), ...countsOf("the targets", y)];
  if (counts.some(([, count]) => count !== counts[0][1])) {
    throw new DataError(
      `Cannot use the data set${
        dataSet.name ? ` ${dataSet.name}` : ""
      } as all of its arrays need ` +
        `the same number of samples: received ` +
        counts.map(([name, count]) => `${count} of ${name}`).join(", "),
    );
  }
  return counts[0][1];
}

function countsOf(what: string, part: Inputs | Targets): [name: string, count: number][] {
  const named: [string, StoredInputs | StoredTargets][] = isStored(part)
    ? [[what, part]]
    : Object.entries(part);
  if (named.length === 0 && what === "the inputs") {
    throw new DataError(`Cannot use the data set as ${what} by name hold no array: give one`);
  }
  return named.map(([name, stored]) => {
    if (Array.isArray(stored?.shape)) return [name, stored.shape[0]];
    throw new DataError(
      `Cannot use the data set as ${named[0][0] === what ? what : `${what} ${name}`} must be ` +
        `numbers with their shape, { data, shape }: received ${
          stored?.constructor?.name ?? stored
        } (make a data set of arrays: arrays(x, y))`,
    );
  });
}

/**
 * Takes the first samples of a data set, without copying them.
 *
 * @param dataSet Any data set.
 * @param count How many samples, 1 to the number there are.
 * @returns A data set of the first `count` samples, sharing memory with `dataSet`.
 * @throws {RangeError} If `count` is not an integer from 1 to the number of samples.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { arrays, takeFirst } from "@millrace/millrace";
 *
 * const all = arrays([[1], [2], [3]], [10, 20, 30]);
 * assert.deepEqual([...takeFirst(all, 2).y.data], [10, 20]);
 * ```
 */
export function takeFirst<X extends Inputs, Y extends Targets>(
  dataSet: DataSet<X, Y>,
  count: number,
): DataSet<X, Y> {
  const samples = sampleCount(dataSet);
  if (!Number.isInteger(count) || count < 1 || count > samples) {
    throw new RangeError(
      `Cannot take the first samples as their number must be an integer from 1 to ${samples}: ` +
        `received ${count}`,
    );
  }
  return sliceSamples(dataSet, 0, count);
}

/**
 * Takes the samples from `start` (included) to `end` (excluded), without copying them.
 *
 * @param dataSet Any data set.
 * @param start First sample, 0 or more.
 * @param end One past the last sample, at most the number of samples.
 * @returns A data set sharing memory with `dataSet`.
 */
export function sliceSamples<X extends Inputs, Y extends Targets>(
  dataSet: DataSet<X, Y>,
  start: number,
  end: number,
): DataSet<X, Y> {
  if (dataSet.read) return pickRows(dataSet, end - start, (row) => row + start);
  const rows = <Data extends StoredTargets["data"]>(data: Data, samples: number): Data => {
    const size = data.length / samples;
    return data.subarray(start * size, end * size) as Data;
  };
  return mapArrays(dataSet, rows, end - start);
}

/** The same arrays, one or by name, each of them changed. */
export function mapParts<Parts extends Inputs | Targets>(
  parts: Parts,
  change: <Part extends StoredInputs | StoredTargets>(part: Part) => Part,
): Parts {
  if (isStored(parts)) return change(parts);
  const changed = Object.entries(parts).map(([name, part]) => [name, change(part)]);
  return Object.fromEntries(changed) as Parts;
}

/** `count` samples of a data set that reads them: its sample n is `rowOf(n)` of the other. */
export function pickRows<X extends Inputs, Y extends Targets>(
  dataSet: DataSet<X, Y>,
  count: number,
  rowOf: (row: number) => number,
): DataSet<X, Y> {
  const one = <Part extends StoredInputs | StoredTargets>(part: Part): Part => ({
    ...part,
    shape: [count, ...part.shape.slice(1)],
  });
  return {
    ...dataSet,
    x: mapParts(dataSet.x, one),
    y: mapParts(dataSet.y, one),
    read: (rows, batch) => dataSet.read!(rows.map(rowOf), batch),
  };
}

/**
 * A data set with other samples, of one that holds them.
 *
 * @param dataSet A data set in memory.
 * @param change Gives other rows of an array that holds `samples`, in the same type.
 * @param count Their number.
 */
export function mapArrays<X extends Inputs, Y extends Targets>(
  dataSet: DataSet<X, Y>,
  change: <Data extends StoredTargets["data"]>(data: Data, samples: number) => Data,
  count: number,
): DataSet<X, Y> {
  const one = <Part extends StoredInputs | StoredTargets>(part: Part): Part => ({
    ...part,
    data: change(part.data, part.shape[0]),
    shape: [count, ...part.shape.slice(1)],
  });
  const { x, y, sampleWeight } = dataSet;
  return {
    ...dataSet,
    x: mapParts(x, one),
    y: mapParts(y, one),
    ...(sampleWeight && { sampleWeight: change(sampleWeight, sampleCount(dataSet)) }),
  };
}

/**
 * The weights of a data set's samples.
 *
 * @param dataSet Any data set.
 * @returns One weight a sample, or `null` when it has none.
 * @throws {DataError} When there are not as many as samples, one is negative or not finite, or they
 * are no `Float32Array`.
 */
export function sampleWeightOf(dataSet: AnyDataSet): Float32Array | null {
  const { sampleWeight } = dataSet;
  if (!sampleWeight) return null;
  if (!(sampleWeight instanceof Float32Array)) {
    throw new DataError(
      `Cannot weight the samples as their weights must be a Float32Array: received ` +
        `${(sampleWeight as object).constructor.name} (Float32Array.from(weights) makes one)`,
    );
  }
  const samples = sampleCount(dataSet);
  if (sampleWeight.length !== samples) {
    throw new DataError(
      `Cannot weight the samples as each needs one weight: received ${sampleWeight.length} ` +
        `weights for ${samples} samples`,
    );
  }
  const wrong = sampleWeight.findIndex((weight) => !(weight >= 0 && weight < Infinity));
  if (wrong < 0) return sampleWeight;
  throw new DataError(
    `Cannot weight the samples as weights must be finite and at least 0: received ` +
      `${sampleWeight[wrong]} at sample ${wrong}`,
    { row: wrong + 1 },
  );
}
