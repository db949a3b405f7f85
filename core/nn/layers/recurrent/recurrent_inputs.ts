import { DTypeError, ShapeError } from "../../../graph/errors.ts";
import { formatShape, sameShape, type Shape } from "../../../graph/shape.ts";
import { Tensor } from "../../../graph/tensor.ts";
import { concat } from "../../../ops/concat.ts";

/** What a cell hands on from step to step. */
export type StateName = "h" | "c";

/** Shapes, or tensors, of what a layer takes: the sequence, and the states to begin with. */
export interface Taken<Value> {
  /** The sequence. */
  readonly sequence: Value;
  /** The states; none, or one for each of the cell's. */
  readonly states: readonly Value[];
}

/**
 * The shapes that a layer takes, without the batch.
 *
 * @param given That of the sequence, or a list of it and those of the states.
 * @param names Names of the cell's states.
 * @param stateOf The shape of each state, of that of the sequence; it refuses others.
 */
export function takenShapes(
  given: Shape | readonly Shape[],
  names: readonly StateName[],
  stateOf: (sequence: Shape) => Shape,
): Taken<Shape> {
  const isList = given.length > 0 && given.every((one) => Array.isArray(one));
  const [sequence, ...states] = (isList ? given : [given]) as readonly Shape[];
  checkStates(states, names, stateOf(sequence));
  return { sequence, states };
}

/** The tensors that a layer takes; parameters as of {@link takenShapes}, shapes with the batch. */
export function takenTensors(
  given: Tensor | readonly Tensor[],
  names: readonly StateName[],
  stateOf: (sequence: Shape) => Shape,
): Taken<Tensor> {
  const [sequence, ...states] = given instanceof Tensor ? [given] : given;
  const strange = [sequence, ...states].find(({ dtype }) => dtype !== "f32");
  if (strange) throw new DTypeError(`expected input of f32, got ${strange.dtype}`);
  checkStates(states.map(({ shape }) => shape), names, stateOf(sequence.shape));
  return { sequence, states };
}

/** The states side by side in their last axis; `undefined` if there are none. */
export function joined(states: readonly Tensor[]): Tensor | undefined {
  return states.length > 1 ? concat(states, states[0].rank - 1) : states[0];
}

function checkStates(states: readonly Shape[], names: readonly StateName[], shape: Shape): void {
  const fits = states.length === 0 ||
    (states.length === names.length && states.every((given) => sameShape(given, shape)));
  if (fits) return;
  throw new ShapeError(
    `expected no states to begin with, or ${names.join(" and ")} behind the input, of ` +
      `${formatShape(shape)}${names.length > 1 ? " each" : ""}: got ${
        states.map(formatShape).join(", ")
      }`,
  );
}
