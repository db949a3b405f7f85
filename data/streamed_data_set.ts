import { DataError } from "../core/graph/errors.ts";
import { checkedClasses } from "./check_classes.ts";
import {
  type AnyDataSet,
  type DataSet,
  type Inputs,
  isStored,
  mapParts,
  type StoredInputs,
  type StoredTargets,
  type Targets,
} from "./data_set.ts";

/** An array of which a {@linkcode streamedDataSet} reads rows. */
export interface StreamedArray {
  /** Shape of one sample: `[784]`, or `[]` for a class id. */
  readonly shape: readonly number[];
  /** Type in which rows are read and put on the device; `"int32"` is for targets alone. */
  readonly type: "uint8" | "int32" | "float32";
  /** Factor of the value a model sees, `data * scale + offset`; default 1. For inputs. */
  readonly scale?: number;
  /** Term of the value a model sees, `data * scale + offset`; default 0. For inputs. */
  readonly offset?: number;
}

/** One array of which rows are read, or such by name. */
export type StreamedArrays = StreamedArray | Readonly<Record<string, StreamedArray>>;

/** `Stored` where `Arrays` is one array, else a record of the same names. */
export type StreamedFor<Arrays extends StreamedArrays, Stored> = Arrays extends StreamedArray
  ? Stored
  : { readonly [Name in keyof Arrays]: Stored };

/** What {@linkcode streamedDataSet} must know. */
export interface StreamedOptions<X extends StreamedArrays, Y extends StreamedArrays> {
  /** Number of samples, 1 to 2^32 − 1. */
  readonly samples: number;
  /** Inputs: their shape and type, by name for a model of several inputs. */
  readonly x: X;
  /** Targets: their shape and type, by name for a model of several outputs. */
  readonly y: Y;
  /** Number of classes, when the targets are class ids; by name where targets have names. */
  readonly classes?: Y extends StreamedArray ? number : Readonly<Record<string, number>>;
  /** Whether `read` gives each sample a weight; default false. */
  readonly sampleWeight?: boolean;
  /** Name for logs and messages. */
  readonly name?: string;
  /**
   * Fills the arrays of `batch` with samples: row i of each with sample `rows[i]`. Calls follow one
   * another, also those of several runs and of parts of the data set; the arrays hold what they held
   * before.
   */
  read(
    rows: Uint32Array,
    batch: DataSet<StreamedFor<X, StoredInputs>, StreamedFor<Y, StoredTargets>>,
  ): void | Promise<void>;
}

const types = { uint8: Uint8Array, int32: Int32Array, float32: Float32Array } as const;

/**
 * A data set whose rows are read while it trains, for data that are larger than memory: from a file
 * by offsets, from a database, from a generator. Some rows are on the device at a time, and the
 * next ones are read while these are trained on. Shuffles, splits, validation and exact resume are
 * those of any data set, to the same bits: all a reader must do is to give the same sample for the
 * same number again.
 *
 * @param options Shapes, types, number of samples, and how to read some of them.
 * @returns A data set for `miniBatches`, `fit`, `evaluate`, `predict` and validation. Its arrays hold no rows.
 * @throws {RangeError} If `classes` is no whole number from 1.
 * @throws {DataError} If the number of samples is out of range, or an array is of a wrong type. In
 * training: when `read` fails, or gives a class id that is out of range, or a number that is not
 * finite, with the sample's number.
 *
 * @example
 * ```ts
 * import { dense, fit, input, meanSquaredError, sequential, sgd, streamedDataSet } from "@millrace/millrace";
 * import { lastValueFrom } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const line = streamedDataSet({
 *   samples: 1000,
 *   x: { shape: [1], type: "float32" },
 *   y: { shape: [1], type: "float32" },
 *   read(rows, { x, y }) {
 *     rows.forEach((row, place) => {
 *       x.data[place] = row / 1000;
 *       y.data[place] = 2 * row / 1000;
 *     });
 *   },
 * });
 * const model = sequential([input([1]), dense(1)]);
 * const { logs } = await lastValueFrom(fit(model, line, {
 *   loss: meanSquaredError(),
 *   optimizer: sgd({ learningRate: 0.3 }),
 *   epochs: 5,
 *   device: "cpu",
 * }));
 * assert.ok(logs.loss < 0.001);
 * ```
 *
 * PyTorch: a map-style `Dataset`, whose `__getitems__` this is. Keras: `PyDataset`.
 */
export function streamedDataSet<X extends StreamedArrays, Y extends StreamedArrays>(
  options: StreamedOptions<X, Y>,
): DataSet<StreamedFor<X, StoredInputs>, StreamedFor<Y, StoredTargets>> {
  const { samples, x, y, classes, sampleWeight, name } = options ?? {};
  if (!Number.isInteger(samples) || samples < 1 || samples >= 2 ** 32) {
    throw new DataError(
      `Cannot stream a data set as samples must be a whole number from 1 to 4294967295: received ` +
        `${samples}`,
    );
  }
  if (typeof options.read !== "function") {
    throw new DataError(
      `Cannot stream a data set as read must be a function that fills a batch with samples: ` +
        `received ${typeof options.read}`,
    );
  }
  const counts = typeof classes === "object" && classes !== null && !Array.isArray(classes)
    ? Object.values(classes as Readonly<Record<string, number>>)
    : [classes as number | undefined];
  counts.forEach(checkedClasses);
  return {
    x: describe(x, "x", samples, ["uint8", "float32"]),
    y: describe(y, "y", samples, ["uint8", "int32", "float32"]),
    ...(sampleWeight && { sampleWeight: new Float32Array() }),
    ...(classes !== undefined && { classes }),
    ...(name !== undefined && { name }),
    read: inTurn((rows, batch) => options.read(rows, batch)),
  } as DataSet<StreamedFor<X, StoredInputs>, StreamedFor<Y, StoredTargets>>;
}

/**
 * A reader whose calls follow one another. Parts of a data set share it, and while samples to train
 * on are read ahead others are validated: a file that both seek in would give either what the other
 * is looking for.
 */
function inTurn<X extends StreamedArrays, Y extends StreamedArrays>(
  read: StreamedOptions<X, Y>["read"],
): StreamedOptions<X, Y>["read"] {
  let last: Promise<void> = Promise.resolve();
  return (rows, batch) => {
    const done = last.then(() => read(rows, batch));
    last = done.catch(() => {});
    return done;
  };
}

function describe(
  arrays: StreamedArrays,
  what: string,
  samples: number,
  allowed: readonly string[],
): Inputs | Targets {
  if (typeof arrays !== "object" || arrays === null) {
    throw new DataError(
      `Cannot stream a data set as ${what} must say the shape and type of a sample, as ` +
        `{ shape: [784], type: "uint8" }: received ${arrays}`,
    );
  }
  if (!isArray(arrays)) {
    return Object.fromEntries(
      Object.entries(arrays).map(([key, one]) => [
        key,
        describe(one, `${what}.${key}`, samples, allowed) as StoredInputs,
      ]),
    );
  }
  const { shape, type, ...convert } = arrays;
  if (!allowed.includes(type)) {
    throw new DataError(
      `Cannot stream a data set as the type of ${what} must be ${allowed.join(" or ")}: received ` +
        `${type}`,
    );
  }
  if (!Array.isArray(shape)) {
    throw new DataError(
      `Cannot stream a data set as the shape of ${what} must be that of a sample, as [784], or [] ` +
        `for one number: received ${shape}`,
    );
  }
  if (!shape.every((size) => Number.isInteger(size) && size > 0)) {
    throw new DataError(
      `Cannot stream a data set as the shape of ${what} must hold whole numbers from 1: received ` +
        `[${shape.join(", ")}]`,
    );
  }
  return { data: new types[type](), shape: [samples, ...shape], ...convert } as StoredInputs;
}

function isArray(arrays: StreamedArrays): arrays is StreamedArray {
  return Array.isArray(arrays.shape) || typeof arrays.type === "string";
}

/** A data set of the same kinds with `count` rows of zeros. */
export function emptyRows(dataSet: AnyDataSet, count: number): AnyDataSet {
  const empty = <Part extends StoredInputs | StoredTargets>(part: Part): Part => {
    const shape = [count, ...part.shape.slice(1)];
    const Type = part.data.constructor as Float32ArrayConstructor;
    return { ...part, data: new Type(shape.reduce((size, axis) => size * axis, 1)), shape };
  };
  const { x, y, sampleWeight, read: _, ...rest } = dataSet;
  return {
    ...rest,
    x: mapParts(x, empty),
    y: mapParts(y, empty),
    ...(sampleWeight && { sampleWeight: new Float32Array(count) }),
  };
}

/**
 * Reads samples into a data set of as many rows, and checks them.
 *
 * @param dataSet A data set with a reader.
 * @param rows Numbers of samples.
 * @param batch Where they go: see {@link emptyRows}.
 */
export async function readInto(
  dataSet: AnyDataSet,
  rows: Uint32Array,
  batch: AnyDataSet,
): Promise<void> {
  const title = dataSet.name === undefined ? "a streamed data set" : `"${dataSet.name}"`;
  try {
    await dataSet.read!(rows, batch);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new DataError(`Cannot read ${rows.length} samples of ${title}: ${message}`, { cause });
  }
  const { x, y, sampleWeight, classes } = batch;
  for (const [, { data }] of named(x)) checkValues(data, rows, title, "inputs");
  for (const [name, { data }] of named(y)) {
    checkValues(
      data,
      rows,
      title,
      "targets",
      typeof classes === "object" ? classes[name] : classes,
    );
  }
  if (sampleWeight) checkValues(sampleWeight, rows, title, "weights", undefined, 0);
}

function named(part: Inputs | Targets): [string, StoredInputs | StoredTargets][] {
  return isStored(part) ? [["", part]] : Object.entries(part);
}

/** Checks that numbers are finite and not below `least`, and class ids below `classes`. */
function checkValues(
  data: ArrayLike<number>,
  rows: Uint32Array,
  title: string,
  what: string,
  classes?: number,
  least = -Infinity,
): void {
  const ids = classes !== undefined && data.length === rows.length;
  const low = ids ? 0 : least;
  const high = ids ? classes - 1 : Infinity;
  for (let at = 0; at < data.length; at++) {
    const value = data[at];
    if (value >= low && value <= high && Number.isFinite(value)) continue;
    const row = rows[Math.floor(at / (data.length / rows.length))];
    throw new DataError(
      `Cannot use the ${what} of sample ${row} of ${title} as they must be ` +
        `${
          ids ? `class ids from 0 to ${high}` : least === 0 ? "finite and at least 0" : "finite"
        }` +
        `: received ${value}`,
      { row: row + 1 },
    );
  }
}
