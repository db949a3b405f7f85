import { ShapeError } from "../../graph/errors.ts";
import { formatShape, sameShape, type Shape } from "../../graph/shape.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { cast } from "../../ops/cast.ts";
import { oneHot } from "../../ops/one_hot.ts";
import { reshape } from "../../ops/reshape.ts";
import { mean } from "../../ops/sum.ts";
import type { ClassIdTargets } from "../loss.ts";

/** What is added to a message when labels are given where one target an output is expected. */
export interface TargetHints {
  /** For labels, one a sample, against several outputs. */
  readonly labels: string;
}

/**
 * Targets as f32 of the shape of the outputs; `[batch]` and `[batch, 1]` stand for each other.
 *
 * @throws {ShapeError} when they do not fit; labels are told by the hint.
 */
export function alignTargets(
  name: string,
  targets: Tensor,
  outputs: Tensor,
  hints: TargetHints,
): Tensor {
  checkOutputs(name, outputs);
  if (sameShape(targets.shape, outputs.shape)) return toFloat(targets);
  if (sameShape(withoutLastOne(targets.shape), withoutLastOne(outputs.shape))) {
    return reshape(toFloat(targets), outputs.shape);
  }
  const hint = areLabels(targets, outputs) ? ` (${hints.labels})` : "";
  throw new ShapeError(
    `Cannot apply ${name} as targets must have the shape of the outputs, ` +
      `${formatShape(outputs.shape)}: received ${
        formatShape(targets.shape)
      } ${targets.dtype}${hint}`,
  );
}

/**
 * Class labels as integers of the shape of the outputs without the classes.
 *
 * @throws {ShapeError} when they are not one a sample.
 */
export function alignLabels(name: string, targets: Tensor, outputs: Tensor, hint: string): Tensor {
  checkClasses(name, outputs);
  const expected = outputs.shape.slice(0, -1);
  if (areLabels(targets, outputs)) {
    const labels = reshape(targets, expected);
    // Not to u32, which would make class 0 of a label of −1.
    return labels.dtype === "f32" || labels.dtype === "bool" ? cast(labels, "i32") : labels;
  }
  throw new ShapeError(
    `Cannot apply ${name} as targets must be labels of shape ${formatShape(expected)}, one a ` +
      `sample: received ${formatShape(targets.shape)} ${targets.dtype}` +
      (sameShape(targets.shape, outputs.shape) ? ` (${hint})` : ""),
  );
}

/**
 * Refuses outputs that are not a number for each of two classes or more.
 *
 * @throws {ShapeError} when there is one output a sample, or none.
 */
export function checkClasses(name: string, outputs: Tensor): void {
  if (outputs.rank >= 2 && outputs.shape[outputs.rank - 1] >= 2) return;
  throw new ShapeError(
    `Cannot apply ${name} as outputs must be [batch, classes] of two classes or more: received ` +
      `${formatShape(outputs.shape)} (for one output use binaryCrossentropy)`,
  );
}

/**
 * Labels as one-hot rows of the shape of the outputs.
 *
 * @throws {ShapeError} when they are not one a sample.
 */
export function oneHotLabels(name: string, targets: Tensor, outputs: Tensor): Tensor {
  const hint = "these look one-hot already: leave the option oneHot out";
  const labels = alignLabels(name, targets, outputs, hint);
  return oneHot(labels, outputs.shape[outputs.rank - 1]);
}

/** As many classes as there are outputs, for a loss or a metric that takes nothing but class ids. */
export const oneIdOfOutputs: ClassIdTargets = {
  count: (outputs) => outputs.shape[outputs.rank - 1],
};

/** The same where targets may also be rows of the shape of the outputs, as the shapes tell. */
export const idsOrRows: ClassIdTargets = {
  count: (outputs, targets) =>
    areLabels(targets, outputs) && !sameShape(targets.shape, outputs.shape)
      ? outputs.shape[outputs.rank - 1]
      : undefined,
};

/** Whether targets have one number where outputs have one a class. */
export function areLabels(targets: Tensor, outputs: Tensor): boolean {
  const samples = outputs.shape.slice(0, -1);
  return sameShape(targets.shape, samples) || sameShape(targets.shape, [...samples, 1]);
}

/** `x` as f32. */
function toFloat(x: Tensor): Tensor {
  return x.dtype === "f32" ? x : cast(x, "f32");
}

/** Mean over every axis but the batch: `[batch, ...]` becomes `[batch]`. */
export function meanPerSample(x: Tensor): Tensor {
  return x.rank === 1 ? x : mean(x, x.shape.map((_, axis) => axis).slice(1));
}

function checkOutputs(name: string, outputs: Tensor): void {
  if (outputs.rank > 0) return;
  throw new ShapeError(
    `Cannot apply ${name} as outputs must have an axis for the batch: received a single number`,
  );
}

function withoutLastOne(shape: Shape): Shape {
  return shape.length === 2 && shape[1] === 1 ? shape.slice(0, 1) : shape;
}
