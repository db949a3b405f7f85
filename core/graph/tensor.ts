import type { DType, TensorData } from "./dtype.ts";
import { DTypeError } from "./errors.ts";
import type { Attributes, Operation } from "./operation.ts";
import { formatShape, type Shape, sizeOf } from "./shape.ts";

/** A tensor, or a number that becomes a literal of the other operand's type. */
export type TensorLike = Tensor | number;

type AnyFunction = (...inputs: never[]) => unknown;
const functions = new Map<string, AnyFunction>();

/** Makes an op callable as a method of {@link Tensor}; each op's file does it once. */
export function registerMethod(name: string, method: AnyFunction): void {
  functions.set(name, method);
}

function call<Result = Tensor>(name: string, ...inputs: unknown[]): Result {
  const method = functions.get(name);
  if (!method) throw new Error(`Cannot call ${name} as core/ops/mod.ts has not been imported`);
  return (method as (...inputs: unknown[]) => Result)(...inputs);
}

let nextId = 1;

/**
 * Content of a literal expression that still stands in the keys of others. In a longer one numbers
 * stand for its parts: what uses a part twice would else have a key that doubles with every step.
 */
const longestKey = 1000;
/** Longer literal expressions, by content, for as long as somebody holds them. */
const constants = new Map<string, WeakRef<Tensor>>();
const gone = new FinalizationRegistry<string>((key) => {
  if (!constants.get(key)?.deref()) constants.delete(key);
});

/**
 * A node of the graph: a value that is not computed yet, with its shape and type.
 *
 * Nodes are interned: the same op on the same inputs with the same attributes is the same node, so
 * an expression may be written again at every step for the price of a look-up. The table hangs on
 * the inputs, and goes when they go.
 */
export class Tensor {
  /** Number in order of creation. */
  readonly id: number = nextId++;
  /** Name of the layer that made it, for messages. */
  label: string | null = null;
  /** How this node stands in the keys of others: literals by content, the rest by number. */
  readonly key: string;
  readonly #uses = new Map<string, Tensor>();

  private constructor(
    /**
     * The op that computes it.
     *
     * @internal
     */
    readonly operation: Operation,
    /** The op's operands. */
    readonly inputs: readonly Tensor[],
    /**
     * The op's settings.
     *
     * @internal
     */
    readonly attributes: Attributes,
    /** Sizes of the axes. */
    readonly shape: Shape,
    /** Element type. */
    readonly dtype: DType,
    key: string | null,
  ) {
    this.key = key ?? `#${this.id}`;
  }

  /**
   * The node of `operation` on `inputs`: found, or made after the op has checked them.
   *
   * @internal
   */
  static node(
    operation: Operation,
    inputs: readonly Tensor[],
    attributes: Attributes = {},
  ): Tensor {
    const settings = attributes === noAttributes ? "" : settingsKey(attributes);
    let key = `${operation.name}${settings}(`;
    let owner: Tensor | null = null;
    for (const input of inputs) {
      key += input.key + ",";
      if (input.key.charCodeAt(0) === 35 && (owner === null || input.id > owner.id)) owner = input;
    }
    const known = owner === null ? undefined : owner.#uses.get(key);
    if (known) return known;
    const long = owner === null && key.length > longestKey;
    const same = long ? constants.get(key)?.deref() : undefined;
    if (same) return same;
    const { shape, dtype } = operation.infer(inputs, attributes);
    const own = owner === null && !long ? key : null;
    const node = new Tensor(operation, inputs, attributes, shape, dtype, own);
    if (owner !== null) owner.#uses.set(key, node);
    if (long) {
      constants.set(key, new WeakRef(node));
      gone.register(node, key);
    }
    return node;
  }

  /**
   * A leaf of its own, equal to no other: data, a weight, a scalar of the step.
   *
   * @internal
   */
  static leaf(operation: Operation, attributes: Attributes, shape: Shape, dtype: DType): Tensor {
    return new Tensor(operation, [], attributes, shape, dtype, null);
  }

  /** Number of axes. */
  get rank(): number {
    return this.shape.length;
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /** How many nodes have been made directly on this one. */
  get uses(): number {
    return this.#uses.size;
  }

  /** What it is, for messages: `matmul [32, 10] f32`. */
  describe(): string {
    return `${this.operation.name} ${formatShape(this.shape)} ${this.dtype}`;
  }

  /** Elementwise sum with broadcasting. */
  add(other: TensorLike): Tensor {
    return call("add", this, other);
  }
  /** Elementwise difference with broadcasting. */
  sub(other: TensorLike): Tensor {
    return call("sub", this, other);
  }
  /** Elementwise product with broadcasting. */
  mul(other: TensorLike): Tensor {
    return call("mul", this, other);
  }
  /** Elementwise quotient with broadcasting. */
  div(other: TensorLike): Tensor {
    return call("div", this, other);
  }
  /** Elementwise power with broadcasting. */
  pow(exponent: TensorLike): Tensor {
    return call("pow", this, exponent);
  }
  /** Elementwise larger value with broadcasting. */
  maximum(other: TensorLike): Tensor {
    return call("maximum", this, other);
  }
  /** Elementwise smaller value with broadcasting. */
  minimum(other: TensorLike): Tensor {
    return call("minimum", this, other);
  }
  /** −x. */
  neg(): Tensor {
    return call("neg", this);
  }
  /** |x|. */
  abs(): Tensor {
    return call("abs", this);
  }
  /** eˣ. */
  exp(): Tensor {
    return call("exp", this);
  }
  /** Natural logarithm. */
  log(): Tensor {
    return call("log", this);
  }
  /** Square root. */
  sqrt(): Tensor {
    return call("sqrt", this);
  }
  /** x². */
  square(): Tensor {
    return call("square", this);
  }
  /** Hyperbolic tangent. */
  tanh(): Tensor {
    return call("tanh", this);
  }
  /** 1 / (1 + e⁻ˣ). */
  sigmoid(): Tensor {
    return call("sigmoid", this);
  }
  /** max(x, 0). */
  relu(): Tensor {
    return call("relu", this);
  }
  /** Sum over `axes`, all of them by default. */
  sum(axes?: number | readonly number[], options?: { keepDims?: boolean }): Tensor {
    return call("sum", this, axes, options);
  }
  /** Mean over `axes`, all of them by default. */
  mean(axes?: number | readonly number[], options?: { keepDims?: boolean }): Tensor {
    return call("mean", this, axes, options);
  }
  /** Largest value over `axes`, all of them by default. */
  max(axes?: number | readonly number[], options?: { keepDims?: boolean }): Tensor {
    return call("max", this, axes, options);
  }
  /** Smallest value over `axes`, all of them by default. */
  min(axes?: number | readonly number[], options?: { keepDims?: boolean }): Tensor {
    return call("min", this, axes, options);
  }
  /** Index of the largest value along `axis`, the last by default; the first of equals. */
  argMax(axis = -1): Tensor {
    return call("argMax", this, axis);
  }
  /** Softmax along `axis`, the last by default. */
  softmax(axis = -1): Tensor {
    return call("softmax", this, axis);
  }
  /** Logarithm of the softmax along `axis`, the last by default. */
  logSoftmax(axis = -1): Tensor {
    return call("logSoftmax", this, axis);
  }
  /** Matrix product of the last two axes; axes before them broadcast. */
  matmul(other: Tensor): Tensor {
    return call("matmul", this, other);
  }
  /** Same elements in another shape; one size may be −1. */
  reshape(shape: Shape): Tensor {
    return call("reshape", this, shape);
  }
  /** Axes in another order, reversed by default. */
  transpose(axes?: readonly number[]): Tensor {
    return call("transpose", this, axes);
  }
  /** The part from `begin` (inclusive) to `end` (exclusive) along each axis. */
  slice(begin: readonly number[], end: readonly number[]): Tensor {
    return call("slice", this, begin, end);
  }
  /** The same values as another element type. */
  cast(dtype: DType): Tensor {
    return call("cast", this, dtype);
  }
  /** 1 where equal, else 0, as `bool`. */
  equal(other: TensorLike): Tensor {
    return call("equal", this, other);
  }
  /** 1 where this is greater, else 0, as `bool`. */
  greater(other: TensorLike): Tensor {
    return call("greater", this, other);
  }
  /** 1 where this is less, else 0, as `bool`. */
  less(other: TensorLike): Tensor {
    return call("less", this, other);
  }
  /**
   * Computes the tensor and gives its elements, row by row.
   *
   * Inside a pipe it gives the value of this step, once the step has run.
   */
  data(): Promise<TensorData> {
    return call("data", this);
  }
}

const noAttributes: Attributes = {};

/** Settings as text; JSON alone would write NaN and both infinities as `null`, and make them one. */
function settingsKey(attributes: Attributes): string {
  const text = JSON.stringify(attributes);
  if (!text.includes("null")) return text;
  const write = (_: string, value: unknown) =>
    typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
  return JSON.stringify(attributes, write);
}

/** Checks that all `inputs` have one element type among `allowed`, and gives it. */
export function commonDType(
  operation: string,
  inputs: readonly Tensor[],
  allowed: readonly DType[],
): DType {
  const dtypes = inputs.map((input) => input.dtype);
  const first = dtypes[0];
  if (!allowed.includes(first) || dtypes.some((dtype) => dtype !== first)) {
    throw new DTypeError(
      `Cannot apply ${operation} as its inputs must all be ${allowed.join(" or ")}: received ${
        dtypes.join(" and ")
      } (convert with cast)`,
    );
  }
  return first;
}
