import { allocateData, type DType, type TensorData, wrapInteger } from "../graph/dtype.ts";
import { DTypeError, ShapeError } from "../graph/errors.ts";
import { constantLeaf, literal } from "../graph/leaf.ts";
import { checkShape, formatShape, type Shape, sizeOf } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { broadcastTo } from "./sum.ts";

/** Numbers in arrays in arrays, as deep as the tensor has axes. */
export type NestedNumbers = number | readonly NestedNumbers[];

/** Settings of {@link tensor}. */
export interface TensorOptions {
  /** Element type; by default that of a typed array, and f32 for numbers. */
  readonly dtype?: DType;
  /** Sizes of the axes; by default those of the nesting, or one axis for a typed array. */
  readonly shape?: Shape;
}

/**
 * A tensor of values that are known now; they are copied.
 *
 * @param values A number, numbers in nested arrays, or a typed array.
 * @param options {@link TensorOptions}: `dtype` and `shape`.
 * @throws {ShapeError} when arrays side by side differ in length, or `shape` does not hold the
 *   values.
 * @throws {DTypeError} when a value is none of the type, as 1.5 is no i32.
 *
 * @example
 * ```ts
 * import { tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const x = tensor([[1, 2], [3, 4]]);
 * assert.deepEqual(x.shape, [2, 2]);
 * assert.deepEqual([...await x.matmul(tensor([[1], [1]])).data()], [3, 7]);
 * ```
 */
export function tensor(
  values: NestedNumbers | TensorData,
  options: TensorOptions = {},
): Tensor {
  const typed = ArrayBuffer.isView(values) ? values : null;
  const own = typed ? [typed.length] : nestedShape(values as NestedNumbers);
  const shape = options.shape ?? own;
  checkShape("tensor", shape);
  const flat = typed ?? ([values] as unknown[]).flat(Infinity) as number[];
  const dtype = options.dtype ?? (typed ? typeOf(typed) : "f32");
  if (flat.length !== sizeOf(shape)) {
    throw new ShapeError(
      `Cannot make a tensor of shape ${formatShape(shape)} as it needs ${sizeOf(shape)} values: ` +
        `received ${flat.length}`,
    );
  }
  const data = allocateData(dtype, flat.length);
  for (let index = 0; index < flat.length; index++) {
    if (dtype !== "f32" && wrapInteger(dtype, flat[index]) !== Number(flat[index])) {
      throw new DTypeError(
        `Cannot make a tensor of ${dtype} as every value must be one of that type: received ` +
          `${flat[index]} at position ${index}`,
      );
    }
    data[index] = flat[index];
  }
  return constantLeaf(data, [...shape], dtype);
}

function typeOf(values: TensorData): DType {
  if (values instanceof Float32Array) return "f32";
  if (values instanceof Int32Array) return "i32";
  if (values instanceof Uint32Array) return "u32";
  if (values instanceof Uint8Array) return "u8";
  throw new DTypeError(
    `Cannot make a tensor from ${(values as object).constructor.name}: give a Float32Array, ` +
      `Int32Array, Uint32Array or Uint8Array, or an array of numbers`,
  );
}

/** Lengths along the first branch, after checking that all others have the same. */
function nestedShape(values: NestedNumbers): number[] {
  const shape: number[] = [];
  for (let value = values; Array.isArray(value); value = value[0]) shape.push(value.length);
  check(values, 0, "");
  return shape;

  function check(value: NestedNumbers, depth: number, place: string): void {
    const wanted = depth < shape.length ? `${shape[depth]} values` : "a number";
    const length = Array.isArray(value) ? value.length : undefined;
    if (length !== shape[depth] || (length === undefined && typeof value !== "number")) {
      throw new ShapeError(
        `Cannot make a tensor of arrays of different lengths: expected ${wanted} at ` +
          `values${place}, received ${length === undefined ? value : `${length} values`}`,
      );
    }
    if (Array.isArray(value)) {
      value.forEach((inner, index) => check(inner, depth + 1, `${place}[${index}]`));
    }
  }
}

/**
 * A tensor with `value` everywhere; it takes no memory until it is asked for.
 *
 * @param shape Sizes.
 * @param value The value.
 * @param dtype Element type; default f32.
 *
 * @example
 * ```ts
 * import { full } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await full([2], 7).data()], [7, 7]);
 * ```
 */
export function full(shape: Shape, value: number, dtype: Exclude<DType, "u8"> = "f32"): Tensor {
  checkShape("full", shape);
  if (dtype !== "f32" && wrapInteger(dtype, value) !== Number(value)) {
    throw new DTypeError(
      `Cannot make a tensor of ${dtype} as every value must be one of that type: received ${value}`,
    );
  }
  return broadcastTo(literal(value, dtype), [...shape]);
}

/**
 * A tensor of zeros.
 *
 * @param shape Sizes.
 * @param dtype Element type; default f32.
 *
 * @example
 * ```ts
 * import { zeros } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await zeros([2]).data()], [0, 0]);
 * ```
 */
export function zeros(shape: Shape, dtype: Exclude<DType, "u8"> = "f32"): Tensor {
  return full(shape, 0, dtype);
}

/**
 * A tensor of ones.
 *
 * @param shape Sizes.
 * @param dtype Element type; default f32.
 *
 * @example
 * ```ts
 * import { ones } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await ones([2]).data()], [1, 1]);
 * ```
 */
export function ones(shape: Shape, dtype: Exclude<DType, "u8"> = "f32"): Tensor {
  return full(shape, 1, dtype);
}
