import { sizeOf } from "../../graph/shape.ts";
import { checkCount } from "../../nn/check_count.ts";
import { checkScalar } from "../../nn/check_scalar.ts";
import { permutation } from "../../state/permutation.ts";
import { matmul } from "../../ops/matmul.ts";
import { tensor } from "../../ops/eager.ts";
import type { Tensor } from "../../graph/tensor.ts";
import type { Attribution, Explained } from "./attribution.ts";
import { asCopies, asRows } from "./gradient_methods.ts";

/** Options of {@link occlusion}. */
export interface OcclusionOptions {
  /** Height and width of the images. */
  readonly size: readonly [height: number, width: number];
  /** Height and width of the patch that is covered, from 1; default 4. */
  readonly window?: number;
  /** Pixels from one patch to the next, from 1; default 2. */
  readonly strides?: number;
  /** The value of what is covered; default 0. */
  readonly baseline?: number;
}

/**
 * Occlusion: how far the output falls when a patch of the image is covered, averaged for each pixel
 * over the patches that cover it.
 *
 * @param options Size of the images, the patch, and what covers.
 * @returns A method for {@link explain} on models of images of one channel, flat or not.
 * @throws {RangeError} when an option is out of range.
 *
 * @example
 * ```ts
 * import { dense, explain, input, occlusion, predictions, sequential } from "@millrace/millrace";
 * import { lastValueFrom } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([4]), dense(1)]);
 * model.parameters[0].set([1, 2, 3, 4]);
 * const inputs = { data: Float32Array.of(1, 1, 1, 1), shape: [1, 4] };
 * const method = occlusion({ size: [2, 2], window: 1, strides: 1 });
 * const options = { device: "cpu", threads: 1 } as const;
 * const batches = predictions(model, inputs, options).pipe(explain(method));
 * const { explanations } = await lastValueFrom(batches);
 * const { data } = explanations.occlusion;
 * assert.deepEqual([...data], [1, 2, 3, 4]);
 * ```
 *
 * Source: Zeiler and Fergus, "Visualizing and understanding convolutional networks", 2013. Captum:
 * `Occlusion`.
 */
export function occlusion(options: OcclusionOptions): Attribution {
  const { size: [height, width], window = 4, strides = 2, baseline = 0 } = options;
  checkCount("the height of occlusion", height, 1);
  checkCount("the width of occlusion", width, 1);
  checkCount("the window of occlusion", window, 1);
  checkCount("the strides of occlusion", strides, 1);
  checkScalar("the baseline of occlusion", baseline);
  const patches = starts(height, window, strides).flatMap((top) =>
    starts(width, window, strides).map((left) =>
      Array.from({ length: height * width }, (_, at) => {
        const [y, x] = [Math.floor(at / width) - top, at % width - left];
        return Number(y >= 0 && y < window && x >= 0 && x < window);
      })
    )
  );
  const kept = patches.map((patch) => patch.map((covered) => 1 - covered));
  const times = patches[0].map((_, at) => patches.reduce((sum, patch) => sum + patch[at], 0));
  return {
    name: "occlusion",
    copies: kept.length,
    apply(explained) {
      const { x, score } = explained;
      const whole = score(x);
      const falls = whole.sub(scoresOfMasked(explained, kept, baseline));
      const shares = tensor(
        patches.map((patch) => patch.map((covered, at) => covered / (times[at] || 1))),
      );
      return matmul(falls.transpose(), shares).reshape(x.shape);
    },
  };
}

/** Where patches begin: every `strides`, and one at the end, so that each place is covered. */
function starts(length: number, window: number, strides: number): number[] {
  const last = Math.max(0, length - window);
  const found: number[] = [];
  for (let at = 0; at < last; at += strides) found.push(at);
  return [...found, last];
}

/** Options of {@link shapleySampling}. */
export interface ShapleyTokenSampling {
  /** Orders in which features appear, from 1; default 25. */
  readonly samples?: number;
  /** The group of each feature, from 0, for features that appear together; default one each. */
  readonly groups?: readonly number[];
  /** The value of features that have not appeared; default 0. */
  readonly baseline?: number;
  /** Seed of the orders, a whole number from 0; default 0. */
  readonly seed?: number;
}

/**
 * Shapley values by sampling: what a feature adds to the output when it appears, averaged over
 * random orders in which all appear one after the other.
 *
 * The numbers of a sample add up to score(x) − score(baseline), in whatever orders. A group's value
 * is divided evenly among its features.
 *
 * @param options Orders, groups, baseline, seed.
 * @returns A method for {@link explain}.
 * @throws {RangeError} when an option is out of range, or when applied, if there is not a group for
 * each feature.
 *
 * @example
 * ```ts
 * import {
 *   dense, explain, input, predictions, sequential, shapleySampling,
 * } from "@millrace/millrace";
 * import { lastValueFrom } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * // (x₁ + x₂)² at (1, 2): Shapley's values are 3 and 6.
 * const model = sequential([input([2]), dense(1, { activation: (x) => x.square() })]);
 * model.parameters[0].set([1, 1]);
 * const inputs = { data: Float32Array.of(1, 2), shape: [1, 2] };
 * const method = shapleySampling({ samples: 200 });
 * const options = { device: "cpu", threads: 1 } as const;
 * const batches = predictions(model, inputs, options).pipe(explain(method));
 * const { explanations } = await lastValueFrom(batches);
 * const { data } = explanations.shapleySampling;
 * assert(Math.abs(data[0] + data[1] - 9) < 1e-4 && Math.abs(data[0] - 3) < 0.5);
 * ```
 *
 * Source: Castro, Gómez, Tejada, "Polynomial calculation of the Shapley value based on sampling",
 * 2009. Captum: `ShapleyValueSampling`.
 */
export function shapleySampling(options: ShapleyTokenSampling = {}): Attribution {
  const { samples = 25, groups, baseline = 0, seed = 0 } = options;
  checkCount("the samples of shapleySampling", samples, 1);
  checkScalar("the baseline of shapleySampling", baseline);
  checkCount("the seed of shapleySampling", seed);
  groups?.forEach((group) => checkCount("a group of shapleySampling", group));
  const players = groups && Math.max(...groups) + 1;
  return {
    name: "shapleySampling",
    copies: samples * ((players ?? 64) + 1),
    apply(explained) {
      const { x } = explained;
      const features = sizeOf(x.shape.slice(1));
      const groupOf = groups ?? Array.from({ length: features }, (_, feature) => feature);
      if (groupOf.length !== features) {
        throw new RangeError(
          `Cannot apply shapleySampling as each of ${features} features needs a group: received ` +
            `${groupOf.length} groups`,
        );
      }
      const { masks, shares } = orders(groupOf, samples, seed);
      const scores = scoresOfMasked(explained, masks, baseline);
      return matmul(scores.transpose(), tensor(shares)).reshape(x.shape);
    },
  };
}

/** Which features are there in each row, and with which factor its score counts for each feature. */
function orders(groupOf: readonly number[], samples: number, seed: number) {
  const players = Math.max(...groupOf) + 1;
  const sizes = Array.from(
    { length: players },
    (_, group) => groupOf.filter((other) => other === group).length,
  );
  const masks: number[][] = [];
  const shares: number[][] = [];
  for (let sample = 0; sample < samples; sample++) {
    const order = permutation(players, seed, sample);
    const rank = new Map([...order].map((player, place) => [player, place]));
    for (let there = 0; there <= players; there++) {
      masks.push(groupOf.map((group) => Number(rank.get(group)! < there)));
      // The player of rank r adds what row r + 1 has more than row r.
      shares.push(groupOf.map((group) => {
        const place = rank.get(group)!;
        const sign = Number(place + 1 === there) - Number(place === there);
        return sign / (samples * sizes[group]);
      }));
    }
  }
  return { masks, shares };
}

/** The scores where each mask has 0s put to the baseline, `[masks, batch]`. */
function scoresOfMasked(
  { x, score }: Explained,
  masks: readonly (readonly number[])[],
  baseline: number,
): Tensor {
  const shape = [masks.length, 1, ...x.shape.slice(1)];
  const kept = tensor(Float32Array.from(masks.flat()), { shape });
  return score(asRows(asCopies(x.sub(baseline), masks.length).mul(kept).add(baseline)));
}
