import { DataError } from "../core/graph/errors.ts";
import { checkClasses } from "./check_classes.ts";
import type { StoredInputs, StoredTargets } from "./data_set.ts";
import { flatten, isTyped, type NestedValues, type TypedNumbers } from "./nested.ts";

/** Numbers of any type with their shape, as {@linkcode parseNpy} gives them. */
export interface ShapedNumbers {
  /** The numbers, row by row. */
  readonly data: TypedNumbers;
  /** `[samples, ...]`. */
  readonly shape: readonly number[];
}

/** What the inputs of {@linkcode arrays} may be. */
export type InputValues = NestedValues | TypedNumbers | StoredInputs | ShapedNumbers;

/** What the targets of {@linkcode arrays} may be. */
export type TargetValues = NestedValues | TypedNumbers | StoredTargets | ShapedNumbers;

/** Class ids are stored as int32. */
const mostClasses = 2 ** 31;

const xOfDataSet = "build a data set as x";
const yOfDataSet = "build a data set as y";

/**
 * The inputs of a data set.
 *
 * @param x The numbers.
 * @param samples How many samples there are, which divides a flat array; by default each number of it
 * is one.
 * @param inputShape Shape of one sample.
 * @param purpose What cannot be done, and with what, for messages.
 */
export function storeInputs(
  x: InputValues,
  samples: number | undefined,
  inputShape: readonly number[] | undefined,
  purpose: string = xOfDataSet,
): StoredInputs {
  if (isTyped(x)) {
    const size = inputShape?.reduce((product, length) => product * length, 1) ??
      (samples === undefined ? 1 : x.length / samples);
    if (x.length === 0 || !Number.isInteger(x.length / size) || !Number.isInteger(size)) {
      throw new DataError(
        `Cannot ${purpose} must hold whole samples: received ${x.length} numbers for ` +
          (inputShape ? `samples of shape [${inputShape.join(", ")}]` : `${samples ?? 0} targets`),
      );
    }
    const shape = [x.length / size, ...(inputShape ?? [size])];
    return { data: x instanceof Uint8Array ? ownBytes(x) : finiteFloats(x, size, purpose), shape };
  }
  if (Array.isArray(x)) {
    const { data, shape } = flatten(x, purpose);
    checkShape(shape, inputShape, purpose);
    // A flat list is one feature a sample: a model's input always has a feature dimension.
    return { data, shape: shape.length === 1 ? [shape[0], 1] : shape };
  }
  const { data, shape, ...conversion } = shaped(x as StoredInputs, purpose);
  checkShape(shape, inputShape, purpose);
  return {
    data: data instanceof Uint8Array
      ? ownBytes(data)
      : finiteFloats(data, data.length / shape[0], purpose),
    shape,
    ...conversion,
  };
}

/**
 * The targets of a data set.
 *
 * @param y The numbers.
 * @param classes How many classes there are, if they are class ids.
 */
export function storeTargets(y: TargetValues, classes: number | undefined): StoredTargets {
  if (isTyped(y) && !isFloats(y)) {
    if (y.length === 0) throw new DataError(`Cannot ${yOfDataSet} holds no numbers`);
    return { data: storeIds(y, classes), shape: [y.length] };
  }
  const { data, shape } = isTyped(y)
    ? { data: finiteFloats(y, 1, yOfDataSet), shape: [y.length] }
    : Array.isArray(y)
    ? flatten(y, yOfDataSet)
    : shaped(y as StoredTargets | ShapedNumbers, yOfDataSet);
  if (data.length === 0) throw new DataError(`Cannot ${yOfDataSet} holds no numbers`);
  if (!isFloats(data)) return { data: storeIds(data, classes), shape };
  const values = finiteFloats(data, data.length / shape[0], yOfDataSet);
  if (classes === undefined) {
    return { data: values, shape: shape.length === 1 ? [shape[0], 1] : shape };
  }
  if (shape.length > 1) {
    if (shape.at(-1) === classes) return { data: values, shape };
    throw new DataError(
      `Cannot ${yOfDataSet} must hold class ids, or rows of ${classes} values, one a ` +
        `class: received shape [${shape.join(", ")}]`,
    );
  }
  checkClasses(data, classes);
  return { data: classes <= 256 ? Uint8Array.from(data) : Int32Array.from(data), shape };
}

/** Class ids in a type that devices read. */
function storeIds(ids: TypedNumbers, classes: number | undefined): Uint8Array | Int32Array {
  checkClasses(ids, classes ?? (ids instanceof Uint32Array ? mostClasses : undefined));
  if (ids instanceof Uint8Array) return ownBytes(ids);
  if (ids instanceof Int32Array) return ids;
  return ids instanceof Uint8ClampedArray ? Uint8Array.from(ids) : Int32Array.from(ids);
}

function isFloats(numbers: TypedNumbers): numbers is Float32Array | Float64Array {
  return numbers[Symbol.toStringTag].startsWith("Float");
}

/** Bytes in an array of the language's own: a `Buffer` of Node's is made and sliced otherwise. */
function ownBytes(bytes: Uint8Array): Uint8Array {
  if (bytes.constructor === Uint8Array) return bytes;
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

function checkShape(
  shape: readonly number[],
  inputShape: readonly number[] | undefined,
  purpose: string,
): void {
  if (inputShape === undefined || String(inputShape) === String(shape.slice(1))) return;
  throw new DataError(
    `Cannot ${purpose} must hold samples of shape [${inputShape.join(", ")}]: ` +
      `received [${shape.slice(1).join(", ")}]`,
  );
}

/** Numbers that come with their shape, such as those of `toCategorical` or `predict`. */
function shaped<Stored extends ShapedNumbers>(
  stored: Stored,
  purpose: string,
): Stored {
  if (!stored || !isTyped(stored.data) || !Array.isArray(stored.shape)) {
    throw new DataError(
      `Cannot ${purpose} must be arrays of numbers, a typed array of numbers, ` +
        `numbers with their shape, or such by name: received ${describe(stored)}`,
    );
  }
  const { data, shape } = stored;
  if (data.length > 0 && shape.reduce((size, length) => size * length, 1) === data.length) {
    return stored;
  }
  throw new DataError(
    `Cannot ${purpose} must hold as many numbers as its shape says: received ` +
      `${data.length} for shape [${shape.join(", ")}]`,
  );
}

function describe(value: unknown): string {
  if (!ArrayBuffer.isView(value)) {
    return typeof value === "object" && value !== null ? "another object" : String(value);
  }
  const { name } = value.constructor;
  return name.startsWith("Big")
    ? `a ${name} (Int32Array.from(it, Number) converts it)`
    : `a ${name}`;
}

function finiteFloats(values: TypedNumbers, size: number, purpose: string): Float32Array {
  const floats = values instanceof Float32Array ? values : Float32Array.from(values);
  for (let i = 0; i < floats.length; i++) {
    if (!Number.isFinite(floats[i])) {
      const sample = Math.floor(i / size);
      throw new DataError(
        `Cannot ${purpose} must hold finite float32 numbers: received ` +
          `${values[i]} at sample ${sample}, position ${i % size}`,
        { row: sample + 1, column: i % size + 1 },
      );
    }
  }
  return floats;
}
