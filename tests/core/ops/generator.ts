import type { DType } from "../../../core/graph/dtype.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import { type Shape, sizeOf } from "../../../core/graph/shape.ts";

/** Values of an input of a case: float32 values as they are, integers and `bool` as whole numbers. */
export interface CaseInput {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly data: readonly number[];
}

/** One use of an op on given values, for every device. */
export interface OpCase {
  /** Op, types and shapes: unique among all cases. */
  readonly name: string;
  readonly inputs: readonly CaseInput[];
  /** Makes the result from tensors of {@link OpCase.inputs}: leaves or anything else. */
  readonly build: (...tensors: Tensor[]) => Tensor;
  /** Which inputs have a gradient that is to be checked. */
  readonly differentiable: readonly number[];
  /** Units in the last place of float32 by which a device may differ; see {@link errorInUnits}. */
  readonly tolerance: number;
  /** Results below this magnitude are measured by its units: where sums cancel. Default 0. */
  readonly magnitude?: number;
}

/** Numbers in [0, 1) from a seed (mulberry32): tests must fail again with the same values. */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let word = Math.imul(state ^ (state >>> 15), state | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return ((word ^ (word >>> 14)) >>> 0) / 4294967296;
  };
}

/** An input of `shape` with float32 values from `[low, high)`. */
export function floats(
  random: () => number,
  shape: Shape,
  [low, high]: readonly [number, number] = [-3, 3],
): CaseInput {
  const value = () => Math.fround(low + (high - low) * random());
  return { shape, dtype: "f32", data: Array.from({ length: sizeOf(shape) }, value) };
}

/** An input of `shape` with whole numbers from `[low, high)`. */
export function integers(
  random: () => number,
  shape: Shape,
  dtype: Exclude<DType, "f32">,
  [low, high]: readonly [number, number],
): CaseInput {
  const value = () => low + Math.floor((high - low) * random());
  return { shape, dtype, data: Array.from({ length: sizeOf(shape) }, value) };
}

const words = new DataView(new ArrayBuffer(4));

/** The distance between neighbouring float32 values at `value`. */
function unitAt(value: number): number {
  words.setFloat32(0, Math.abs(value));
  const exponent = Math.max(1, words.getUint32(0) >>> 23);
  return 2 ** (exponent - 150);
}

/**
 * How far a device's `actual` is from the float64 `expected`, in units in the last place of float32.
 *
 * The expected value is rounded to float32 first, so that an overflow is Infinity for both; equal
 * infinities and two NaN differ by 0. Values below `magnitude` are measured by the units there.
 */
export function errorInUnits(actual: number, expected: number, magnitude = 0): number {
  const rounded = Math.fround(expected);
  if (actual === rounded || (Number.isNaN(actual) && Number.isNaN(rounded))) return 0;
  if (!Number.isFinite(actual) || !Number.isFinite(rounded)) return Infinity;
  return Math.abs(actual - expected) / unitAt(Math.max(Math.abs(rounded), magnitude));
}

/** Shapes for messages: `[3, 1] [1, 5]`. */
export function shapesOf(inputs: readonly CaseInput[]): string {
  return inputs.map(({ shape, dtype }) => `${dtype}[${shape.join(", ")}]`).join(" ");
}
