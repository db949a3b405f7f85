import { DataError } from "../core/graph/errors.ts";
import { checkedClasses } from "./check_classes.ts";
import {
  type AnyDataSet,
  type DataSet,
  type Inputs,
  isStored,
  sampleCount,
  sampleWeightOf,
  type StoredInputs,
  type StoredTargets,
} from "./data_set.ts";
import { type InputValues, storeInputs, storeTargets, type TargetValues } from "./store_arrays.ts";

/** What {@linkcode arrays} may be told beyond the numbers. */
export interface ArraysOptions {
  /** Number of classes; given, the targets are class ids from 0 to `classes - 1`. */
  classes?: number;
  /** Shape of one sample when `x` is a flat typed array, e.g. `[28, 28]`; default one dimension. */
  inputShape?: readonly number[];
  /** Factor of the value a model sees, `x * scale + offset`; default 1. */
  scale?: number;
  /** Term of the value a model sees, `x * scale + offset`; default 0. */
  offset?: number;
  /** How much each sample counts, `[samples]`, at least 0; by default each counts once. */
  sampleWeight?: ArrayLike<number>;
  /** Name for logs and messages. */
  name?: string;
}

/** The targets of a data set that has none. */
export type NoTargets = Readonly<Record<string, never>>;

/** Arrays by name. */
export type Named<Values> = Readonly<Record<string, Values>>;

/** `Option` where `X` is one array, else a record with the names of `X`, not all of which need it. */
export type OptionFor<X, Values, Option> = X extends Values ? Option
  : { readonly [Name in keyof X]?: Option };

/** `Stored` where `X` is one array, else a record with the names of `X`. */
export type StoredFor<X, Values, Stored> = X extends Values ? Stored
  : { readonly [Name in keyof X]: Stored };

/** {@linkcode ArraysOptions} for arrays by name: what belongs to an array stands under its name. */
export interface NamedArraysOptions<X, Y> {
  /** Number of classes of the targets; given, they are class ids from 0 to `classes - 1`. */
  classes?: OptionFor<Y, TargetValues, number>;
  /** Shape of one sample of flat typed arrays among the inputs, e.g. `[28, 28]`. */
  inputShape?: OptionFor<X, InputValues, readonly number[]>;
  /** Factor of the value a model sees, `x * scale + offset`; default 1. */
  scale?: OptionFor<X, InputValues, number>;
  /** Term of the value a model sees, `x * scale + offset`; default 0. */
  offset?: OptionFor<X, InputValues, number>;
  /** How much each sample counts, `[samples]`, at least 0; by default each counts once. */
  sampleWeight?: ArrayLike<number>;
  /** Name for logs and messages. */
  name?: string;
}

/**
 * Builds a data set from arrays in memory.
 *
 * @param x Inputs, `[samples, ...features]`: nested arrays, whose rows may be typed arrays (stored
 * as float32); or a flat `Uint8Array` or `Float32Array` (stored as it is, not copied), or a flat
 * typed array of another type (stored as float32); or numbers with their shape, such as what
 * `predict` gives. For a model of several inputs, a record of such, by the names of the inputs.
 * @param y Targets. With `options.classes`, or as a typed array of whole numbers: class ids,
 * `[samples]`. As nested arrays: values, `[samples, ...outputs]`, stored as float32. As a flat list
 * of numbers or floats: one value a sample, stored as `[samples, 1]`. As numbers with their shape,
 * such as those of `toCategorical`: as they are. For a model of several outputs, a record of such,
 * by the names of the outputs. Left out, there are none: a {@linkcode loss} that is a function of
 * inputs and outputs needs none.
 * @param options Number of classes, shape of one sample, scale, offset, weights, name; by the names of arrays
 * where they have names.
 * @returns The data set.
 * @throws {DataError} If there are no samples, rows differ in length, something is not a finite
 * number, a class id is not an integer from 0 to `classes - 1`, or arrays differ in their number of
 * samples; `row` (from 1) and `column` say where.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { arrays } from "@millrace/millrace";
 *
 * const xor = arrays([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0], { classes: 2 });
 * assert.deepEqual(xor.x.shape, [4, 2]);
 * assert.deepEqual(xor.y.shape, [4]);
 * assert.throws(() => arrays([[0, 0], [0]], [0, 1]), /sample 1/);
 *
 * const houses = arrays(
 *   { rooms: [[3, 1], [5, 2]], photo: new Uint8Array(2 * 4) },
 *   { kind: [0, 1], price: [[120], [310]] },
 *   { classes: { kind: 2 }, scale: { photo: 1 / 255 }, inputShape: { photo: [2, 2] } },
 * );
 * assert.deepEqual(houses.x.photo.shape, [2, 2, 2]);
 * ```
 */
export function arrays<
  X extends InputValues | Named<InputValues>,
  Y extends TargetValues | Named<TargetValues>,
>(
  x: X,
  y: Y,
  options?: NamedArraysOptions<X, Y>,
): DataSet<StoredFor<X, InputValues, StoredInputs>, StoredFor<Y, TargetValues, StoredTargets>>;
/** Builds a data set without targets, for losses that go by inputs and outputs alone. */
export function arrays<X extends InputValues | Named<InputValues>>(
  x: X,
  y?: NoTargets,
  options?: NamedArraysOptions<X, NoTargets>,
): DataSet<StoredFor<X, InputValues, StoredInputs>, NoTargets>;
/** Builds a data set of one array of inputs and one of targets. */
export function arrays(
  x: InputValues,
  y: TargetValues,
  options?: ArraysOptions,
): DataSet;
export function arrays(
  x: InputValues | Named<InputValues>,
  y: TargetValues | Named<TargetValues> = {},
  options: ArraysOptions | NamedArraysOptions<Named<InputValues>, Named<TargetValues>> = {},
): AnyDataSet {
  const { name } = options;
  const optionOf = <Value>(option: unknown, key: string | null): Value | undefined =>
    (key === null ? option : (option as Named<Value> | undefined)?.[key]) as Value | undefined;
  const targets = eachArray(
    y,
    (values: TargetValues, key) =>
      storeTargets(values, checkedClasses(optionOf<number>(options.classes, key))),
  );
  const samples = firstOf(targets)?.shape[0];
  const inputs = eachArray(x, (values: InputValues, key) => {
    const [scale, offset] = [options.scale, options.offset].map((o) => optionOf<number>(o, key));
    checkFinite({ scale, offset });
    return {
      ...storeInputs(values, samples, optionOf<readonly number[]>(options.inputShape, key)),
      ...(scale === undefined ? {} : { scale }),
      ...(offset ? { offset } : {}),
    };
  });
  const dataSet: AnyDataSet = {
    x: inputs,
    y: targets,
    ...(options.classes === undefined ? {} : { classes: options.classes as number }),
    ...(options.sampleWeight && { sampleWeight: oneEach(options.sampleWeight) }),
    ...(name === undefined ? {} : { name }),
  };
  if (isStored(inputs) && isStored(targets) && inputs.shape[0] !== samples) {
    throw new DataError(
      `Cannot build a data set as every sample needs its target: received ${inputs.shape[0]} ` +
        `inputs and ${samples} targets`,
    );
  }
  sampleCount(dataSet);
  sampleWeightOf(dataSet);
  return dataSet;
}

/** Weights of samples, each a number. */
function oneEach(weights: ArrayLike<number>): Float32Array {
  if (typeof weights[0] !== "object") return Float32Array.from(weights);
  throw new DataError(
    "Cannot build a data set as each sample needs one weight, a number: received rows of weights " +
      "(steps that do not count have a label that the loss ignores, as ignoreClass: -1, or a mask; " +
      "classes have weights by classWeight)",
  );
}

/** What `store` makes of one array, or of each array by name; an error says which. */
export function eachArray<Values, Stored extends StoredInputs | StoredTargets>(
  given: Values | Named<Values>,
  store: (values: Values, key: string | null) => Stored,
): Stored | Named<Stored> {
  // What is no record of arrays is refused as one array.
  const single = typeof given !== "object" || given === null || Array.isArray(given) ||
    ArrayBuffer.isView(given) || isStored(given as Inputs);
  if (single) return store(given as Values, null);
  return Object.fromEntries(
    Object.entries(given as Named<Values>).map(([key, values]) => {
      try {
        return [key, store(values, key)];
      } catch (cause) {
        if (!(cause instanceof DataError)) throw cause;
        const { file, row, column } = cause;
        throw new DataError(`${key}: ${cause.message}`, { file, row, column });
      }
    }),
  );
}

/** Of several arrays the first; of none, as of no targets, undefined. */
function firstOf<Stored extends StoredInputs | StoredTargets>(
  parts: Stored | Named<Stored>,
): Stored | undefined {
  return isStored(parts as Inputs) ? parts as Stored : Object.values(parts)[0] as Stored;
}

function checkFinite(options: Named<number | undefined>): void {
  for (const [key, value] of Object.entries(options)) {
    if (value === undefined || Number.isFinite(value)) continue;
    throw new RangeError(
      `Cannot build a data set as ${key} must be a finite number: received ${value}`,
    );
  }
}
