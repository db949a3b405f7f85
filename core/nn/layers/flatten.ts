import { type Shape, sizeOf } from "../../graph/shape.ts";
import { reshape } from "../../ops/reshape.ts";
import type { Layer } from "../layer.ts";

/** Options of {@link flatten}. */
export interface FlattenOptions {
  /** Name; default `flatten_1`, `flatten_2` and so on in the model. */
  readonly name?: string;
  /** Shape of the inputs without the batch, for a first layer. */
  readonly inputShape?: Shape;
}

/**
 * Lays all axes but the batch in one row: `[batch, 28, 28]` becomes `[batch, 784]`.
 *
 * @param options Name and input shape.
 * @returns A layer without weights; it moves no data.
 *
 * @example
 * ```ts
 * import { dense, flatten, input, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([28, 28]), flatten(), dense(10)]);
 * assert.deepEqual(model.parameters[0].shape, [784, 10]);
 * ```
 *
 * Keras: `Flatten`. PyTorch: `nn.Flatten`.
 */
export function flatten(options: FlattenOptions = {}): Layer {
  return {
    type: "Flatten",
    config: { ...options },
    name: options.name ?? "",
    inputShape: options.inputShape,
    init: (given) => ({ outputShape: [sizeOf(given)], parameters: [] }),
    apply: (_parameters, x) => reshape(x, [x.shape[0], sizeOf(x.shape.slice(1))]),
  };
}
