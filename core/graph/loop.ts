import type { DType } from "./dtype.ts";
import type { ElementwiseOperation } from "./operation.ts";

/** One value of a loop's body; earlier values are named by their place in the list. */
export type Instruction =
  | { readonly kind: "load"; readonly load: number; readonly dtype: DType }
  | { readonly kind: "literal"; readonly value: number; readonly dtype: DType }
  | {
    /** A position: `offset + Σ index[d] · strides[d]`, as `dtype`. */
    readonly kind: "index";
    readonly strides: number[];
    readonly offset: number;
    readonly dtype: DType;
  }
  | {
    readonly kind: "apply";
    readonly operation: ElementwiseOperation;
    readonly arguments: readonly number[];
    readonly dtype: DType;
  };

/** A place in a buffer that a loop reads or writes. */
export interface LoopOperand {
  /** Buffer's number in the plan. */
  readonly buffer: number;
  /** First element. */
  readonly offset: number;
  /** Elements between neighbours along each loop dimension. */
  readonly strides: number[];
  /** Element type. */
  readonly dtype: DType;
}

/** A store: which value goes where. */
export interface LoopStore extends LoopOperand {
  /** The value's place in the body. */
  readonly value: number;
}

/**
 * A kernel made by fusion: a nest of loops with one body of elementwise ops. The last `reduced`
 * dimensions are folded by `reducer`; a loop that folds has one store.
 */
export interface LoopKernel {
  /** Sizes of the loop's dimensions: those of the result, then those folded. */
  readonly shape: readonly number[];
  /** How many of the last dimensions are folded. */
  readonly reduced: number;
  /** How values are folded; `null` without folding. */
  readonly reducer: "sum" | "max" | "min" | null;
  /** Places read. */
  readonly loads: readonly LoopOperand[];
  /** The body, each value once. */
  readonly body: readonly Instruction[];
  /** Places written. */
  readonly stores: readonly LoopStore[];
}

/** Drops dimensions of size 1 and merges neighbours that every operand walks in one stride. */
export function collapse(kernel: LoopKernel): LoopKernel {
  const walks = [
    ...kernel.loads.map((load) => load.strides),
    ...kernel.stores.map((store) => store.strides),
    ...kernel.body.flatMap((value) => value.kind === "index" ? [value.strides] : []),
  ];
  const split = kernel.shape.length - kernel.reduced;
  const groups: { size: number; last: number; folded: boolean }[] = [];
  kernel.shape.forEach((size, dimension) => {
    if (size === 1) return;
    const folded = dimension >= split;
    const previous = groups[groups.length - 1];
    const merges = previous && previous.folded === folded &&
      walks.every((strides) => (strides[previous.last] ?? 0) === (strides[dimension] ?? 0) * size);
    if (merges) {
      previous.size *= size;
      previous.last = dimension;
    } else groups.push({ size, last: dimension, folded });
  });
  const pick = (strides: readonly number[]) => groups.map(({ last }) => strides[last] ?? 0);
  return {
    ...kernel,
    shape: groups.map(({ size }) => size),
    reduced: groups.filter(({ folded }) => folded).length,
    loads: kernel.loads.map((load) => ({ ...load, strides: pick(load.strides) })),
    stores: kernel.stores.map((store) => ({ ...store, strides: pick(store.strides) })),
    body: kernel.body.map((value) =>
      value.kind === "index" ? { ...value, strides: pick(value.strides) } : value
    ),
  };
}

/** A text that is equal for loops with the same code: buffers and offsets are arguments. */
export function loopKey(kernel: LoopKernel): string {
  const operand = ({ strides, dtype }: LoopOperand) => `${dtype}:${strides}`;
  const body = kernel.body.map((value) => {
    switch (value.kind) {
      case "load":
        return `l${value.load}`;
      case "literal":
        return `${value.dtype}${Object.is(value.value, -0) ? "-0" : value.value}`;
      case "index":
        return `i${value.dtype}${value.offset}:${value.strides}`;
      case "apply":
        return `${value.operation.name}.${value.dtype}(${value.arguments})`;
    }
  });
  return [
    kernel.shape.join("x"),
    `${kernel.reducer}${kernel.reduced}`,
    kernel.loads.map(operand).join(";"),
    body.join(";"),
    kernel.stores.map((store) => `${operand(store)}=${store.value}`).join(";"),
  ].join("|");
}
