/**
 * The element types of tensors.
 *
 * - `f32`: 32-bit floats, the type that trains.
 * - `i32`, `u32`: 32-bit integers; arithmetic wraps around.
 * - `bool`: results of comparisons, kept as 0 or 1 in 32 bits.
 * - `u8`: bytes of stored data sets; only `gather` reads them, and converts.
 */
export type DType = "f32" | "i32" | "u32" | "bool" | "u8";

/** A typed array that holds the elements of a tensor on the host. */
export type TensorData = Float32Array | Int32Array | Uint32Array | Uint8Array;

/** Bytes of one element of `dtype` on every device. */
export function bytesPerElement(dtype: DType): number {
  return dtype === "u8" ? 1 : 4;
}

/** A new zeroed host array of `count` elements of `dtype` (`bool` as `Uint32Array` of 0 and 1). */
export function allocateData(dtype: DType, count: number): TensorData {
  switch (dtype) {
    case "f32":
      return new Float32Array(count);
    case "i32":
      return new Int32Array(count);
    case "u8":
      return new Uint8Array(count);
    case "u32":
    case "bool":
      return new Uint32Array(count);
  }
}

/** Rounds a float64 `value` to what an element of `dtype` holds; float64 stays as it is for `f32`. */
export function wrapInteger(dtype: DType, value: number): number {
  switch (dtype) {
    case "i32":
      return value | 0;
    case "u32":
      return value >>> 0;
    case "bool":
      return value ? 1 : 0;
    case "u8":
      return value & 255;
    case "f32":
      return value;
  }
}
