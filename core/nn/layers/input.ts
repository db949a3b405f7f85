import { received } from "../../state/received.ts";
import type { Shape } from "../../graph/shape.ts";
import { checkCount } from "../check_count.ts";
import type { Layer } from "../layer.ts";

/** Options of {@link input}. */
export interface InputOptions {
  /** Name; default `input_layer_1`. */
  readonly name?: string;
}

/** Where a model's inputs come in: made by {@link input}. */
export interface InputLayer extends Layer {
  /** Keras's class name. */
  readonly type: "InputLayer";
  /** Shape of the inputs without the batch. */
  readonly inputShape: Shape;
}

/**
 * The shape of a model's inputs; it stands first, and is not counted among the layers. In functional
 * models it is the node that layers are called on, see {@link connect}.
 *
 * @param shape Sizes without the batch: `[784]`, `[28, 28]`, `[32, 32, 3]`.
 * @param options Name.
 * @returns A layer that gives its inputs back.
 * @throws {RangeError} when a size is not a whole number from 1.
 *
 * @example
 * ```ts
 * import { dense, input, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([784]), dense(10)]);
 * assert.deepEqual(model.inputShape, [784]);
 * assert.equal(model.layers.length, 1);
 * ```
 *
 * Keras: `Input(shape)`.
 */
export function input(shape: Shape, options: InputOptions = {}): InputLayer {
  if (!Array.isArray(shape)) {
    throw new TypeError(
      `Cannot make an input as its shape must be a list of sizes, such as [784]: received ` +
        `${received(shape)}`,
    );
  }
  const sizes = shape.map((size, axis) => checkCount(`size ${axis} of input`, size, 1));
  return {
    type: "InputLayer",
    name: options.name ?? "",
    inputShape: sizes,
    config: { shape: sizes },
    init: (given) => ({ outputShape: given, parameters: [] }),
    apply: (_parameters, x) => x,
  };
}
