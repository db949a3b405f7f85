import { ShapeError } from "../graph/errors.ts";
import { formatShape, type Shape, sizeOf } from "../graph/shape.ts";
import type { Constraint } from "./constraint.ts";
import type { Regularizer } from "./regularizer.ts";

/** What a {@link Parameter} is made from. */
export interface ParameterDefinition {
  /** Layer and role, `dense_1/kernel`: unique in a model, and the name in a weights file. */
  readonly name: string;
  /** Sizes of the axes. */
  readonly shape: Shape;
  /** First values, row by row, or what makes them when they are wanted first. */
  readonly values: ArrayLike<number> | (() => ArrayLike<number>);
  /** Whether optimizers change it; default true. */
  readonly trainable?: boolean;
  /** Whether it is a state that goes from batch to batch; default false. */
  readonly state?: boolean;
  /** Penalty on it that is added to the loss; default none. */
  readonly regularizer?: Regularizer;
  /** What it must keep after every update; default nothing. */
  readonly constraint?: Constraint;
}

/** Who has newer values of a weight than the host. */
export interface WeightHolder {
  /** Gives the parameter what is there, once the step that is being made has run. */
  settle(): Promise<void>;
  /** Gives the parameter what is there now; at once on the CPU. */
  bring(): Promise<void> | void;
}

/**
 * A weight of a model, with the host's copy of its values.
 *
 * While a run trains, the newest values are on the device; the host has them again when the run has
 * ended, or somebody asks for them (see `settled`).
 */
export class Parameter {
  /** Layer and role: `dense_1/kernel`. */
  readonly name: string;
  /** Sizes of the axes. */
  readonly shape: Shape;
  /** Element type. */
  readonly dtype = "f32" as const;
  /** Whether optimizers change it. */
  readonly trainable: boolean;
  /** Whether it is a state that goes from batch to batch, as of a `stateful` {@link lstm}. */
  readonly state: boolean;
  /** Penalty on it that is added to the loss. */
  readonly regularizer: Regularizer | undefined;
  /** What it must keep after every update. */
  readonly constraint: Constraint | undefined;
  /** Number of times that {@link Parameter.set} has been called. */
  version = 0;
  /**
   * The run that trains it; usually none.
   *
   * @internal
   */
  holder: WeightHolder | undefined;
  /**
   * The run that has given the present values; `undefined` where they come from anybody else.
   *
   * @internal
   */
  giver: WeightHolder | undefined;
  #value: Float32Array | (() => ArrayLike<number>);

  /**
   * Makes a weight; layers describe theirs, and models make them.
   *
   * @param definition Name, shape and first values.
   * @throws {ShapeError} when the number of values does not fit the shape.
   */
  constructor(definition: ParameterDefinition) {
    const { name, shape, values, trainable = true, state = false } = definition;
    this.name = name;
    this.shape = shape;
    this.trainable = trainable;
    this.state = state;
    this.regularizer = definition.regularizer;
    this.constraint = definition.constraint;
    this.#value = typeof values === "function" ? values : this.#copyOf(values);
  }

  /** The host's copy, row by row; change it with {@link Parameter.set}, which others can see. */
  get value(): Float32Array {
    if (typeof this.#value === "function") this.#value = this.#copyOf(this.#value());
    return this.#value;
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /**
   * Replaces the values, and counts {@link Parameter.version} up. For a run that trains the weight,
   * or has it as a frozen one, they count from the next step on.
   *
   * @param values As many numbers as the shape has elements, row by row; they are copied.
   * @throws {ShapeError} when there are more or fewer.
   *
   * @example
   * ```ts
   * import { dense, input, sequential } from "@millrace/millrace";
   * import assert from "node:assert/strict";
   *
   * const model = sequential([input([2]), dense(1)]);
   * model.parameters[0].set([3, 4]);
   * assert.deepEqual([...model.parameters[0].value], [3, 4]);
   * assert.throws(() => model.parameters[0].set([1]), /dense_1\/kernel/);
   * ```
   */
  set(values: ArrayLike<number>): void {
    if (typeof this.#value === "function") this.#value = this.#copyOf(values);
    else {
      this.#checkCount(values.length);
      this.#value.set(values);
    }
    this.version++;
    this.giver = undefined;
  }

  #copyOf(values: ArrayLike<number>): Float32Array {
    this.#checkCount(values.length);
    return Float32Array.from(values);
  }

  #checkCount(count: number): void {
    if (count === sizeOf(this.shape)) return;
    throw new ShapeError(
      `Cannot set the parameter ${this.name} as it has ${sizeOf(this.shape)} elements of shape ` +
        `${formatShape(this.shape)}: received ${count}`,
    );
  }
}
