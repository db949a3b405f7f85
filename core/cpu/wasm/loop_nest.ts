import type { LoopKernel } from "../../graph/loop.ts";
import { sizeOf } from "../../graph/shape.ts";

/** Additions that take no longer than going on from one vector to the next. */
const light = 8;
/** Elements from which going on faster is worth longer code. */
const many = 4096;

/** The loops around a body. */
export interface LoopNest {
  /** The kernel, with at least one dimension of the result. */
  readonly kernel: LoopKernel;
  /** Sizes of the dimensions. */
  readonly shape: readonly number[];
  /** Dimensions of the result; the others are folded. */
  readonly outer: number;
  /** Dimension that runs along the lanes. */
  readonly inner: number;
  /** Strides of each load, then each store. */
  readonly strides: readonly (readonly number[])[];
}

/** The kernel with at least one dimension of the result: without any there is still one result. */
export function makeNest(kernel: LoopKernel): LoopNest {
  const { shape, reduced, loads, stores, body } = kernel;
  const pad = shape.length === reduced;
  const extend = (strides: readonly number[]) => pad ? [0, ...strides] : [...strides];
  const nest = {
    kernel: {
      ...kernel,
      body: body.map((value) =>
        value.kind === "index" ? { ...value, strides: extend(value.strides) } : value
      ),
    },
    shape: pad ? [1, ...shape] : shape,
    outer: pad ? 1 : shape.length - reduced,
    strides: [...loads, ...stores].map(({ strides }) => extend(strides)),
  };
  return { ...nest, inner: chooseInner(nest) };
}

/** Whether a loop over many elements computes so little that several vectors at once are faster. */
export function isLight({ kernel: { body }, shape }: LoopNest): boolean {
  const costs = body.map((value) => value.kind === "apply" ? value.operation.cost : 0);
  return sizeOf(shape) >= many && costs.reduce((sum, cost) => sum + cost, 0) <= light;
}

/**
 * Lanes run along the last dimension, or along the result's last one when that reads more in order: in
 * elements, as an operand of a number a row is nothing beside one of all rows.
 */
function chooseInner({ kernel, shape, outer, strides }: Omit<LoopNest, "inner">): number {
  const last = shape.length - 1;
  const column = outer - 1;
  if (!kernel.reduced || shape[column] === 1) return last;
  const reads = strides.slice(0, kernel.loads.length);
  const elements = (operand: readonly number[]) =>
    operand.reduce((size, stride, place) => stride === 0 ? size : size * shape[place], 1);
  const inOrder = (dimension: number) =>
    reads.reduce((sum, operand) => operand[dimension] === 1 ? sum + elements(operand) : sum, 0);
  return inOrder(column) > inOrder(last) ? column : last;
}
