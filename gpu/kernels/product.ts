import type { GpuCall } from "../call.ts";
import { type MatmulSizes, matmulSizes, matrixOf } from "../matrix.ts";
import type { ShaderBuilder } from "../shader_builder.ts";
import { emitFinish } from "./finish.ts";
import { describeOperand, type Operand } from "./operand.ts";

/** What all forms of the product's kernel need to know. */
export interface Product {
  /** Sizes; with slices, a batch is a slice. */
  readonly sizes: MatmulSizes;
  /** Terms that one slice adds up. */
  readonly share: number;
  /** Parts of the sums. */
  readonly slices: number;
  /** First operand. */
  readonly a: Operand;
  /** Second operand. */
  readonly b: Operand;
  /** Function of an element's number and its value. */
  readonly finish: string;
}

/** Reads off a call of `matmul` what its kernel needs, and emits what follows each element. */
export function describeProduct(shader: ShaderBuilder, call: GpuCall): Product {
  if (call.work.kind !== "structured") throw new Error("Cannot multiply in another call");
  const { call: { operands: [a, b] }, slices } = call.work;
  const whole = matmulSizes(call.work.call);
  const sizes = slices > 1 ? { ...whole, batches: slices } : whole;
  const share = Math.ceil(whole.inner / slices);
  const [left, right] = [matrixOf(a), matrixOf(b)];
  const cut = (batchStride: number, stride: number) => slices > 1 ? share * stride : batchStride;
  const { rows, columns, inner, batches } = sizes;
  return {
    sizes,
    share,
    slices,
    a: describeOperand(
      shader,
      a,
      { ...left, batchStride: cut(left.batchStride, left.columnStride) },
      "first",
      { places: rows, terms: inner, batches },
    ),
    b: describeOperand(
      shader,
      b,
      { ...right, batchStride: cut(right.batchStride, right.rowStride) },
      "second",
      { places: columns, terms: inner, batches },
    ),
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
