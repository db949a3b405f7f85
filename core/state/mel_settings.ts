/** What the function and the layer that make spectrograms of sound share. */
import { received } from "./received.ts";

/** How a frame of sound is faded in and out: by a raised cosine, by one on a pedestal, or not. */
export type SoundWindow = "hann" | "hamming" | "none";

/** Options of {@linkcode melSpectrogram} and {@linkcode melSpectrogramLayer}. */
export interface MelSpectrogramOptions {
  /** Numbers in a transform, a power of two; default 2048. */
  readonly fftLength?: number;
  /** Samples between frames; default 512. */
  readonly sequenceStride?: number;
  /** Samples in a frame, at most `fftLength`, which is the default; zeros on both sides fill it up. */
  readonly sequenceLength?: number;
  /** How a frame is faded in and out: `hann` (default), `hamming` or `none`. */
  readonly window?: SoundWindow;
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
  /** Decibels below the loudest that are kept apart, `Infinity` for all; default 80. */
  readonly topDb?: number;
  /** Exponent of magnitudes: 2 (default) for powers, 1 for magnitudes. */
  readonly magExp?: number;
  /** Smallest power, above 0; default 1e-10. */
  readonly minPower?: number;
  /** Power of 0 decibels; default 1. */
  readonly refPower?: number;
}

/** What of a spectrum a band is. */
export interface Band {
  /** Number of the first frequency. */
  readonly first: number;
  /** Weights from there on. */
  readonly weights: readonly number[];
}

/** Options with their defaults, and tables that follow from them. */
export interface MelSettings {
  /** Numbers in a transform. */
  readonly fftLength: number;
  /** Samples between frames. */
  readonly sequenceStride: number;
  /** Zeros of a transform in front of its samples. */
  readonly before: number;
  /** What each sample of a frame is multiplied by. */
  readonly window: Float64Array;
  /** The bands, from the lowest. */
  readonly bands: readonly Band[];
  /** Exponent of magnitudes. */
  readonly magExp: number;
  /** How powers become decibels; `undefined` if they do not. */
  readonly decibels?: {
    /** Smallest power. */
    readonly minPower: number;
    /** Decibels of the power that is to have none. */
    readonly zero: number;
    /** Decibels below the loudest that are kept apart. */
    readonly topDb: number;
  };
}

/**
 * Settings of a spectrogram.
 *
 * @throws {RangeError} When an option is out of range.
 */
export function melSettings(options: MelSpectrogramOptions): MelSettings {
  const { fftLength = 2048, sequenceStride = 512, samplingRate = 16000 } = options;
  const { sequenceLength = fftLength, numMelBins = 128, minFreq = 20 } = options;
  const { maxFreq = samplingRate / 2, magExp = 2, powerToDb = true } = options;
  check("fftLength", fftLength, 2);
  if (!Number.isInteger(Math.log2(fftLength))) {
    throw new RangeError(
      `Cannot make a spectrogram as fftLength must be a power of two: received ${fftLength}`,
    );
  }
  check("sequenceLength", sequenceLength, 1, fftLength);
  check("sequenceStride", sequenceStride, 1);
  check("numMelBins", numMelBins, 1);
  checkFinite({ samplingRate, minFreq, maxFreq, magExp });
  if (!(samplingRate > 0 && minFreq >= 0 && minFreq < maxFreq && maxFreq <= samplingRate / 2)) {
    throw new RangeError(
      `Cannot make a spectrogram as 0 ≤ minFreq < maxFreq ≤ samplingRate / 2 must hold: received ` +
        `${minFreq}, ${maxFreq} and ${samplingRate}`,
    );
  }
  const bins = fftLength / 2 + 1;
  if (numMelBins * bins > 2 ** 22) {
    throw new RangeError(
      `Cannot make a spectrogram as there must be at most ${2 ** 22} pairs of numMelBins and ` +
        `frequencies, of which there are fftLength / 2 + 1: received ${numMelBins} and ${bins}`,
    );
  }
  return {
    ...{ fftLength, sequenceStride, magExp },
    before: Math.floor((fftLength - sequenceLength) / 2),
    window: soundWindow(options.window ?? "hann", sequenceLength, true),
    bands: melBands({ numMelBins, minFreq, maxFreq, samplingRate, bins }),
    ...(powerToDb && { decibels: decibelsOf(options) }),
  };
}

function decibelsOf(options: MelSpectrogramOptions): MelSettings["decibels"] {
  const { topDb = 80, minPower = 1e-10, refPower = 1 } = options;
  checkFinite({ minPower, refPower, ...(topDb !== Infinity && { topDb }) });
  if (!(minPower > 0 && topDb >= 0)) {
    throw new RangeError(
      `Cannot make a spectrogram as minPower must be above 0 and topDb at least 0: received ` +
        `${minPower} and ${topDb}`,
    );
  }
  return { topDb, minPower, zero: 10 * Math.log10(Math.max(Math.abs(refPower), minPower)) };
}

/**
 * The window of a frame.
 *
 * @param periodic Whether it is one wave of a line without end, or ends as it begins.
 * @throws {RangeError} When the window is not known.
 */
export function soundWindow(name: SoundWindow, length: number, periodic: boolean): Float64Array {
  const shares = { hann: 0.5, hamming: 0.54, none: 1 };
  if (!Object.hasOwn(shares, name)) {
    throw new RangeError(
      `Cannot make a spectrogram as window must be one of ${Object.keys(shares).join(", ")}: ` +
        `received ${JSON.stringify(name)}`,
    );
  }
  if (length === 1) return Float64Array.of(1);
  const share = shares[name];
  const period = periodic ? length : length - 1;
  return Float64Array.from(
    { length },
    (_, place) => share - (1 - share) * Math.cos(2 * Math.PI * place / period),
  );
}

/** A place within `length` samples that are mirrored at both ends, again and again. */
export function reflected(place: number, length: number): number {
  if (place >= 0 && place < length) return place;
  if (length === 1) return 0;
  const period = 2 * (length - 1);
  const within = ((place % period) + period) % period;
  return within < length ? within : period - within;
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

function checkFinite(options: Readonly<Record<string, number>>): void {
  for (const [option, value] of Object.entries(options)) {
    if (Number.isFinite(value)) continue;
    throw new RangeError(
      `Cannot make a spectrogram as ${option} must be a finite number: received ${received(value)}`,
    );
  }
}

function check(option: string, value: number, minimum: number, maximum = 2 ** 24): void {
  if (Number.isInteger(value) && value >= minimum && value <= maximum) return;
  throw new RangeError(
    `Cannot make a spectrogram as ${option} must be a whole number from ${minimum} to ${maximum}: ` +
      `received ${value}`,
  );
}
