import type { Layer } from "../../layer.ts";
import type { ScalarSource } from "../../scalar.ts";
import type { NoiseOptions } from "./noise.ts";
import { spatialDropout } from "./spatial_dropout.ts";

/**
 * Tosses whole channels out: neighbouring words or moments of a sequence are alike, so that `dropout`
 * would hide little of them.
 *
 * y = x / (1 − rate) where the channel of that sample is kept, else 0; in inference y = x. The mask
 * follows from (seed, step, layer name).
 *
 * @param rate Part that is tossed out, 0 to 1; it may change between steps.
 * @param options Name, seed. (Layers of the same seed and shape have the same masks.)
 * @returns A layer of `[batch, length, channels]` inputs, without weights.
 * @throws {RangeError} when a constant rate is not from 0 to 1; the run refuses others as they come.
 *
 * @example
 * ```ts
 * import { input, sequential, spatialDropout1d } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([20, 8]), spatialDropout1d(0.2)]);
 * assert.deepEqual(model.outputShape, [20, 8]);
 * ```
 *
 * Source: J. Tompson and others, "Efficient object localization using convolutional networks", 2015.
 * Keras: `SpatialDropout1D`. PyTorch: `nn.Dropout1d`.
 */
export function spatialDropout1d(rate: ScalarSource, options: NoiseOptions = {}): Layer {
  return spatialDropout(1, rate, options);
}
