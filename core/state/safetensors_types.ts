/** The array that holds the elements of each safetensors element type. */
export interface SafetensorsArrays {
  /** Booleans, a byte each: 0 or 1. */
  BOOL: Uint8Array;
  /** Unsigned 8-bit integers. */
  U8: Uint8Array;
  /** Signed 8-bit integers. */
  I8: Int8Array;
  /** Unsigned 16-bit integers. */
  U16: Uint16Array;
  /** Signed 16-bit integers. */
  I16: Int16Array;
  /** Half-precision floats, as their bits. */
  F16: Uint16Array;
  /** Brain floats, as their bits: the upper half of a float32. */
  BF16: Uint16Array;
  /** Unsigned 32-bit integers. */
  U32: Uint32Array;
  /** Signed 32-bit integers. */
  I32: Int32Array;
  /** Single-precision floats. */
  F32: Float32Array;
  /** Unsigned 64-bit integers. */
  U64: BigUint64Array;
  /** Signed 64-bit integers. */
  I64: BigInt64Array;
  /** Double-precision floats. */
  F64: Float64Array;
}

/** An element type of safetensors that Millrace reads and writes. */
export type SafetensorsDType = keyof SafetensorsArrays;

/**
 * A tensor of a safetensors file: `dtype` decides the type of `data`, `shape` may be empty (one
 * element) or hold zeros (no element), and `data` is row-major.
 */
export type SafetensorsTensor = {
  [DType in SafetensorsDType]: {
    readonly dtype: DType;
    readonly shape: readonly number[];
    readonly data: SafetensorsArrays[DType];
  };
}[SafetensorsDType];

/** What a safetensors file holds. */
export interface SafetensorsContents {
  /** The tensors by name, in the order of the header. */
  readonly tensors: Map<string, SafetensorsTensor>;
  /** The `__metadata__` of the header; empty if there is none. */
  readonly metadata: Record<string, string>;
}

/** The constructor of each element type's array. */
export const arrayTypes = {
  BOOL: Uint8Array,
  U8: Uint8Array,
  I8: Int8Array,
  U16: Uint16Array,
  I16: Int16Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  U32: Uint32Array,
  I32: Int32Array,
  F32: Float32Array,
  U64: BigUint64Array,
  I64: BigInt64Array,
  F64: Float64Array,
} as const;

/** The header's longest length in bytes, as in the format's own implementation. */
export const headerLimit = 100_000_000;

/**
 * Counts the elements of a shape.
 *
 * @param shape Dimensions, integers from 0 to 2^53 − 1.
 * @returns Their product, or `undefined` if it passes 2^53 − 1.
 */
export function countElements(shape: readonly number[]): number | undefined {
  if (shape.includes(0)) return 0;
  let count = 1;
  for (const length of shape) {
    count *= length;
    if (count > Number.MAX_SAFE_INTEGER) return undefined;
  }
  return count;
}
