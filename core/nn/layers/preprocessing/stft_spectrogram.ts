import { ShapeError } from "../../../graph/errors.ts";
import { formatShape } from "../../../graph/shape.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { outputSizes } from "../../../graph/window.ts";
import { type SoundWindow, soundWindow } from "../../../state/mel_settings.ts";
import { add } from "../../../ops/add.ts";
import { arctan2 } from "../../../ops/arctan2.ts";
import { concat, slice } from "../../../ops/concat.ts";
import { convolution } from "../../../ops/convolution.ts";
import { log } from "../../../ops/log.ts";
import { maximum } from "../../../ops/maximum.ts";
import { mul } from "../../../ops/mul.ts";
import { reshape } from "../../../ops/reshape.ts";
import { sqrt } from "../../../ops/sqrt.ts";
import { split } from "../../../ops/stack.ts";
import { transpose } from "../../../ops/transpose.ts";
import { checkChoice } from "../../check_choice.ts";
import { checkCount } from "../../check_count.ts";
import type { Layer } from "../../layer.ts";
import {
  asVolume,
  fromVolume,
  geometryOf,
  kernelVolume,
  threeAxes,
  windowOver,
} from "../convolution/geometry.ts";
import { penalizeOutputs, weight, type WeightedLayerOptions } from "../weighted.ts";
import { fourierKernel, type FourierSide } from "./fourier_kernel.ts";

/** What a spectrogram says of each frequency; see {@link stftSpectrogram}. */
export type SpectrogramMode = "log" | "magnitude" | "psd" | "real" | "imag" | "angle" | "stft";

/** Options of {@link stftSpectrogram}. */
export interface StftSpectrogramOptions extends WeightedLayerOptions {
  /**
   * What is given of each frequency: the logarithm of its magnitude (`log`, default), its `magnitude`,
   * its power (`psd`, twice that of all but the lowest and the highest), its phase (`angle`), its `real` or
   * `imag`inary part, or both of these (`stft`), first all real ones.
   */
  readonly mode?: SpectrogramMode;
  /** Samples of a frame, from 2; default 256. */
  readonly frameLength?: number;
  /** Samples from one frame to the next, at most `frameLength`; default half of it. */
  readonly frameStep?: number;
  /** Even length of the transform, from `frameLength`; default the next power of two. */
  readonly fftLength?: number;
  /** How a frame is faded in and out: by name, or a factor for each sample; default `hann`. */
  readonly window?: SoundWindow | readonly number[];
  /** Whether a window by name is one of a line without end; default false: it ends as it begins. */
  readonly periodic?: boolean;
  /** What the window is divided by: its length as a vector (`density`, default), its sum (`spectrum`), or nothing. */
  readonly scaling?: "density" | "spectrum" | "none";
  /** Zeros around the sound; default `valid`. */
  readonly padding?: "valid" | "same";
  /** Whether channels have an axis of their own, behind the frequencies; default false. */
  readonly expandDims?: boolean;
}

const modes: readonly SpectrogramMode[] = [
  ...["log", "magnitude", "psd", "real", "imag", "angle", "stft"] as const,
];
const scalings = ["density", "spectrum", "none"] as const;
const smallest = 1e-7;

/**
 * The frequencies in each frame of sounds, by a transform whose waves are weights: they may learn.
 *
 * Y[t, k] = Σₙ x[t · frameStep + n] w[n] e^(−2πi k n / fftLength), for k from 0 to fftLength / 2. The
 * weights are `real_kernel` and `imag_kernel`, `[frameLength, 1, frequencies]`, which start as the cosines
 * and sines times the window w; `real` and `imag` have one of them.
 *
 * @param options What to give, frames, window, padding, name.
 * @returns A layer from `[batch, samples, channels]` to `[batch, frames, channels · frequencies]`, or
 * `[batch, frames, frequencies, channels]` with `expandDims`; of `stft` with twice as many frequencies.
 * @throws {RangeError} when an option is out of range.
 *
 * @example
 * ```ts
 * import { input, sequential, stftSpectrogram } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const layer = stftSpectrogram({ frameLength: 256, fftLength: 512, trainable: false });
 * assert.deepEqual(sequential([input([16000, 1]), layer]).outputShape, [124, 257]);
 * ```
 *
 * Source: J. Allen, "Short term spectral analysis, synthesis, and modification by discrete Fourier
 * transform", 1977. Keras: `STFTSpectrogram`. PyTorch: `torch.stft` with `center=False`, whose frames stand
 * in the middle of the transform.
 */
export function stftSpectrogram(options: StftSpectrogramOptions = {}): Layer {
  const factory = "stftSpectrogram";
  const { mode = "log", frameLength = 256, padding = "valid", expandDims = false } = options;
  const { name = "", inputShape, trainable, activityRegularizer } = options;
  checkCount(`the frameLength of ${factory}`, frameLength, 2);
  const { frameStep = Math.floor(frameLength / 2) } = options;
  checkCount(`the frameStep of ${factory}`, frameStep, 1);
  const { fftLength = 2 ** Math.ceil(Math.log2(frameLength)) } = options;
  checkChoice(factory, "mode", mode, modes);
  if (padding !== "valid" && padding !== "same") {
    throw new RangeError(
      `Cannot make ${factory} as padding must be valid or same: received ${
        JSON.stringify(padding)
      }`,
    );
  }
  if (!(Number.isInteger(fftLength / 2) && fftLength >= frameLength)) {
    throw new RangeError(
      `Cannot make ${factory} as fftLength must be even and at least frameLength: received ` +
        `${fftLength} and ${frameLength}`,
    );
  }
  const geometry = geometryOf(factory, 1, {
    ...{ size: frameLength, strides: frameStep, padding, dilation: 1 },
  });
  if (frameStep > frameLength) {
    throw new RangeError(
      `Cannot make ${factory} as frameStep must be at most frameLength: received ${frameStep} and ` +
        `${frameLength}`,
    );
  }
  const frequencies = fftLength / 2 + 1;
  const window = scaledWindow(options, frameLength);
  const sides = (["real", "imag"] as const).filter((side) => mode === side || !isSide(mode));
  const makers = sides.map((side) =>
    weight(`${side}_kernel`, {
      initializer: { name: "stft", values: () => fourierKernel(side, window, fftLength) },
    })
  );
  const given = mode === "stft" ? 2 * frequencies : frequencies;
  return {
    type: "STFTSpectrogram",
    config: { ...options },
    name,
    inputShape,
    trainable,
    init(shape, key) {
      const [frames] = outputSizes(windowOver(geometry, shape), threeAxes(shape.slice(0, -1)))
        .slice(2);
      const channels = shape[1];
      return {
        outputShape: expandDims ? [frames, given, channels] : [frames, channels * given],
        parameters: makers.map((make) => make([frameLength, 1, frequencies], key)),
      };
    },
    apply(weights, x, context) {
      const [batch, samples, channels] = x.shape;
      const lines = reshape(transpose(x, [0, 2, 1]), [batch * channels, samples, 1]);
      const kernels = sides.map((side) => weights[`${side}_kernel`]);
      const kernel = kernels.length > 1 ? concat(kernels, 2) : kernels[0];
      const shape = [samples, 1];
      const sums = fromVolume(
        convolution(asVolume(lines), kernelVolume(kernel, geometry), {
          ...windowOver(geometry, shape),
          groups: 1,
        }),
        1,
      );
      const found = reshape(told(sums, mode), [batch, channels, sums.shape[1], given]);
      const outputs = expandDims
        ? transpose(found, [0, 2, 3, 1])
        : reshape(transpose(found, [0, 2, 1, 3]), [batch, sums.shape[1], channels * given]);
      return penalizeOutputs(outputs, activityRegularizer, context);
    },
  };
}

/** What of a spectrum is asked for; of `[lines, frames, 2 frequencies]`, or of the parts alone. */
function told(sums: Tensor, mode: SpectrogramMode): Tensor {
  if (isSide(mode) || mode === "stft") return sums;
  const [real, imag] = split(sums, 2, 2);
  if (mode === "angle") return arctan2(imag, real);
  const power = add(mul(real, real), mul(imag, imag));
  if (mode === "psd") return doubledInside(power);
  const magnitude = sqrt(maximum(power, smallest));
  return mode === "magnitude" ? magnitude : log(maximum(magnitude, smallest));
}

/** Powers with those of the frequencies that stand for two. */
function doubledInside(power: Tensor): Tensor {
  const [lines, frames, count] = power.shape;
  const part = (from: number, to: number) => slice(power, [0, 0, from], [lines, frames, to]);
  if (count < 3) return power;
  return concat([part(0, 1), mul(part(1, count - 1), 2), part(count - 1, count)], 2);
}

function isSide(mode: SpectrogramMode): mode is FourierSide {
  return mode === "real" || mode === "imag";
}

function scaledWindow(options: StftSpectrogramOptions, length: number): Float64Array {
  const { window = "hann", periodic = false, scaling = "density" } = options;
  checkChoice("stftSpectrogram", "scaling", scaling, scalings);
  const factors = typeof window === "string"
    ? soundWindow(window, length, periodic)
    : Float64Array.from(window);
  if (factors.length !== length || !factors.every(Number.isFinite)) {
    throw new ShapeError(
      `Cannot make stftSpectrogram as its window must have a finite number for each of ${length} ` +
        `samples: received ${formatShape([factors.length])}`,
    );
  }
  // As in Keras, no window is divided by nothing.
  if (scaling === "none" || window === "none") return factors;
  const whole = scaling === "density"
    ? Math.hypot(...factors)
    : factors.reduce((sum, factor) => sum + Math.abs(factor), 0);
  return factors.map((factor) => factor / whole);
}
