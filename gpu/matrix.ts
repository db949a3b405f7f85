import { reshapeStrides } from "../core/graph/access.ts";
import type { StridedOperand, StructuredCall } from "../core/graph/call.ts";
import { sizeOf } from "../core/graph/shape.ts";

/** An operand as a stack of matrices. */
export interface Matrix {
  /** Elements between neighbouring matrices. */
  readonly batchStride: number;
  /** Elements between neighbouring rows. */
  readonly rowStride: number;
  /** Elements between neighbouring columns. */
  readonly columnStride: number;
}

/** Sizes of a matrix product. */
export interface MatmulSizes {
  /** Products. */
  readonly batches: number;
  /** Rows of each result. */
  readonly rows: number;
  /** Columns of each result. */
  readonly columns: number;
  /** Terms of each sum. */
  readonly inner: number;
}

/** An operand's last two axes as rows and columns, the axes before them as one. */
export function matrixOf(operand: StridedOperand): Matrix {
  const lead = operand.shape.slice(0, -2);
  const strides = reshapeStrides(lead, operand.strides.slice(0, -2), [sizeOf(lead)]);
  if (!strides) {
    throw new Error(`Cannot read matrices of shape [${operand.shape.join(", ")}] in one stride`);
  }
  const [rowStride, columnStride] = operand.strides.slice(-2);
  return { batchStride: strides[0], rowStride, columnStride };
}

/**
 * Sizes of a call that is a product of matrices: of `matmul`, and of convolutions of one group. Rows
 * are outputs and terms the taps and channels of each; for the gradient of a kernel, rows are the
 * taps and channels, and terms the outputs.
 *
 * @param call A call.
 * @returns The sizes, or `null` when it is none.
 */
export function productSizes(call: StructuredCall): MatmulSizes | null {
  if (call.name === "matmul") return matmulSizes(call);
  if (call.attributes.groups !== 1) return null;
  const [, second] = call.operands;
  const shape = call.output.shape.slice(0, -1);
  const common = { batches: 1, rows: sizeOf(shape), columns: call.output.shape[4] };
  switch (call.name) {
    case "convolution":
    case "convolutionKernelGradient":
      return { ...common, inner: sizeOf(second.shape.slice(0, -1)) };
    default:
      return null;
  }
}

/** Sizes of a call of `matmul`. */
export function matmulSizes(call: StructuredCall): MatmulSizes {
  const { shape } = call.output;
  const [rows, columns] = shape.slice(-2);
  const inner = call.operands[0].shape[shape.length - 1];
  return { batches: sizeOf(shape.slice(0, -2)), rows, columns, inner };
}
