import type { Tensor } from "../../../graph/tensor.ts";
import { add } from "../../../ops/add.ts";
import { clip } from "../../../ops/clip.ts";
import { concat } from "../../../ops/concat.ts";
import { div } from "../../../ops/div.ts";
import { greaterEqual } from "../../../ops/greater_equal.ts";
import { maximum } from "../../../ops/maximum.ts";
import { mul } from "../../../ops/mul.ts";
import { floor } from "../../../ops/round.ts";
import { select } from "../../../ops/select.ts";
import { split } from "../../../ops/stack.ts";
import { checkCount } from "../../check_count.ts";
import { checkScalar } from "../../check_scalar.ts";
import type { Layer } from "../../layer.ts";
import { samplerOf, type SamplingOptions } from "./affine.ts";
import { type Bounds, orderedPair } from "./factor.ts";
import { gammaDraws } from "./gamma_draws.ts";
import { imageLayer } from "./image_layer.ts";
import { changedBy, changes } from "./picture_changes.ts";
import { perPicture, towards } from "./picture_values.ts";

/** Options of {@link augMix}. */
export interface AugMixOptions extends SamplingOptions {
  /** The values of black and of white, where results are cut off; default [0, 255]. */
  readonly valueRange?: Bounds;
  /** How many changed pictures are mixed, from 1; default 3. */
  readonly numChains?: number;
  /** How many changes each of them goes through, from 1; default 3. */
  readonly chainDepth?: number;
  /** How strong the changes are at most, from 0 to 1; default 0.3. */
  readonly factor?: number;
  /** How evenly pictures are mixed, from 0.1 (mostly one) to 10 (all alike); default 1. */
  readonly alpha?: number;
  /** Whether brightness, contrast, color and sharpness are among the changes; default true. */
  readonly allOps?: boolean;
}

/** Those that the paper leaves out, as they are what networks are tested by. */
const [first, count] = [changes.indexOf("brightness"), 4];

/** The least sum of weights that is divided by. */
const smallest = 1e-30;

/**
 * Mixes every picture with some pictures that it becomes by chains of changes, in training: what is in
 * it stays to be seen.
 *
 * y = m x + (1 − m) Σ wᵢ cᵢ(x), cut off at `valueRange`: m of Beta(α, α), w of Dirichlet(α, … α), and cᵢ
 * chains of changes that are drawn for each picture, those of {@link randAugment}, nothing among them.
 * It follows from (seed, step, layer name), on every device alike; in inference y = x.
 *
 * Each place of a chain computes every change, as a step's plan is the same for all pictures: it costs as
 * much as `numChains` times `chainDepth` turns of {@link randAugment}.
 *
 * @param options {@link AugMixOptions}.
 * @returns A layer of `[batch, height, width, channels]` inputs, without weights.
 * @throws {RangeError} when an option is out of range.
 *
 * @example
 * ```ts
 * import { augMix, input, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([32, 32, 3]), augMix({ valueRange: [0, 1], numChains: 2 })]);
 * assert.deepEqual(model.outputShape, [32, 32, 3]);
 * ```
 *
 * Source: D. Hendrycks and others, "AugMix: a simple data processing method to improve robustness and
 * uncertainty", 2019, whose loss is not part of it. Keras: `AugMix`, which draws for a whole batch.
 * PyTorch: `torchvision.transforms.AugMix`.
 */
export function augMix(options: AugMixOptions = {}): Layer {
  const factory = "augMix";
  const { numChains = 3, chainDepth = 3, factor = 0.3, alpha = 1, allOps = true } = options;
  const range = orderedPair(factory, "valueRange", options.valueRange ?? [0, 255]);
  checkCount(`the numChains of ${factory}`, numChains, 1);
  checkCount(`the chainDepth of ${factory}`, chainDepth, 1);
  checkScalar(`factor of ${factory}`, factor, { minimum: 0, maximum: 1 });
  checkScalar(`alpha of ${factory}`, alpha, { minimum: 0.1, maximum: 10 });
  const sample = samplerOf(factory, options);
  const gamma = gammaDraws(alpha);
  const kinds = changes.length - (allOps ? 0 : count);
  const allowed = (kind: Tensor) =>
    allOps ? kind : select(greaterEqual(kind, first), add(kind, count), kind);
  return imageLayer({
    type: "AugMix",
    factory,
    config: { ...options },
    change(x, draws) {
      const chains = Array.from({ length: numChains }, (_, chain) => chain);
      // All chains as one batch, so that the plan does not grow with them.
      const ofChains = (draw: (chain: number) => Tensor) => concat(chains.map(draw), 0);
      let changed = concat(chains.map(() => x), 0);
      for (let place = 0; place < chainDepth; place++) {
        const kind = ofChains((chain) =>
          allowed(floor(draws.uniform(`kind_${chain}_${place}`, [0, kinds])))
        );
        const amount = ofChains((chain) =>
          draws.uniform(`amount_${chain}_${place}`, [-factor, factor])
        );
        changed = changedBy(changed, kind, amount, sample, range);
      }
      const shares = chains.map((chain) => gamma(draws, `weight_${chain}`));
      const total = maximum(shares.reduce((sum, share) => add(sum, share)), smallest);
      const mixed = split(changed, numChains, 0)
        .map((pictures, chain) => mul(pictures, perPicture(div(shares[chain], total))))
        .reduce((sum, pictures) => add(sum, pictures));
      const [own, other] = [gamma(draws, "own"), gamma(draws, "other")];
      const share = div(own, maximum(add(own, other), smallest));
      return clip(towards(mixed, x, perPicture(share)), ...range);
    },
  }, options);
}
