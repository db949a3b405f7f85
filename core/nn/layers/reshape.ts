import { ShapeError } from "../../graph/errors.ts";
import { formatShape, type Shape, sizeOf } from "../../graph/shape.ts";
import { reshape as reshapeTensor } from "../../ops/reshape.ts";
import { checkCount } from "../check_count.ts";
import type { Layer } from "../layer.ts";

/** Options of {@link reshape}. */
export interface ReshapeOptions {
  /** Name; default `reshape_1`, `reshape_2` and so on in the model. */
  readonly name?: string;
  /** Shape of the inputs without the batch, for a first layer. */
  readonly inputShape?: Shape;
}

/**
 * Gives every sample another shape of as many elements: `[batch, 784]` becomes
 * `[batch, 28, 28, 1]`.
 *
 * @param targetShape Sizes of the axes without the batch; one of them may be −1, and is then as large
 * as the others leave.
 * @param options Name and input shape.
 * @returns A layer without weights; it moves no data.
 * @throws {RangeError} when a size is not a whole number from 1, or two are −1.
 *
 * @example
 * ```ts
 * import { input, reshapeLayer, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([784]), reshapeLayer([28, -1, 1])]);
 * assert.deepEqual(model.outputShape, [28, 28, 1]);
 * ```
 *
 * Keras: `Reshape`; the name `reshape` is the op's. PyTorch: `nn.Unflatten`.
 */
export function reshapeLayer(targetShape: Shape, options: ReshapeOptions = {}): Layer {
  const open = targetShape.filter((size) => size === -1).length;
  if (open > 1) {
    throw new RangeError(
      `Cannot make reshapeLayer as one size at most may be -1: received ${
        formatShape(targetShape)
      }`,
    );
  }
  for (const size of targetShape) {
    if (size !== -1) checkCount("a size of reshapeLayer", size, 1);
  }
  return {
    type: "Reshape",
    name: options.name ?? "",
    inputShape: options.inputShape,
    config: { ...options, targetShape },
    init: (given) => ({ outputShape: filled(targetShape, given), parameters: [] }),
    apply: (_parameters, x) =>
      reshapeTensor(x, [x.shape[0], ...filled(targetShape, x.shape.slice(1))]),
  };
}

/** The target with its open size closed. */
function filled(target: Shape, given: Shape): Shape {
  const known = target.reduce((size, axis) => axis === -1 ? size : size * axis, 1);
  const rest = sizeOf(given) / known;
  const shape = target.map((size) => size === -1 ? rest : size);
  if (Number.isInteger(rest) && sizeOf(shape) === sizeOf(given)) return shape;
  throw new ShapeError(
    `expected input of as many elements as ${formatShape(target)}, got shape ${
      formatShape(given)
    } ` +
      `of ${sizeOf(given)}`,
  );
}
