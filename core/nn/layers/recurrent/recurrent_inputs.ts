import type { CellName } from "../../../graph/recurrence.ts";
import { DTypeError, ShapeError } from "../../../graph/errors.ts";
import { formatShape, sameShape, type Shape } from "../../../graph/shape.ts";
import { Tensor } from "../../../graph/tensor.ts";
import { concat } from "../../../ops/concat.ts";

/** Names of a cell's states, in the order of calls and outputs. */
export const stateNames: Readonly<Record<CellName, readonly ("h" | "c")[]>> = {
  simpleRnn: ["h"],
  lstm: ["h", "c"],
  gru: ["h"],
};

/** Shapes, or tensors, of what a layer takes: the sequence, and the states to begin with. */
export interface Taken<Value> {
  /** The sequence. */
  readonly sequence: Value;
  /** The states; none, or one for each of the cell's. */
  readonly states: readonly Value[];
}

/** The shapes that a layer takes. */
export function takenShapes(
  given: Shape | readonly Shape[],
  cell: CellName,
  units: number,
): Taken<Shape> {
  const isList = given.length > 0 && given.every((one) => Array.isArray(one));
  const [sequence, ...states] = (isList ? given : [given]) as readonly Shape[];
  if (sequence.length !== 2) {
    throw new ShapeError(
      `expected input of steps and features, got shape ${formatShape(sequence)}` +
        (sequence.length === 1 ? " (reshapeLayer or embedding make steps of it)" : ""),
    );
  }
  checkStates(states, cell, [units]);
  return { sequence, states };
}

/** The tensors that a layer takes. */
export function takenTensors(
  given: Tensor | readonly Tensor[],
  cell: CellName,
  features: number,
  units: number,
): Taken<Tensor> {
  const [sequence, ...states] = given instanceof Tensor ? [given] : given;
  const strange = [sequence, ...states].find(({ dtype }) => dtype !== "f32");
  if (strange) throw new DTypeError(`expected input of f32, got ${strange.dtype}`);
  if (sequence.rank !== 3 || sequence.shape[2] !== features || sequence.shape[1] === 0) {
    throw new ShapeError(
      `expected input of [batch, steps, ${features}], got ${formatShape(sequence.shape)}`,
    );
  }
  checkStates(states.map(({ shape }) => shape), cell, [sequence.shape[0], units]);
  return { sequence, states };
}

/** The states side by side, as the op takes them; `undefined` if there are none. */
export function joined(states: readonly Tensor[]): Tensor | undefined {
  return states.length > 1 ? concat(states, 1) : states[0];
}

function checkStates(states: readonly Shape[], cell: CellName, shape: Shape): void {
  const names = stateNames[cell];
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
