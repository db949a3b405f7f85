import { iota } from "../../../graph/leaf.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { add } from "../../../ops/add.ts";
import { slice } from "../../../ops/concat.ts";
import { convolution } from "../../../ops/convolution.ts";
import { tensor } from "../../../ops/eager.ts";
import { mul } from "../../../ops/mul.ts";
import { normal } from "../../../ops/random.ts";
import { reshape } from "../../../ops/reshape.ts";
import { select } from "../../../ops/select.ts";
import { chosenBy } from "./picture_values.ts";
import type { Layer } from "../../layer.ts";
import { samplerOf, type SamplingOptions } from "./affine.ts";
import { type Factor, rangeOf } from "./factor.ts";
import { imageLayer } from "./image_layer.ts";

/** Options of {@link randomElasticTransform}. */
export interface RandomElasticTransformOptions extends SamplingOptions {
  /** How probable it is, from 0 to 1: the least and the most, or 0 to one number; default 1. */
  readonly factor?: Factor;
  /** How strong it is, from 0 to 1: the least and the most, or 0 to one number; default 1. */
  readonly scale?: Factor;
}

/**
 * Bends some of the pictures as if they were printed on rubber, in training.
 *
 * Every pixel shows a place that lies α · blur(σ · n) further down and to the right, n of mean 0 and variance
 * 1, with α = scale · max(height, width) / 10 and σ = scale · min(height, width) / 20; blur is a
 * Gaussian of standard deviation σ. It follows from (seed, step, layer name); in inference y = x.
 *
 * @param options {@link RandomElasticTransformOptions}.
 * @returns A layer of `[batch, height, width, channels]` inputs, without weights.
 * @throws {RangeError} when a factor or the scale is wrong, or an option is not known.
 *
 * @example
 * ```ts
 * import { input, randomElasticTransform, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const layer = randomElasticTransform({ scale: 0.8, fillMode: "constant" });
 * assert.deepEqual(sequential([input([28, 28, 1]), layer]).outputShape, [28, 28, 1]);
 * ```
 *
 * Source: P. Simard and others, "Best practices for convolutional neural networks", 2003. Keras:
 * `RandomElasticTransform`, whose scale is one for a batch; here α has one for each picture, and σ is
 * that of the largest scale. It cuts values off at its `value_range`, which interpolation never
 * leaves.
 */
export function randomElasticTransform(options: RandomElasticTransformOptions = {}): Layer {
  const factory = "randomElasticTransform";
  const shares = { minimum: 0, maximum: 1 };
  const chance = rangeOf(factory, "factor", options.factor ?? 1, shares);
  const scale = rangeOf(factory, "scale", options.scale ?? 1, shares);
  const sample = samplerOf(factory, options);
  // One constant for all steps.
  const kernels = new Map<number, Tensor>();
  const kernelOf = (sigma: number) => {
    const kernel = kernels.get(sigma) ?? gaussian(sigma);
    kernels.set(sigma, kernel);
    return kernel;
  };
  return imageLayer({
    type: "RandomElasticTransform",
    factory,
    config: { ...options },
    change(x, draws) {
      const [batch, height, width] = x.shape;
      const sigma = 0.05 * scale[1] * Math.min(height, width);
      if (sigma === 0) return x;
      const strength = mul(draws.uniform("scale", scale), 0.1 * Math.max(height, width));
      const chosen = chosenBy(draws, chance);
      const alpha = select(chosen, strength, 0);
      // Rows and columns are bent by two halves of one batch of noise.
      const noise = normal(draws.key("noise"), [2 * batch, height, width], draws.counter);
      const smooth = blurred(mul(noise, sigma), kernelOf(sigma));
      const bend = (half: number) =>
        mul(slice(smooth, [half * batch, 0, 0], [(half + 1) * batch, height, width]), alpha);
      return sample(
        x,
        add(bend(0), iota([1, height, 1], 1, "f32")),
        add(bend(1), iota([1, 1, width], 2, "f32")),
      );
    },
  }, options);
}

/** Weights of a Gaussian, an odd number of them up to three deviations either way. */
function gaussian(sigma: number): Tensor {
  const taps = Math.trunc(6 * sigma) | 1;
  const weights = Array.from(
    { length: taps },
    (_, tap) => Math.exp(-0.5 * ((tap - (taps - 1) / 2) / sigma) ** 2),
  );
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return tensor(weights.map((weight) => weight / total));
}

/** `[batch, height, width]` convolved with a kernel along both axes, zeros around. */
function blurred(x: Tensor, kernel: Tensor): Tensor {
  const [batch, height, width] = x.shape;
  const taps = kernel.size;
  const ones = [1, 1, 1] as const;
  const along = (y: Tensor, axis: 1 | 2) => {
    const border = axis === 1 ? [0, (taps - 1) / 2, 0] as const : [0, 0, (taps - 1) / 2] as const;
    return convolution(y, reshape(kernel, [1, 1, 1, 1, 1].with(axis, taps)), {
      strides: ones,
      before: border,
      after: border,
      dilation: ones,
      inputDilation: ones,
      groups: 1,
    });
  };
  const volume = reshape(x, [batch, 1, height, width, 1]);
  return reshape(along(along(volume, 1), 2), [batch, height, width]);
}
