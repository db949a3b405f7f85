import type { Shape } from "../../../graph/shape.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import type { ApplyContext, LayerParameter } from "../../layer.ts";
import type { NamedKey } from "../../named_key.ts";

/**
 * A step of a sequence, as a description of weights and a pure function: {@link rnn} makes a layer of it.
 *
 * `State` are the names of what goes from step to step.
 */
export interface RecurrentCell<State extends string = string> {
  /** Name of its kind, for the summary and for `modelToJson`. */
  readonly type: string;
  /** The options it was made with, by which `modelToJson` writes it. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Names of the states, one or more, in the order of calls and outputs. */
  readonly states: readonly State[];
  /**
   * Shapes of the states without the batch.
   *
   * @param inputShape Shape of a step's input without the batch.
   * @throws {ShapeError} when the cell cannot take that shape.
   */
  stateShapes(inputShape: Shape): Readonly<Record<State, Shape>>;
  /**
   * Shape of a step's output without the batch.
   *
   * @param inputShape Shape of a step's input without the batch.
   */
  outputShape(inputShape: Shape): Shape;
  /**
   * The weights, which all steps share.
   *
   * @param inputShape Shape of a step's input without the batch.
   * @param key Random key of the layer.
   */
  parameters(inputShape: Shape, key: NamedKey): readonly LayerParameter[];
  /**
   * One step, as symbols.
   *
   * @param parameters The weights by role.
   * @param x The step's input, `[batch, ...inputShape]`, f32.
   * @param states What the step before has handed on, `[batch, ...]` each, f32.
   * @param context The run's scalars and random keys. A key of one name is the same at every step, and
   * so is a mask that is drawn by it.
   */
  step(
    parameters: Readonly<Record<string, Tensor>>,
    x: Tensor,
    states: Readonly<Record<State, Tensor>>,
    context: ApplyContext,
  ): CellStep<State>;
}

/** What a step of a {@link RecurrentCell} makes. */
export interface CellStep<State extends string = string> {
  /** The step's output, `[batch, ...outputShape]`, f32. */
  readonly output: Tensor;
  /** What the next step is given, `[batch, ...]` each, f32. */
  readonly states: Readonly<Record<State, Tensor>>;
}
