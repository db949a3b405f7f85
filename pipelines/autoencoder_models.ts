import {
  clip,
  connect,
  conv2d,
  conv2dTranspose,
  dense,
  exp,
  flatten,
  functional,
  input,
  type Layer,
  type MergeLayer,
  type Model,
  normal,
  type RandomKey,
  reshapeLayer,
  sequential,
  type Tensor,
  type TensorLike,
} from "../mod.ts";

/** Autoencoders that a command can name. */
export const autoencoderKinds = ["dense", "convolutional", "denoising", "variational"] as const;

/** An autoencoder of digits, and the half of it that makes digits of codes. */
export interface Autoencoder {
  /** From pixels to pixels, `[784]`. */
  readonly model: Model;
  /** From codes to pixels; its weights are those of the model. */
  readonly decoder: Model;
}

/** Standard deviation of the noise on pixels from 0 to 1. */
const noiseDeviation = 0.5;

/** Pixels with noise on them, kept within 0 and 1. */
export function noisy(x: Tensor, key: RandomKey, counter: TensorLike): Tensor {
  return clip(x.add(normal(key, x.shape, counter).mul(noiseDeviation)), 0, 1);
}

/** A layer that puts other noise on its inputs in each step of training, and none in inference. */
function noise(): Layer {
  return {
    type: "PixelNoise",
    name: "",
    init: (shape) => ({ outputShape: shape, parameters: [] }),
    apply: (_parameters, x, { training, randomKey, counter }) =>
      training ? noisy(x, randomKey("noise"), counter) : x,
  };
}

/**
 * Draws a code from the distribution that the encoder gives, z = μ + σ ε with log σ² as the second
 * input, so that gradients reach both (the reparameterisation of Kingma and Welling). ε is normal:
 * other numbers in each step of training, 0 in inference.
 *
 * It adds to the loss how far the distribution is from the standard normal one, the divergence of
 * Kullback and Leibler, −½ Σ (1 + log σ² − μ² − σ²), a pixel as the loss is.
 */
function drawCode(pixels: number): MergeLayer {
  return {
    type: "DrawCode",
    name: "",
    merges: true,
    init: ([mean]) => ({ outputShape: mean, parameters: [] }),
    apply(_parameters, [mean, logVariance], { training, randomKey, counter, addLoss }) {
      const variance = exp(logVariance);
      const divergence = logVariance.add(1).sub(mean.square()).sub(variance).sum().mul(-0.5);
      addLoss(divergence.div(mean.shape[0] * pixels));
      if (!training) return mean;
      return mean.add(variance.sqrt().mul(normal(randomKey("code"), mean.shape, counter)));
    },
  };
}

const relu = { activation: "relu" } as const;
const same = { padding: "same", ...relu } as const;
const pixel = { activation: "sigmoid" } as const;

/**
 * The autoencoder of that name.
 *
 * @param kind Its name.
 * @param options `code`: numbers that are left of a digit; `seed`: of the first weights.
 */
export function autoencoder(
  kind: typeof autoencoderKinds[number],
  { code, seed }: { readonly code: number; readonly seed: number },
): Autoencoder {
  const dense784 = (): Layer[] => [dense(256, relu), dense(784, { ...pixel, name: "pixels" })];
  const decoderLayers: Record<typeof kind, () => Layer[]> = {
    dense: dense784,
    denoising: dense784,
    variational: dense784,
    convolutional: () => [
      dense(7 * 7 * 8, relu),
      reshapeLayer([7, 7, 8]),
      conv2dTranspose(8, 3, { strides: 2, ...same }),
      conv2dTranspose(1, 3, { strides: 2, padding: "same", ...pixel }),
      flatten(),
    ],
  };
  const decoder = sequential([input([code]), ...decoderLayers[kind]()], { name: "decoder", seed });

  const pixels = input([784]);
  const hidden = () => connect(pixels, dense(256, relu));
  const codes: Record<typeof kind, () => ReturnType<typeof hidden>> = {
    dense: () => connect(hidden(), dense(code, { ...relu, name: "code" })),
    denoising: () => connect(pixels, noise(), dense(256, relu), dense(code, { name: "code" })),
    variational: () => {
      const features = hidden();
      const distribution = [
        connect(features, dense(code, { name: "mean" })),
        connect(features, dense(code, { name: "log_variance" })),
      ];
      return connect(distribution, drawCode(784));
    },
    convolutional: () =>
      connect(
        pixels,
        reshapeLayer([28, 28, 1]),
        conv2d(8, 3, { strides: 2, ...same }),
        conv2d(8, 3, { strides: 2, ...same }),
        flatten(),
        dense(code, { name: "code" }),
      ),
  };
  const outputs = connect(codes[kind](), decoder);
  return { model: functional({ inputs: pixels, outputs, name: kind, seed }), decoder };
}
