import type { DType } from "./dtype.ts";
import type { Shape } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

/** Settings of a node: small, written to JSON for interning, never changing between steps. */
export type Attributes = Readonly<Record<string, unknown>>;

/** A tensor of the float64 reference executor. */
export interface ReferenceArray {
  /** Sizes of the axes. */
  readonly shape: Shape;
  /** Element type that the float64 values stand for. */
  readonly dtype: DType;
  /** Elements, contiguous. */
  readonly data: Float64Array;
}

/** What is known of a node before it exists. */
export interface Inferred {
  /** Sizes of its axes. */
  readonly shape: Shape;
  /** Its element type. */
  readonly dtype: DType;
}

/** A checked example of an op: inputs and, where it is known, the result. */
export interface Sample {
  /** Shapes or nested values of the inputs. */
  readonly inputs: readonly (readonly number[])[];
  /** Expected elements; left out, the reference alone defines the result. */
  readonly expected?: readonly number[];
  /** Where the expected values come from. */
  readonly source?: string;
}

interface OperationBase {
  /** Name, as in `jax.numpy`, camel case. */
  readonly name: string;
  /** Result's shape and type; throws when the inputs do not fit. */
  infer(inputs: readonly Tensor[], attributes: Attributes): Inferred;
  /** Float64 definition; fills `output.data`. */
  reference(
    inputs: readonly ReferenceArray[],
    attributes: Attributes,
    output: ReferenceArray,
  ): void;
  /** Gradients of the inputs, written in ops; `null` where an input has none. */
  vjp?(grad: Tensor, node: Tensor): (Tensor | null)[];
}

/** Values that come from outside: data, weights, scalars, literals. */
export interface LeafOperation extends OperationBase {
  /** Tells the kinds apart. */
  readonly kind: "leaf";
}

/** One value from one value of each input, at the same index. */
export interface ElementwiseOperation extends OperationBase {
  /** Tells the kinds apart. */
  readonly kind: "elementwise";
  /** WGSL over `x`, `y`, `z`, `w`: optional `let` lines, then an expression. */
  body(inputs: readonly DType[], output: DType): string;
  /** Rough cost in additions; below 4 it is computed again rather than stored. */
  readonly cost: number;
  /** Number of inputs. */
  readonly arity: number;
  /** Examples at the awkward points. */
  readonly samples: readonly Sample[];
  /** Largest error allowed against the reference, in units in the last place of float32. */
  readonly tolerance: number;
  /** Range from which tests draw inputs, where the op is defined and differentiable. */
  readonly domain: readonly [number, number];
}

/** The same values in another order or shape: no kernel, another way to index. */
export interface ViewOperation extends OperationBase {
  /** Tells the kinds apart. */
  readonly kind: "view";
}

/** Many values folded into one along some axes. */
export interface ReductionOperation extends OperationBase {
  /** Tells the kinds apart. */
  readonly kind: "reduction";
  /** How two values are folded. */
  readonly reducer: "sum" | "max" | "min";
}

/** What one call of a structured op has to do. */
export interface StructuredWork {
  /** Floating-point operations; a multiply-add counts as two. */
  readonly flops: number;
  /** Elements of each input that are read; left out, all of them. */
  readonly reads?: readonly number[];
}

/** An op with a kernel of its own on each device, found by name. */
export interface StructuredOperation extends OperationBase {
  /** Tells the kinds apart. */
  readonly kind: "structured";
  /** What a call has to do, from the shapes; for profiles. */
  work(inputs: readonly Shape[], output: Shape, attributes: Attributes): StructuredWork;
}

/** Tensors laid one behind the other along an axis; lowered to copies into parts of the result. */
export interface ConcatOperation extends OperationBase {
  /** Tells the kinds apart. */
  readonly kind: "concat";
}

/** An op with a gradient of its own that is computed by simpler ops. */
export interface CompositeOperation extends OperationBase {
  /** Tells the kinds apart. */
  readonly kind: "composite";
  /** The same value in simpler ops. */
  expand(inputs: readonly Tensor[], attributes: Attributes): Tensor;
}

/** All that a node can be. */
export type Operation =
  | LeafOperation
  | ElementwiseOperation
  | ViewOperation
  | ReductionOperation
  | StructuredOperation
  | ConcatOperation
  | CompositeOperation;
