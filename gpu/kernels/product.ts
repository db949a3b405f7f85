import { type GpuCall, tailLoads } from "../call.ts";
import type { StructuredCall } from "../../core/graph/call.ts";
import type { ConvolutionAttributes } from "../../core/graph/window.ts";
import { type MatmulSizes, type Matrix, matrixOf, productSizes } from "../matrix.ts";
import type { ShaderBuilder } from "../shader_builder.ts";
import { emitFinish } from "./finish.ts";
import { describeImages, type Images } from "./image_operand.ts";
import { describeOperand, type Operand } from "./operand.ts";

/** Terms by which slices begin apart, times any number. */
const run = 16;

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
  /** Reads and writes of memory that it makes. */
  readonly accesses: number;
}

/** Reads off a call that is a product what its kernel needs, and emits what follows each element. */
export function describeProduct(shader: ShaderBuilder, call: GpuCall): Product {
  if (call.work.kind !== "structured") throw new Error("Cannot multiply in another call");
  const { call: inner, slices } = call.work;
  const whole = productSizes(inner)!;
  const sizes = slices > 1 ? { ...whole, batches: slices } : whole;
  // Whole tiles, of which four terms can be read at once wherever a slice begins.
  const share = slices > 1 ? Math.ceil(whole.inner / slices / run) * run : whole.inner;
  const { a, b } = describeOperands(shader, inner, sizes, slices > 1 ? share : 0);
  const stores = call.tails.reduce((sum, { stores }) => sum + stores.length, call.stored ? 1 : 0);
  // What is the same for all elements is read once for all copies.
  const loads = tailLoads(call).filter(({ load }) => load.strides.some((stride) => stride !== 0));
  const accesses = stores + loads.length;
  return { sizes, share, slices, a, b, finish: emitFinish(shader, call), accesses };
}

/** The operands; with a share, a batch is a slice of so many terms. */
function describeOperands(
  shader: ShaderBuilder,
  call: StructuredCall,
  { rows, columns, inner, batches }: MatmulSizes,
  share: number,
): { a: Operand; b: Operand } {
  const [first, second] = call.operands;
  const isMatmul = call.name === "matmul";
  const cut = (matrix: Matrix, stride: number) =>
    share > 0 ? { ...matrix, batchStride: share * stride } : matrix;
  const a = isMatmul ? describeLeft() : describeImages(shader, imagesOf(call, share));
  const right = isMatmul ? matrixOf(second) : rowsOf(columns);
  const places = { places: columns, terms: inner, batches };
  const b = describeOperand(shader, second, cut(right, right.rowStride), "second", places);
  return { a, b };

  function describeLeft(): Operand {
    const left = matrixOf(first);
    const places = { places: rows, terms: inner, batches };
    return describeOperand(shader, first, cut(left, left.columnStride), "first", places);
  }
}

/** The first operand of a convolution, or of the gradient of its kernel. */
function imagesOf({ name, operands, output, attributes }: StructuredCall, share: number): Images {
  const [images, second] = operands;
  const isGradient = name === "convolutionKernelGradient";
  return {
    images,
    window: attributes as unknown as ConvolutionAttributes,
    outputs: isGradient ? second.shape : output.shape,
    terms: isGradient ? "outputs" : "taps",
    share,
  };
}

/** A single matrix of rows of so many elements, one behind the other. */
function rowsOf(columns: number): Matrix {
  return { batchStride: 0, rowStride: columns, columnStride: 1 };
}

/** How many terms a batch adds up: a number, or an expression where the last slice is shorter. */
export function innerOf({ sizes, share, slices }: Product): string {
  if (slices === 1) return `${sizes.inner}u`;
  if (share * slices === sizes.inner) return `${share}u`;
  // Rounding up may leave the last slices without terms.
  return `min(${share}u, ${sizes.inner}u - min(batch * ${share}u, ${sizes.inner}u))`;
}
