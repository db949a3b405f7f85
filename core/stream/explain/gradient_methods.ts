import type { Shape } from "../../graph/shape.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { checkCount } from "../../nn/check_count.ts";
import { checkScalar } from "../../nn/check_scalar.ts";
import { foldKey } from "../../state/fold_key.ts";
import { gradients } from "../../ops/gradients.ts";
import { normal } from "../../ops/random.ts";
import { tensor } from "../../ops/eager.ts";
import { broadcastTo } from "../../ops/sum.ts";
import type { Attribution, Explained } from "./attribution.ts";

/**
 * Saliency: |∂score/∂x|, how much the output would move if a feature moved a little.
 *
 * @returns A method for {@link explain}.
 *
 * @example
 * ```ts
 * import { dense, explain, input, predictions, saliency, sequential } from "@millrace/millrace";
 * import { lastValueFrom } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([2]), dense(1)]);
 * model.parameters[0].set([3, -1]);
 * const inputs = { data: Float32Array.of(2, 5), shape: [1, 2] };
 * const options = { device: "cpu", threads: 1 } as const;
 * const batches = predictions(model, inputs, options).pipe(explain(saliency()));
 * const { explanations } = await lastValueFrom(batches);
 * const { data } = explanations.saliency;
 * assert.deepEqual([...data], [3, 1]);
 * ```
 *
 * Source: Simonyan, Vedaldi, Zisserman, "Deep inside convolutional networks", 2013. Captum:
 * `Saliency`.
 */
export function saliency(): Attribution {
  return {
    name: "saliency",
    copies: 1,
    apply: (explained) => meanGradient(explained, explained.x, 1).abs(),
  };
}

/**
 * Input times gradient: x · ∂score/∂x. For a linear model it is what each feature adds.
 *
 * @returns A method for {@link explain}.
 *
 * @example
 * ```ts
 * import {
 *   dense, explain, input, inputTimesGradient, predictions, sequential,
 * } from "@millrace/millrace";
 * import { lastValueFrom } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([2]), dense(1)]);
 * model.parameters[0].set([3, -1]);
 * const inputs = { data: Float32Array.of(2, 5), shape: [1, 2] };
 * const options = { device: "cpu", threads: 1 } as const;
 * const batches = predictions(model, inputs, options).pipe(explain(inputTimesGradient()));
 * const { explanations } = await lastValueFrom(batches);
 * assert.deepEqual([...explanations.inputTimesGradient.data], [6, -5]);
 * ```
 *
 * Source: Shrikumar and others, "Not just a black box", 2016. Captum: `InputXGradient`.
 */
export function inputTimesGradient(): Attribution {
  return {
    name: "inputTimesGradient",
    copies: 1,
    apply: (explained) => meanGradient(explained, explained.x, 1).mul(explained.x),
  };
}

/** Options of {@link integratedGradients}. */
export interface IntegratedGradientsOptions {
  /** Points on the way from the baseline, from 1; default 50. */
  readonly steps?: number;
  /** The value of every feature of an input that says nothing; default 0. */
  readonly baseline?: number;
}

/**
 * Integrated gradients: (x − b) · the mean of ∂score/∂x on the straight way from the baseline b to x.
 *
 * The numbers of a sample add up to score(x) − score(b), but for the error of the mean, which is
 * taken at the middles of `steps` equal parts.
 *
 * @param options Steps and baseline.
 * @returns A method for {@link explain}.
 * @throws {RangeError} when an option is out of range.
 *
 * @example
 * ```ts
 * import {
 *   dense, explain, input, integratedGradients, predictions, sequential,
 * } from "@millrace/millrace";
 * import { lastValueFrom } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([2]), dense(1, { activation: (x) => x.square() })]);
 * model.parameters[0].set([1, 1]);
 * const inputs = { data: Float32Array.of(1, 2), shape: [1, 2] };
 * const options = { device: "cpu", threads: 1 } as const;
 * const batches = predictions(model, inputs, options).pipe(explain(integratedGradients()));
 * const { explanations } = await lastValueFrom(batches);
 * const { data } = explanations.integratedGradients;
 * assert(Math.abs(data[0] - 3) < 1e-5 && Math.abs(data[1] - 6) < 1e-5); // of (1 + 2)²
 * ```
 *
 * Source: Sundararajan, Taly, Yan, "Axiomatic attribution for deep networks", 2017. Captum:
 * `IntegratedGradients`, with the rule of Gauss and Legendre.
 */
export function integratedGradients(options: IntegratedGradientsOptions = {}): Attribution {
  const { steps = 50, baseline = 0 } = options;
  checkCount("the steps of integratedGradients", steps, 1);
  checkScalar("the baseline of integratedGradients", baseline);
  return {
    name: "integratedGradients",
    copies: steps,
    apply(explained) {
      const { x } = explained;
      const shares = tensor(Array.from({ length: steps }, (_, step) => (step + 0.5) / steps))
        .reshape([steps, ...x.shape.map(() => 1)]);
      const way = x.sub(baseline);
      const points = asRows(asCopies(way, steps).mul(shares).add(baseline));
      return meanGradient(explained, points, steps).mul(way);
    },
  };
}

/** Options of {@link smoothGrad}. */
export interface SmoothGradOptions {
  /** Noisy copies, from 1; default 50. */
  readonly samples?: number;
  /** Standard deviation of the noise, in the units of the inputs, from 0; default 0.15. */
  readonly noise?: number;
  /** Seed of the noise, a whole number from 0; default 0. */
  readonly seed?: number;
}

/**
 * SmoothGrad: the mean of ∂score/∂x over copies of the input under normal noise.
 *
 * It leaves out the fast ups and downs of a gradient, which say little.
 *
 * @param options Copies, noise, seed.
 * @returns A method for {@link explain}; its numbers have signs.
 * @throws {RangeError} when an option is out of range.
 *
 * @example
 * ```ts
 * import { dense, explain, input, predictions, sequential, smoothGrad } from "@millrace/millrace";
 * import { lastValueFrom } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([2]), dense(1)]);
 * model.parameters[0].set([3, -1]);
 * const inputs = { data: Float32Array.of(2, 5), shape: [1, 2] };
 * const options = { device: "cpu", threads: 1 } as const;
 * const batches = predictions(model, inputs, options).pipe(explain(smoothGrad()));
 * const { explanations } = await lastValueFrom(batches);
 * const { data } = explanations.smoothGrad;
 * assert(Math.abs(data[0] - 3) < 1e-5 && Math.abs(data[1] + 1) < 1e-5);
 * ```
 *
 * Source: Smilkov and others, "SmoothGrad: removing noise by adding noise", 2017. Captum:
 * `NoiseTunnel(Saliency)`. There the noise is a share of the inputs' range.
 */
export function smoothGrad(options: SmoothGradOptions = {}): Attribution {
  const { samples = 50, noise = 0.15, seed = 0 } = options;
  checkCount("the samples of smoothGrad", samples, 1);
  checkScalar("the noise of smoothGrad", noise, { minimum: 0 });
  checkCount("the seed of smoothGrad", seed);
  const [key0, key1] = foldKey(seed, "smooth_grad");
  return {
    name: "smoothGrad",
    copies: samples,
    apply(explained) {
      const { x } = explained;
      // One pattern of noise for all samples, so that the size of a batch changes nothing.
      const pattern = normal({ key0, key1 }, [samples, 1, ...x.shape.slice(1)], 0).mul(noise);
      return meanGradient(explained, asRows(asCopies(x, samples).add(pattern)), samples);
    },
  };
}

/** `[batch, ...]` as `[copies, batch, ...]`. */
export function asCopies(x: Tensor, copies: number): Tensor {
  const shape: Shape = [copies, ...x.shape];
  return broadcastTo(x.reshape([1, ...x.shape]), shape);
}

/** `[copies, batch, ...]` as `[copies * batch, ...]`. */
export function asRows(copies: Tensor): Tensor {
  return copies.reshape([-1, ...copies.shape.slice(2)]);
}

/** The mean over copies of the gradients of the scores at `rows`, `[copies * batch, ...]`. */
function meanGradient({ x, score }: Explained, rows: Tensor, copies: number): Tensor {
  // A node of its own: two reshapes are one, so that a model which begins with a reshape would go
  // past rows that end with one.
  const points = rows.add(0);
  return gradients(score(points), [points])[0].reshape([copies, ...x.shape]).mean(0);
}
