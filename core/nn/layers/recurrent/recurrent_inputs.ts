import { DTypeError, ShapeError } from "../../../graph/errors.ts";
import { formatShape, sameShape, type Shape } from "../../../graph/shape.ts";
import { Tensor } from "../../../graph/tensor.ts";
import { concat } from "../../../ops/concat.ts";

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
 * @param stateShapes Names of the cell's states, and the shape of each, of that of the sequence; it
 * refuses others.
 */
export function takenShapes(
  given: Shape | readonly Shape[],
  stateShapes: (sequence: Shape) => Readonly<Record<string, Shape>>,
): Taken<Shape> {
  const isList = given.length > 0 && given.every((one) => Array.isArray(one));
  const [sequence, ...states] = (isList ? given : [given]) as readonly Shape[];
  checkStates(states, stateShapes(sequence));
  return { sequence, states };
}

/** The tensors that a layer takes; parameters as of {@link takenShapes}, shapes with the batch. */
export function takenTensors(
  given: Tensor | readonly Tensor[],
  stateShapes: (sequence: Shape) => Readonly<Record<string, Shape>>,
): Taken<Tensor> {
  const [sequence, ...states] = given instanceof Tensor ? [given] : given;
  const strange = [sequence, ...states].find(({ dtype }) => dtype !== "f32");
  if (strange) throw new DTypeError(`expected input of f32, got ${strange.dtype}`);
  checkStates(states.map(({ shape }) => shape), stateShapes(sequence.shape));
  return { sequence, states };
}

/** The states side by side in their last axis; `undefined` if there are none. */
export function joined(states: readonly Tensor[]): Tensor | undefined {
  return states.length > 1 ? concat(states, states[0].rank - 1) : states[0];
}

function checkStates(states: readonly Shape[], wanted: Readonly<Record<string, Shape>>): void {
  const [names, shapes] = [Object.keys(wanted), Object.values(wanted)];
  const fits = states.length === 0 ||
    (states.length === names.length &&
      states.every((given, place) => sameShape(given, shapes[place])));
  if (fits) return;
  const isOne = shapes.every((shape) => sameShape(shape, shapes[0]));
  const of = (isOne ? shapes.slice(0, 1) : shapes).map(formatShape).join(" and ");
  throw new ShapeError(
    `expected no states to begin with, or ${names.join(" and ")} behind the input, of ` +
      `${of}${names.length > 1 && isOne ? " each" : ""}: got ${states.map(formatShape).join(", ")}`,
  );
}
