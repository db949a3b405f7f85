import type { GpuCall } from "../call.ts";
import { type MatmulSizes, matmulSizes, type Matrix, matrixOf } from "../matrix.ts";
import type { ShaderBuilder } from "../shader_builder.ts";
import { emitFinish } from "./finish.ts";

/** What all forms of the product's kernel need to know. */
export interface Product {
  /** Sizes; with slices, a batch is a slice. */
  readonly sizes: MatmulSizes;
  /** Terms that one slice adds up. */
  readonly share: number;
  /** Parts of the sums. */
  readonly slices: number;
  /** First operand's strides. */
  readonly a: Matrix;
  /** Second operand's strides. */
  readonly b: Matrix;
  /** Expression for an element of the first operand, by its index from the operand's start. */
  readonly loadA: (index: string) => string;
  /** The same of the second operand. */
  readonly loadB: (index: string) => string;
  /** Function of an element's number and its value. */
  readonly finish: string;
}

/** Reads off a call of `matmul` what its kernel needs, and emits what follows each element. */
export function describeProduct(shader: ShaderBuilder, call: GpuCall): Product {
  if (call.work.kind !== "structured") throw new Error("Cannot multiply in another call");
  const { call: { operands: [a, b] }, slices } = call.work;
  const sizes = matmulSizes(call.work.call);
  const share = Math.ceil(sizes.inner / slices);
  const [left, right] = [matrixOf(a), matrixOf(b)];
  const startA = shader.start(a);
  const startB = shader.start(b);
  return {
    sizes: slices > 1 ? { ...sizes, batches: slices } : sizes,
    share,
    slices,
    a: slices > 1 ? { ...left, batchStride: share * left.columnStride } : left,
    b: slices > 1 ? { ...right, batchStride: share * right.rowStride } : right,
    loadA: (index) => shader.load(a.buffer, "f32", `${startA} + ${index}`),
    loadB: (index) => shader.load(b.buffer, "f32", `${startB} + ${index}`),
    finish: emitFinish(shader, call),
  };
}

/** How many terms a batch adds up: a number, or an expression where the last slice is shorter. */
export function innerOf({ sizes, share, slices }: Product): string {
  if (slices === 1) return `${sizes.inner}u`;
  if (sizes.inner % slices === 0) return `${share}u`;
  // Rounding up may leave the last slices without terms.
  return `min(${share}u, ${sizes.inner}u - min(batch * ${share}u, ${sizes.inner}u))`;
}
