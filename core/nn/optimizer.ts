import { ShapeError } from "../graph/errors.ts";
import { formatShape, sameShape, type Shape } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { ScalarRange } from "./check_scalar.ts";
import type { ScalarSource } from "./scalar.ts";

/** What an optimizer may ask of the run that applies it. */
export interface UpdateContext {
  /**
   * A number that may change between steps, as a tensor of rank 0, f32, of the step's scalar block.
   *
   * The same source under the same name is the same tensor.
   *
   * @param source Where the numbers come from.
   * @param name What the number is: `learning_rate`.
   * @param range Numbers allowed; the run refuses others as the step is sent.
   */
  scalar(source: ScalarSource, name: string, range?: ScalarRange): Tensor;
  /**
   * A number that follows from the count of updates, worked out on the host in float64 for every
   * step, such as Adam's bias correction.
   *
   * The same name is the same tensor.
   *
   * @param name What the number is, unique in the optimizer.
   * @param value The number at an iteration, counted from 1.
   * @returns Rank 0, f32.
   */
  iterationScalar(name: string, value: (iteration: number) => number): Tensor;
}

/** What an optimizer may know of a weight beforehand. */
export interface OptimizedWeight {
  /** Layer and role, `dense_1/kernel`; in examples and tests it may be left out. */
  readonly name?: string;
  /** Sizes of the axes. */
  readonly shape: Shape;
}

/** How a slot starts that is no number in the shape of the weight. */
export interface SlotStart {
  /** Sizes of the axes; those of the weight by default. */
  readonly shape?: Shape;
  /** The number that fills it, or `"parameter"` for a copy of the weight. */
  readonly fill: number | "parameter";
}

/** The shape and the filling of a slot of `parameter`. */
export function slotStart(
  start: number | SlotStart,
  parameter: OptimizedWeight,
): Required<SlotStart> {
  const { shape = parameter.shape, fill } = typeof start === "number" ? { fill: start } : start;
  if (fill !== "parameter" || sameShape(shape, parameter.shape)) return { shape, fill };
  throw new ShapeError(
    `Cannot fill a slot of ${formatShape(shape)} with a copy of the weight as it must have the ` +
      `weight's shape, ${formatShape(parameter.shape)}`,
  );
}

/** What an update makes of one weight. */
export interface OptimizerUpdate {
  /** The new weight, of the same shape. */
  readonly parameter: Tensor;
  /** The new slots, by name; all of those that `slots` named. */
  readonly slots: Readonly<Record<string, Tensor>>;
}

/** A rule that changes weights by their gradients: an ordinary tensor program. */
export interface Optimizer {
  /** Keras's name, for messages: `adam`. */
  readonly name: string;
  /** The learning rate, as it was given: what is logged as `learning_rate`. */
  readonly learningRate: ScalarSource;
  /**
   * The values that the optimizer keeps for a weight from step to step.
   *
   * @param parameter The weight.
   * @returns How every slot starts, by name: a number fills one of the weight's shape.
   */
  slots(parameter: OptimizedWeight): Readonly<Record<string, number | SlotStart>>;
  /**
   * One step for one weight.
   *
   * @param parameter The weight, f32.
   * @param gradient Its gradient, of the same shape.
   * @param slots The slots by name, of the shapes that `slots` gave them.
   * @param context The run's scalars.
   */
  apply(
    parameter: Tensor,
    gradient: Tensor,
    slots: Readonly<Record<string, Tensor>>,
    context: UpdateContext,
  ): OptimizerUpdate;
  /**
   * The weight to validate with, where that is another than the one that is trained, as an average of
   * it; the default is the weight itself.
   *
   * @param parameter The weight, f32.
   * @param slots The slots by name.
   */
  evaluationWeight?(parameter: Tensor, slots: Readonly<Record<string, Tensor>>): Tensor;
}
