import type { DType } from "./dtype.ts";
import type { Label } from "./label.ts";
import type { LoopKernel } from "./loop.ts";
import type { Attributes, StructuredWork } from "./operation.ts";
import type { Shape } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

/** A piece of device memory that a plan uses. */
export interface BufferSpec {
  /** The leaf whose memory it is, `"scalars"` for the step's scalar block, `null` in the arena. */
  readonly leaf: Tensor | "scalars" | null;
  /** Element type. */
  readonly dtype: DType;
  /** Number of elements. */
  readonly elements: number;
  /** First byte in the arena; 0 for others. */
  offset: number;
}

/** A tensor in a buffer, with strides in elements. */
export interface StridedOperand {
  /** Buffer's number. */
  readonly buffer: number;
  /** First element. */
  readonly offset: number;
  /** Sizes of the axes. */
  readonly shape: Shape;
  /** Elements between neighbours along each axis. */
  readonly strides: readonly number[];
  /** Element type. */
  readonly dtype: DType;
}

/**
 * How threads share a call, and what each share touches. A buffer is touched in line when the
 * share of a thread is the same run of equal pieces of the buffer as its run of units.
 */
export interface Partition {
  /** Equal pieces of work. */
  readonly units: number;
  /** True for a tiny call that every thread does for itself. */
  readonly replicated: boolean;
  /** Buffers read; true when in line with the units. */
  readonly reads: ReadonlyMap<number, boolean>;
  /** Buffers written; true when in line with the units. */
  readonly writes: ReadonlyMap<number, boolean>;
}

/** A fused loop of the plan. */
export interface LoopCall {
  /** Tells the kinds apart. */
  readonly kind: "loop";
  /** The loop, dimensions merged. */
  readonly kernel: LoopKernel;
  /** How threads share it. */
  readonly partition: Partition;
  /** What it computes, for profiles and messages. */
  readonly label: Label;
}

/** A call of a kernel that each device brings for the op's name. */
export interface StructuredCall {
  /** Tells the kinds apart. */
  readonly kind: "structured";
  /** The op's name. */
  readonly name: string;
  /** The op's settings. */
  readonly attributes: Attributes;
  /** Operands. */
  readonly operands: readonly StridedOperand[];
  /** Result, contiguous. */
  readonly output: StridedOperand;
  /** How threads share it; `axis` says along which axis. */
  readonly partition: Partition & { readonly axis: "rows" | "columns" | "batches" };
  /** What a call has to do, for profiles. */
  readonly work: StructuredWork;
  /** What it computes, for profiles and messages. */
  readonly label: Label;
}

/** One kernel call. */
export type Call = LoopCall | StructuredCall;
