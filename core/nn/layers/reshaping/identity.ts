import type { Layer } from "../../layer.ts";
import type { PlainOptions } from "./plain.ts";

/**
 * Gives its inputs back: a place with a name, or nothing where a search may put a layer.
 *
 * @param options Name and input shape.
 * @returns A layer without weights.
 *
 * @example
 * ```ts
 * import { dropout, identity, input, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const regularized = false;
 * const model = sequential([input([3]), regularized ? dropout(0.5) : identity()]);
 * assert.deepEqual(model.outputShape, [3]);
 * ```
 *
 * Keras: `Identity`. PyTorch: `nn.Identity`. The initializer is `identityInitializer`.
 */
export function identity(options: PlainOptions = {}): Layer {
  return {
    type: "Identity",
    config: { ...options },
    name: options.name ?? "",
    inputShape: options.inputShape,
    supportsMasking: true,
    init: (given) => ({ outputShape: given, parameters: [] }),
    apply: (_parameters, x) => x,
  };
}
