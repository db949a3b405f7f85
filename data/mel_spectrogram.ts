import { melSettings, type MelSpectrogramOptions, reflected } from "../core/state/mel_settings.ts";
import { powerSpectrum } from "./fourier.ts";

export type { MelSpectrogramOptions, SoundWindow } from "../core/state/mel_settings.ts";

/** What {@linkcode melSpectrogram} gives. */
export interface MelSpectrogram {
  /** The bands, frame by frame. */
  readonly data: Float32Array<ArrayBuffer>;
  /** `[frames, bands]`. */
  readonly shape: readonly [frames: number, bands: number];
}

/**
 * How loud sound is in bands of frequency, frame by frame: what networks read of speech.
 *
 * Frame t is around sample t · `sequenceStride`, with the sound reflected at its ends; there are 1 +
 * samples / stride. Its power spectrum is summed up in bands that overlap by half and are as wide as
 * the ear tells them apart: mel(f) = 1127 log(1 + f / 700). Computed on the host, in float64.
 *
 * @param samples Sound of one channel, from −1 to 1.
 * @param options Lengths in samples, bands, decibels.
 * @returns Decibels, `[frames, bands]`.
 * @throws {RangeError} If there are no samples, or an option is out of range.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { melSpectrogram } from "@millrace/millrace";
 *
 * // A second of 1,000 Hz: the same band is the loudest all the time.
 * const sound = Float32Array.from({ length: 16000 }, (_, n) => Math.sin(2 * Math.PI * n / 16));
 * const { data, shape } = melSpectrogram(sound, { numMelBins: 40 });
 * assert.deepEqual(shape, [32, 40]);
 * const loudest = (frame: number) => {
 *   const bands = data.subarray(frame * 40, (frame + 1) * 40);
 *   return bands.indexOf(Math.max(...bands));
 * };
 * assert.equal(loudest(10), loudest(20));
 * ```
 *
 * Source: S. Davis and P. Mermelstein, 1980; the bands are those of HTK. Keras: `MelSpectrogram`, which
 * gives `[bands, frames]`.
 */
export function melSpectrogram(
  samples: ArrayLike<number>,
  options: MelSpectrogramOptions = {},
): MelSpectrogram {
  const { fftLength, sequenceStride, before, window, bands, magExp, decibels } = melSettings(
    options,
  );
  if (samples.length === 0) {
    throw new RangeError("Cannot make a spectrogram as there are no samples");
  }
  const spectrum = powerSpectrum(fftLength);
  const frames = 1 + Math.floor(samples.length / sequenceStride);
  const values = new Float64Array(fftLength);
  const powers = new Float64Array(fftLength / 2 + 1);
  const result = new Float64Array(frames * bands.length);
  for (let frame = 0; frame < frames; frame++) {
    const start = frame * sequenceStride - fftLength / 2 + before;
    window.forEach((factor, place) => {
      values[before + place] = factor === 0
        ? 0
        : factor * samples[reflected(start + place, samples.length)];
    });
    spectrum(values, powers);
    bands.forEach(({ first, weights }, band) => {
      let sum = 0;
      weights.forEach((weight, place) => {
        const power = powers[first + place];
        sum += weight * (magExp === 2 ? power : power ** (magExp / 2));
      });
      result[frame * bands.length + band] = sum;
    });
  }
  const data = Float32Array.from(decibels ? inDecibels(result, decibels) : result);
  return { data, shape: [frames, bands.length] };
}

function inDecibels(
  powers: Float64Array,
  { minPower, zero, topDb }: { minPower: number; zero: number; topDb: number },
): Float64Array {
  const levels = powers.map((power) => 10 * Math.log10(Math.max(power, minPower)) - zero);
  const loudest = levels.reduce((most, level) => Math.max(most, level), -Infinity);
  return levels.map((level) => Math.max(level, loudest - topDb));
}
