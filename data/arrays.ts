import { DataError } from "../core/graph/errors.ts";
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
import { flatten, type NestedValues } from "./nested.ts";

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

/** What the inputs of {@linkcode arrays} may be. */
export type InputValues = NestedValues | Uint8Array | Float32Array | Float64Array;

/** What the targets of {@linkcode arrays} may be. */
export type TargetValues = InputValues | Int32Array;

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
 * @param x Inputs, `[samples, ...features]`: nested arrays (stored as float32), or a flat
 * `Uint8Array` or `Float32Array` (stored as it is, not copied), or a flat `Float64Array` (stored as
 * float32). For a model of several inputs, a record of such, by the names of the inputs.
 * @param y Targets. With `options.classes`, or as a `Uint8Array` or `Int32Array`: class ids,
 * `[samples]`. As nested arrays: values, `[samples, ...outputs]`, stored as float32. As a flat list
 * of numbers: one value a sample, stored as `[samples, 1]`. For a model of several outputs, a record
 * of such, by the names of the outputs.
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
/** Builds a data set of one array of inputs and one of targets. */
export function arrays(
  x: InputValues,
  y: TargetValues,
  options?: ArraysOptions,
): DataSet;
export function arrays(
  x: InputValues | Named<InputValues>,
  y: TargetValues | Named<TargetValues>,
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
  const samples = firstOf(targets).shape[0];
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
    ...(options.sampleWeight && { sampleWeight: Float32Array.from(options.sampleWeight) }),
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

/** What `store` makes of one array, or of each array by name; an error says which. */
function eachArray<Values, Stored extends StoredInputs | StoredTargets>(
  given: Values | Named<Values>,
  store: (values: Values, key: string | null) => Stored,
): Stored | Named<Stored> {
  if (Array.isArray(given) || ArrayBuffer.isView(given)) return store(given as Values, null);
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

function firstOf<Stored extends StoredInputs | StoredTargets>(
  parts: Stored | Named<Stored>,
): Stored {
  const first = isStored(parts as Inputs) ? parts as Stored : Object.values(parts)[0] as Stored;
  if (first) return first;
  throw new DataError("Cannot build a data set as y holds no array: give one by name");
}

function checkedClasses(classes: number | undefined): number | undefined {
  if (classes === undefined || (Number.isInteger(classes) && classes >= 1)) return classes;
  throw new RangeError(
    `Cannot build a data set as classes must be an integer from 1: received ${classes}`,
  );
}

function checkFinite(options: Named<number | undefined>): void {
  for (const [key, value] of Object.entries(options)) {
    if (value === undefined || Number.isFinite(value)) continue;
    throw new RangeError(
      `Cannot build a data set as ${key} must be a finite number: received ${value}`,
    );
  }
}

function storeInputs(
  x: InputValues,
  samples: number,
  inputShape: readonly number[] | undefined,
): StoredInputs {
  if (!ArrayBuffer.isView(x)) {
    const { data, shape } = flatten(x, "x");
    if (inputShape !== undefined && String(inputShape) !== String(shape.slice(1))) {
      throw new DataError(
        `Cannot build a data set as x must hold samples of shape [${inputShape.join(", ")}]: ` +
          `received [${shape.slice(1).join(", ")}]`,
      );
    }
    // A flat list is one feature a sample: a model's input always has a feature dimension.
    return { data, shape: shape.length === 1 ? [shape[0], 1] : shape };
  }
  const size = inputShape?.reduce((product, length) => product * length, 1) ?? x.length / samples;
  if (x.length === 0 || !Number.isInteger(x.length / size) || !Number.isInteger(size)) {
    throw new DataError(
      `Cannot build a data set as x must hold whole samples: received ${x.length} numbers for ` +
        (inputShape ? `samples of shape [${inputShape.join(", ")}]` : `${samples} targets`),
    );
  }
  const shape = [x.length / size, ...(inputShape ?? [size])];
  return { data: x instanceof Uint8Array ? x : finiteFloats(x, size, "x"), shape };
}

function storeTargets(
  y: TargetValues,
  classes: number | undefined,
): StoredTargets {
  if (y instanceof Uint8Array || y instanceof Int32Array) {
    if (y.length === 0) throw new DataError("Cannot build a data set as y holds no numbers");
    checkClasses(y, classes);
    return { data: y, shape: [y.length] };
  }
  const { data, shape } = ArrayBuffer.isView(y)
    ? { data: finiteFloats(y, 1, "y"), shape: [y.length] }
    : flatten(y, "y");
  if (data.length === 0) throw new DataError("Cannot build a data set as y holds no numbers");
  if (classes === undefined) return { data, shape: shape.length === 1 ? [shape[0], 1] : shape };
  if (shape.length > 1) {
    if (shape.at(-1) === classes) return { data, shape };
    throw new DataError(
      `Cannot build a data set as y must hold class ids, or rows of ${classes} values, one a ` +
        `class: received shape [${shape.join(", ")}]`,
    );
  }
  checkClasses(data, classes);
  return { data: classes <= 256 ? Uint8Array.from(data) : Int32Array.from(data), shape };
}

/**
 * Checks that every target is a class id.
 *
 * @param ids The targets.
 * @param classes Number of classes; `undefined` for no upper bound.
 * @param file The file they came from, for messages.
 * @throws {DataError} At the first that is not an integer from 0 to `classes - 1`, with its row.
 */
export function checkClasses(
  ids: ArrayLike<number>,
  classes: number | undefined,
  file?: string,
): void {
  const bound = classes ?? Infinity;
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i];
    if (!(id >= 0 && id < bound && Number.isInteger(id))) {
      const source = file === undefined ? "" : ` of "${file}"`;
      const range = classes === undefined ? "0 or more" : `0 to ${classes - 1}`;
      const advice = id >= bound ? " (set classes to the number of classes if there are more)" : "";
      throw new DataError(
        `Cannot use the labels${source} as each must be an integer from ${range}: received ${id} ` +
          `at index ${i}${advice}`,
        { file, row: i + 1 },
      );
    }
  }
}

function finiteFloats(values: Float32Array | Float64Array, size: number, what: string) {
  const floats = values instanceof Float32Array ? values : Float32Array.from(values);
  for (let i = 0; i < floats.length; i++) {
    if (!Number.isFinite(floats[i])) {
      const sample = Math.floor(i / size);
      throw new DataError(
        `Cannot build a data set as ${what} must hold finite float32 numbers: received ` +
          `${values[i]} at sample ${sample}, position ${i % size}`,
        { row: sample + 1, column: i % size + 1 },
      );
    }
  }
  return floats;
}
