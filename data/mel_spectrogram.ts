import { powerSpectrum } from "./fourier.ts";

/** Options of {@linkcode melSpectrogram}. */
export interface MelSpectrogramOptions {
  /** Numbers in a transform, a power of two; default 2048. */
  readonly fftLength?: number;
  /** Samples between frames; default 512. */
  readonly sequenceStride?: number;
  /** Samples in a frame, at most `fftLength`, which is the default; zeros on both sides fill it up. */
  readonly sequenceLength?: number;
  /** How a frame is faded in and out: `hann` (default), `hamming` or `none`. */
  readonly window?: "hann" | "hamming" | "none";
  /** Samples a second; default 16,000. */
  readonly samplingRate?: number;
  /** Bands; default 128. */
  readonly numMelBins?: number;
  /** Lower edge of the lowest band in hertz; default 20. */
  readonly minFreq?: number;
  /** Upper edge of the highest band in hertz; default half the sampling rate. */
  readonly maxFreq?: number;
  /** Whether powers become decibels; default true. */
  readonly powerToDb?: boolean;
  /** Decibels below the loudest that are kept apart; default 80. */
  readonly topDb?: number;
  /** Exponent of magnitudes: 2 (default) for powers, 1 for magnitudes. */
  readonly magExp?: number;
  /** Smallest power, above 0; default 1e-10. */
  readonly minPower?: number;
  /** Power of 0 decibels; default 1. */
  readonly refPower?: number;
}

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
  const { fftLength = 2048, sequenceStride = 512, samplingRate = 16000 } = options;
  const { sequenceLength = fftLength, numMelBins = 128, minFreq = 20 } = options;
  const { maxFreq = samplingRate / 2, magExp = 2, powerToDb = true } = options;
  check("fftLength", fftLength, 2);
  check("sequenceLength", sequenceLength, 1, fftLength);
  check("sequenceStride", sequenceStride, 1);
  check("numMelBins", numMelBins, 1);
  if (!(samplingRate > 0 && minFreq >= 0 && minFreq < maxFreq && maxFreq <= samplingRate / 2)) {
    throw new RangeError(
      `Cannot make a spectrogram as 0 ≤ minFreq < maxFreq ≤ samplingRate / 2 must hold: received ` +
        `${minFreq}, ${maxFreq} and ${samplingRate}`,
    );
  }
  if (samples.length === 0) {
    throw new RangeError("Cannot make a spectrogram as there are no samples");
  }
  const bins = fftLength / 2 + 1;
  const spectrum = powerSpectrum(fftLength);
  const bands = melBands({ numMelBins, minFreq, maxFreq, samplingRate, bins });
  const window = windowOf(options.window ?? "hann", sequenceLength, fftLength);
  const frames = 1 + Math.floor(samples.length / sequenceStride);
  const values = new Float64Array(fftLength);
  const powers = new Float64Array(bins);
  const result = new Float64Array(frames * numMelBins);
  for (let frame = 0; frame < frames; frame++) {
    const start = frame * sequenceStride - fftLength / 2;
    for (let place = 0; place < fftLength; place++) {
      values[place] = window[place] === 0
        ? 0
        : window[place] * samples[reflected(start + place, samples.length)];
    }
    spectrum(values, powers);
    bands.forEach(({ first, weights }, band) => {
      let sum = 0;
      weights.forEach((weight, place) => {
        const power = powers[first + place];
        sum += weight * (magExp === 2 ? power : power ** (magExp / 2));
      });
      result[frame * numMelBins + band] = sum;
    });
  }
  const data = Float32Array.from(powerToDb ? decibels(result, options) : result);
  return { data, shape: [frames, numMelBins] };
}

function decibels(powers: Float64Array, options: MelSpectrogramOptions): Float64Array {
  const { topDb = 80, minPower = 1e-10, refPower = 1 } = options;
  if (!(minPower > 0 && topDb >= 0)) {
    throw new RangeError(
      `Cannot make a spectrogram as minPower must be above 0 and topDb at least 0: received ` +
        `${minPower} and ${topDb}`,
    );
  }
  const zero = 10 * Math.log10(Math.max(Math.abs(refPower), minPower));
  const levels = powers.map((power) => 10 * Math.log10(Math.max(power, minPower)) - zero);
  const loudest = levels.reduce((most, level) => Math.max(most, level), -Infinity);
  return levels.map((level) => Math.max(level, loudest - topDb));
}

/** A place within `length` samples that are mirrored at both ends, again and again. */
function reflected(place: number, length: number): number {
  if (place >= 0 && place < length) return place;
  if (length === 1) return 0;
  const period = 2 * (length - 1);
  const within = ((place % period) + period) % period;
  return within < length ? within : period - within;
}

/** The window in the middle of a transform; periodic, as a spectrum is. */
function windowOf(name: "hann" | "hamming" | "none", length: number, whole: number): Float64Array {
  const shares = { hann: 0.5, hamming: 0.54, none: 1 };
  if (!Object.hasOwn(shares, name)) {
    throw new RangeError(
      `Cannot make a spectrogram as window must be one of ${Object.keys(shares).join(", ")}: ` +
        `received ${JSON.stringify(name)}`,
    );
  }
  const before = Math.floor((whole - length) / 2);
  const window = new Float64Array(whole);
  for (let place = 0; place < length; place++) {
    const wave = (1 - shares[name]) * Math.cos(2 * Math.PI * place / length);
    window[before + place] = shares[name] - wave;
  }
  return window;
}

interface Band {
  /** Number of the first frequency. */
  readonly first: number;
  /** Weights from there on. */
  readonly weights: readonly number[];
}

/** Triangles over the frequencies, straight lines on the mel scale; 0 hertz is in none. */
function melBands(
  { numMelBins, minFreq, maxFreq, samplingRate, bins }: {
    readonly numMelBins: number;
    readonly minFreq: number;
    readonly maxFreq: number;
    readonly samplingRate: number;
    readonly bins: number;
  },
): Band[] {
  const mel = (hertz: number) => 1127 * Math.log1p(hertz / 700);
  const [low, high] = [mel(minFreq), mel(maxFreq)];
  const width = (high - low) / (numMelBins + 1);
  const frequencies = Array.from(
    { length: bins },
    (_, bin) => mel(samplingRate / 2 * bin / (bins - 1)),
  );
  return Array.from({ length: numMelBins }, (_, band) => {
    const middle = low + (band + 1) * width;
    const all = frequencies.map((frequency, bin) =>
      bin === 0 ? 0 : Math.max(0, 1 - Math.abs(frequency - middle) / width)
    );
    const first = Math.max(all.findIndex((weight) => weight > 0), 0);
    const last = all.findLastIndex((weight) => weight > 0);
    return { first, weights: all.slice(first, last + 1) };
  });
}

function check(option: string, value: number, minimum: number, maximum = 2 ** 24): void {
  if (Number.isInteger(value) && value >= minimum && value <= maximum) return;
  throw new RangeError(
    `Cannot make a spectrogram as ${option} must be a whole number from ${minimum} to ${maximum}: ` +
      `received ${value}`,
  );
}
