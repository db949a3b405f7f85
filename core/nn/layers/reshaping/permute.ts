import { ShapeError } from "../../../graph/errors.ts";
import { formatShape, type Shape } from "../../../graph/shape.ts";
import { transpose } from "../../../ops/transpose.ts";
import type { Layer } from "../../layer.ts";
import type { PlainOptions } from "./plain.ts";

/**
 * Puts the axes of each sample into another order.
 *
 * @param dims For each axis of the outputs behind the batch, the axis of the inputs, from 1.
 * @param options Name and input shape.
 * @returns A layer without weights.
 * @throws {RangeError} when `dims` are not the numbers from 1, each once.
 *
 * @example
 * ```ts
 * import { input, permute, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([28, 20, 3]), permute([3, 1, 2])]);
 * assert.deepEqual(model.outputShape, [3, 28, 20]);
 * ```
 *
 * Keras: `Permute`. PyTorch: `Tensor.permute`.
 */
export function permute(dims: readonly number[], options: PlainOptions = {}): Layer {
  if (dims.toSorted((a, b) => a - b).some((axis, place) => axis !== place + 1)) {
    throw new RangeError(
      `Cannot make permute as dims must be the axes from 1, each once: received ${
        formatShape(dims)
      }`,
    );
  }
  return {
    type: "Permute",
    config: { dims, ...options },
    name: options.name ?? "",
    inputShape: options.inputShape,
    init: (given) => ({ outputShape: permuted(given, dims), parameters: [] }),
    apply: (_parameters, x) => transpose(x, [0, ...dims]),
  };
}

function permuted(shape: Shape, dims: readonly number[]): Shape {
  if (shape.length === dims.length) return dims.map((axis) => shape[axis - 1]);
  throw new ShapeError(
    `expected input of ${dims.length} axes behind the batch, got shape ${formatShape(shape)}`,
  );
}
