import type { Layer } from "../layer.ts";
import type { ScalarSource } from "../scalar.ts";
import {
  checkNoiseShape,
  type DropoutOptions,
  dropped,
  maskShape,
  noiseLayer,
  rates,
} from "./regularization/noise.ts";

/**
 * Tosses each unit out with some probability, for one training step, in forward and backward alike.
 *
 * y = x / (1 − rate) where kept, else 0, so that the mean stays; in inference y = x. At a rate of 1
 * all is 0. The mask follows from (seed, step, layer name): a run with the same seed has the same
 * masks, on every device, and the backward pass computes them again instead of storing them.
 *
 * @param rate Part that is tossed out, 0 to 1; it may change between steps.
 * @param options Shape of the mask, name, seed. (Layers of the same seed and shape have the same masks.)
 * @returns A layer without weights.
 * @throws {RangeError} when a constant rate is not from 0 to 1; the run refuses others as they come.
 * The model refuses a `noiseShape` that does not fit its inputs with a {@link ShapeError}.
 *
 * @example
 * ```ts
 * import { dense, dropout, hyperparameter, input, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const rate = hyperparameter(0.3);
 * const model = sequential([input([784]), dense(30), dropout(rate), dense(10)]);
 * assert.equal(model.layers[1].name, "dropout_1");
 * assert.throws(() => dropout(30), /from 0 to 1: received 30/);
 * ```
 *
 * Source: N. Srivastava and others, "Dropout", 2014, with the scaling moved to training. Keras:
 * `Dropout`, also scaled in training.
 */
export function dropout(rate: ScalarSource, options: DropoutOptions = {}): Layer {
  return noiseLayer(
    {
      type: "Dropout",
      factory: "dropout",
      amount: "rate",
      range: rates,
      check: (shape) => checkNoiseShape("dropout", shape, options.noiseShape),
      disturb: (x, share, key, counter) =>
        dropped(x, maskShape("dropout", x.shape, options.noiseShape), share, key, counter),
    },
    rate,
    options,
  );
}
