import { ShapeError } from "../../../graph/errors.ts";
import { formatShape } from "../../../graph/shape.ts";
import { expandDims } from "../../../ops/expand_dims.ts";
import { broadcastTo } from "../../../ops/sum.ts";
import { checkCount } from "../../check_count.ts";
import type { Layer } from "../../layer.ts";
import type { PlainOptions } from "./plain.ts";

/**
 * Makes a sequence of one vector: `[batch, features]` becomes `[batch, n, features]`.
 *
 * @param n How often the vector stands in the sequence, from 1.
 * @param options Name and input shape.
 * @returns A layer without weights; it moves no data.
 * @throws {RangeError} when `n` is not a whole number from 1.
 *
 * @example
 * ```ts
 * import { input, repeatVector, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([32]), repeatVector(5)]);
 * assert.deepEqual(model.outputShape, [5, 32]);
 * ```
 *
 * Keras: `RepeatVector`. PyTorch: `Tensor.expand`.
 */
export function repeatVector(n: number, options: PlainOptions = {}): Layer {
  checkCount("the n of repeatVector", n, 1);
  return {
    type: "RepeatVector",
    config: { n, ...options },
    name: options.name ?? "",
    inputShape: options.inputShape,
    init(given) {
      if (given.length === 1) return { outputShape: [n, given[0]], parameters: [] };
      throw new ShapeError(`expected input of features alone, got shape ${formatShape(given)}`);
    },
    apply: (_parameters, x) => broadcastTo(expandDims(x, 1), [x.shape[0], n, x.shape[1]]),
  };
}
