import { floor } from "../../../ops/round.ts";
import { checkCount } from "../../check_count.ts";
import { checkScalar } from "../../check_scalar.ts";
import type { Layer } from "../../layer.ts";
import { samplerOf, type SamplingOptions } from "./affine.ts";
import { type Bounds, orderedPair } from "./factor.ts";
import { imageLayer } from "./image_layer.ts";
import { changedBy, changes } from "./picture_changes.ts";

/** Options of {@link randAugment}. */
export interface RandAugmentOptions extends SamplingOptions {
  /** The values of black and of white, where results are cut off; default [0, 255]. */
  readonly valueRange?: Bounds;
  /** How many changes each picture goes through, one after the other, from 1; default 2. */
  readonly numOps?: number;
  /** How strong the changes are at most, from 0 to 1; default 0.5. */
  readonly factor?: number;
}

/**
 * Sends every picture through some changes that are drawn for it, each by an amount of its own, in
 * training: one number, `factor`, is all there is to choose.
 *
 * Each of `numOps` turns draws one of fourteen changes, all as likely, and an amount a even over −factor
 * to factor: nothing; leaning by 0.3 a and moving by 0.45 a of the size, across or down; turning by 30 a
 * degrees; brightness, contrast, color and sharpness, 0.9 a more or less of each; solarize, values above
 * white − |a| · (white − black) mirrored; posterize, up to four bits of eight less; autoContrast, each
 * channel stretched from black to white; equalize, its values spread as by {@link equalization}. They follow from (seed, step, layer name); in inference y = x.
 *
 * @param options Bounds of values, number of changes, factor, what stands outside, name, seed.
 * @returns A layer of `[batch, height, width, channels]` inputs, without weights.
 * @throws {RangeError} when an option is out of range.
 *
 * @example
 * ```ts
 * import { input, randAugment, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([32, 32, 3]), randAugment({ valueRange: [0, 1], factor: 0.3 })]);
 * assert.deepEqual(model.outputShape, [32, 32, 3]);
 * ```
 *
 * Source: E. Cubuk and others, "RandAugment: practical automated data augmentation with a reduced
 * search space", 2019, whose changes and greatest amounts these are. Keras: `RandAugment`, which draws the changes for a whole batch, and turns by up to half a turn at 0.5.
 * PyTorch: `torchvision.transforms.RandAugment`.
 */
export function randAugment(options: RandAugmentOptions = {}): Layer {
  const factory = "randAugment";
  const { numOps = 2, factor = 0.5 } = options;
  const range = orderedPair(factory, "valueRange", options.valueRange ?? [0, 255]);
  checkCount(`the numOps of ${factory}`, numOps, 1);
  checkScalar(`factor of ${factory}`, factor, { minimum: 0, maximum: 1 });
  const sample = samplerOf(factory, options);
  return imageLayer({
    type: "RandAugment",
    factory,
    config: { ...options },
    change(x, draws) {
      let pictures = x;
      for (let turn = 0; turn < numOps; turn++) {
        const kind = floor(draws.uniform(`kind_${turn}`, [0, changes.length]));
        const amount = draws.uniform(`amount_${turn}`, [-factor, factor]);
        pictures = changedBy(pictures, kind, amount, sample, range);
      }
      return pictures;
    },
  }, options);
}
