import type { Shape } from "../../graph/shape.ts";
import { div } from "../../ops/div.ts";
import { maximum } from "../../ops/maximum.ts";
import { mul } from "../../ops/mul.ts";
import { dropoutMask } from "../../ops/random.ts";
import { select } from "../../ops/select.ts";
import { sub } from "../../ops/sub.ts";
import type { Layer } from "../layer.ts";
import { namedKey } from "../named_key.ts";
import { checkScalarSource, type ScalarSource } from "../scalar.ts";

/** Options of {@link dropout}. */
export interface DropoutOptions {
  /** Name; default `dropout_1`, `dropout_2` and so on in the model. */
  readonly name?: string;
  /** Seed of the masks; by default that of the run, folded with the layer's name. */
  readonly seed?: number;
  /** Shape of the inputs without the batch, for a first layer. */
  readonly inputShape?: Shape;
}

const rates = { minimum: 0, maximum: 1 };

/** The distance from 1 to the next smaller float32: no rate but 1 leaves less. */
const smallestKept = 2 ** -24;

/**
 * Tosses each unit out with some probability, for one training step, in forward and backward alike.
 *
 * y = x / (1 − rate) where kept, else 0, so that the mean stays; in inference y = x. At a rate of 1
 * all is 0. The mask follows from (seed, step, layer name): a run with the same seed has the same
 * masks, on every device, and the backward pass computes them again instead of storing them.
 *
 * @param rate Part that is tossed out, 0 to 1; it may change between steps.
 * @param options Name, seed. (Layers of the same seed and shape have the same masks.)
 * @returns A layer without weights.
 * @throws {RangeError} when a constant rate is not from 0 to 1; the run refuses others as they come.
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
  checkScalarSource("the rate of dropout", rate, rates);
  const { name = "", seed, inputShape } = options;
  const ownKey = seed === undefined ? undefined : namedKey(seed, "dropout");
  return {
    type: "Dropout",
    config: { rate, ...options },
    name,
    inputShape,
    init: (given) => ({ outputShape: given, parameters: [] }),
    apply(_parameters, x, context) {
      if (!context.training || rate === 0) return x;
      const share = context.scalar(rate, "rate", rates);
      const key = ownKey ?? context.randomKey("mask");
      const kept = dropoutMask(key, x.shape, context.counter, share);
      // Bounded, as at a rate of 1 the backward pass would multiply 0 by infinity.
      const scale = div(1, maximum(sub(1, share), smallestKept));
      return select(kept, mul(x, scale), 0);
    },
  };
}
