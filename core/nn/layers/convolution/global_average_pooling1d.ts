import { reshape } from "../../../ops/reshape.ts";
import type { Layer } from "../../layer.ts";
import { moments } from "../normalization.ts";
import { globalPooling, type GlobalPoolingOptions } from "./global_pooling.ts";

/**
 * The mean of the inputs of all places, channel by channel; of those that a mask lets through.
 *
 * @param options Whether the axes of places stay, name and input shape.
 * @returns A layer of `[batch, length, channels]` inputs, f32, to `[batch, channels]`,
 * without weights.
 *
 * @example
 * ```ts
 * import { globalAveragePooling1d, input, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([20, 3]), globalAveragePooling1d()]);
 * assert.deepEqual(model.outputShape, [3]);
 * ```
 *
 * Keras: `GlobalAveragePooling1D`. PyTorch: `nn.AdaptiveAvgPool1d(1)`.
 */
export function globalAveragePooling1d(options: GlobalPoolingOptions = {}): Layer {
  const plain = globalPooling("Average", 1, options);
  return {
    ...plain,
    apply(parameters, x, context) {
      const [mask] = context.masks;
      if (!mask) return plain.apply(parameters, x, context);
      const { average } = moments(x, [1], mask);
      return options.keepDims ? average : reshape(average, [x.shape[0], x.shape[2]]);
    },
    computeMask: () => undefined,
  };
}
