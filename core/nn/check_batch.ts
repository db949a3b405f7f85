import { ShapeError } from "../graph/errors.ts";
import { formatShape, sameShape, type Shape, sizeOf } from "../graph/shape.ts";

/**
 * Refuses a batch that does not fit a model, with a guess at what went wrong.
 *
 * @param received Shape of the batch.
 * @param inputShape Shape of the model's inputs without the batch.
 * @param outputShape Shape of the model's outputs without the batch, by which labels are known.
 * @throws {ShapeError} when the batch has another shape behind its first axis.
 */
export function checkBatch(received: Shape, inputShape: Shape, outputShape: Shape): void {
  const given = received.slice(1);
  if (received.length > 0 && sameShape(given, inputShape)) return;
  const expected = inputShape.length === 1
    ? `${inputShape[0]} features`
    : `shape [${["batch", ...inputShape].join(", ")}]`;
  const got = inputShape.length === 1 && given.length === 1
    ? `${given[0]}`
    : `${inputShape.length === 1 ? "shape " : ""}${formatShape(received)}`;
  const hint = guess(received, inputShape, outputShape);
  throw new ShapeError(`expected input of ${expected}, got ${got}${hint}`);
}

function guess(received: Shape, inputShape: Shape, outputShape: Shape): string {
  const given = received.slice(1);
  if (received.length > 0 && sizeOf(given) === sizeOf(inputShape)) {
    return inputShape.length === 1
      ? ` (start the model with input(${formatShape(given)}) and flatten())`
      : ` (start the model with input(${formatShape(given)}))`;
  }
  if (sameShape(received, inputShape)) {
    return " (a batch has one axis more: is it a single sample?)";
  }
  // A flat list of numbers is one of samples of one number.
  if (given.length === 1 && given[0] === 1) {
    return " (did you pass labels as inputs, or one sample that is not in a list?)";
  }
  return given.length === 0 || sizeOf(given) === 1 || sameShape(given, outputShape)
    ? " (did you pass labels as inputs?)"
    : "";
}
