import { ShapeError } from "../../../graph/errors.ts";
import { formatShape, type Shape } from "../../../graph/shape.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import {
  type MelSettings,
  melSettings,
  type MelSpectrogramOptions,
  reflected,
} from "../../../state/mel_settings.ts";
import { add } from "../../../ops/add.ts";
import { convolution } from "../../../ops/convolution.ts";
import { tensor } from "../../../ops/eager.ts";
import { gather } from "../../../ops/gather.ts";
import { log } from "../../../ops/log.ts";
import { matmul } from "../../../ops/matmul.ts";
import { max } from "../../../ops/max.ts";
import { maximum } from "../../../ops/maximum.ts";
import { mul } from "../../../ops/mul.ts";
import { pow } from "../../../ops/pow.ts";
import { reshape } from "../../../ops/reshape.ts";
import { split } from "../../../ops/stack.ts";
import { sub } from "../../../ops/sub.ts";
import { transpose } from "../../../ops/transpose.ts";
import type { Layer } from "../../layer.ts";
import type { PlainOptions } from "../reshaping/plain.ts";
import { fourierKernel } from "./fourier_kernel.ts";

/** Options of {@link melSpectrogramLayer}: those of {@link melSpectrogram}, name and input shape. */
export interface MelSpectrogramLayerOptions extends MelSpectrogramOptions, PlainOptions {}

/** Powers below that have a root with a slope that is none. */
const tiny = 1e-20;

/**
 * How loud sounds are in bands of frequency, frame by frame, as a layer: what {@link melSpectrogram}
 * makes of each sound of a batch, on the model's device and with gradients.
 *
 * A transform is a product with its waves: of many sounds that stay as they are, spectrograms that
 * `melSpectrogram` makes once are cheaper.
 *
 * @param options Lengths in samples, bands, decibels, name, input shape.
 * @returns A layer from `[batch, samples]` to `[batch, frames, bands]`, without weights, with 1 + samples /
 * stride frames.
 * @throws {RangeError} when an option is out of range.
 *
 * @example
 * ```ts
 * import { input, lstm, melSpectrogramLayer, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const hear = melSpectrogramLayer({ fftLength: 256, sequenceStride: 128, numMelBins: 40 });
 * assert.deepEqual(sequential([input([8000]), hear]).outputShape, [63, 40]);
 * ```
 *
 * Keras: `MelSpectrogram`, which gives `[bands, frames]` (`permute([2, 1])` turns them), and keeps apart
 * what is `topDb` below the loudest of the whole batch, where we take each sound for itself.
 */
export function melSpectrogramLayer(options: MelSpectrogramLayerOptions = {}): Layer {
  const { name = "", inputShape } = options;
  const settings = melSettings(options);
  const { sequenceStride, bands } = settings;
  const kernel = wavesOf(settings);
  const matrix = bandMatrix(settings);
  const orders = new Map<number, Tensor>();
  const framesOf = (samples: number) => 1 + Math.floor(samples / sequenceStride);
  const orderOf = (samples: number): Tensor => {
    const order = orders.get(samples) ?? mirrored(samples, framesOf(samples), settings);
    orders.set(samples, order);
    return order;
  };
  return {
    type: "MelSpectrogram",
    config: { ...options },
    name,
    inputShape,
    init(given) {
      checkSamples(given);
      return { outputShape: [framesOf(given[0]), bands.length], parameters: [] };
    },
    apply(_parameters, x) {
      const [batch, samples] = x.shape;
      const seen = transpose(gather(transpose(x), orderOf(samples)));
      const sums = convolution(reshape(seen, [batch, 1, 1, seen.shape[1], 1]), kernel, {
        strides: [1, 1, sequenceStride],
        before: [0, 0, 0],
        after: [0, 0, 0],
        dilation: [1, 1, 1],
        inputDilation: [1, 1, 1],
        groups: 1,
      });
      const [real, imaginary] = split(sums, 2, 4);
      const power = add(mul(real, real), mul(imaginary, imaginary));
      const values = settings.magExp === 2 ? power : pow(maximum(power, tiny), settings.magExp / 2);
      const frames = framesOf(samples);
      const lines = reshape(values, [batch * frames, power.shape[4]]);
      return levelsOf(reshape(matmul(lines, matrix), [batch, frames, bands.length]), settings);
    },
  };
}

/** Most numbers of the waves: 256 MiB. */
const mostWaves = 2 ** 26;

/** Cosines, and then sines, of every frequency. */
function wavesOf({ window, fftLength, before }: MelSettings): Tensor {
  const frequencies = fftLength / 2 + 1;
  if (window.length * 2 * frequencies > mostWaves) {
    throw new RangeError(
      `Cannot make melSpectrogramLayer as sequenceLength times fftLength + 2 must be at most ` +
        `${mostWaves}, the numbers of its waves: received ${window.length} and ${fftLength} ` +
        `(melSpectrogram makes frames of any length on the host)`,
    );
  }
  const both = new Float32Array(window.length * 2 * frequencies);
  (["real", "imag"] as const).forEach((side, place) => {
    const waves = fourierKernel(side, window, fftLength, before);
    for (let row = 0; row < window.length; row++) {
      const own = waves.subarray(row * frequencies, (row + 1) * frequencies);
      both.set(own, (2 * row + place) * frequencies);
    }
  });
  return tensor(both, { shape: [1, 1, window.length, 1, 2 * frequencies] });
}

/** How much of each frequency is in each band. */
function bandMatrix({ bands, fftLength }: MelSettings): Tensor {
  const matrix = new Float32Array((fftLength / 2 + 1) * bands.length);
  bands.forEach(({ first, weights }, band) =>
    weights.forEach((weight, place) => matrix[(first + place) * bands.length + band] = weight)
  );
  return tensor(matrix, { shape: [fftLength / 2 + 1, bands.length] });
}

/** Which sample stands where, when the sound is mirrored at its ends so that every frame is whole. */
function mirrored(samples: number, frames: number, settings: MelSettings): Tensor {
  const { fftLength, before, window, sequenceStride } = settings;
  const count = (frames - 1) * sequenceStride + window.length;
  const first = before - fftLength / 2;
  return tensor(
    Uint32Array.from({ length: count }, (_, place) => reflected(first + place, samples)),
  );
}

/** Decibels, if they are asked for. */
function levelsOf(values: Tensor, { decibels }: MelSettings): Tensor {
  if (!decibels) return values;
  const { minPower, zero, topDb } = decibels;
  const levels = sub(mul(log(maximum(values, minPower)), 10 / Math.LN10), zero);
  return maximum(levels, sub(max(levels, [1, 2], { keepDims: true }), topDb));
}

function checkSamples(shape: Shape): void {
  if (shape.length === 1 && shape[0] > 0) return;
  throw new ShapeError(
    `expected input of samples, a line of them for each sound, got shape ${formatShape(shape)}` +
      (shape.length === 2 ? " (a channel of its own goes by reshapeLayer([-1]))" : ""),
  );
}
