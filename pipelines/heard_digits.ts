import { type MelSpectrogram, melSpectrogram } from "../mod.ts";
import type { Utterance } from "./spoken_digits.ts";

/** Bands of frequency in a frame. */
export const bands = 40;

/** A sound as a network reads it. */
export interface Heard {
  /** The digits in order. */
  readonly digits: readonly number[];
  /** Its bands, frame by frame. */
  readonly spectrogram: MelSpectrogram;
}

/** Frames of 25 ms, 12.5 ms apart; of several channels the first. */
export function hear({ digits, sound }: Utterance): Heard {
  const { samples, samplingRate, channels } = sound;
  const mono = channels === 1 ? samples : samples.filter((_, place) => place % channels === 0);
  const sequenceLength = Math.round(samplingRate * 0.025);
  const spectrogram = melSpectrogram(mono, {
    samplingRate,
    sequenceLength,
    sequenceStride: Math.round(samplingRate * 0.0125),
    fftLength: 2 ** Math.ceil(Math.log2(sequenceLength)),
    numMelBins: bands,
    maxFreq: Math.min(8000, samplingRate / 2),
  });
  return { digits, spectrogram };
}

/** Mean and deviation of each band over all frames. */
export function bandStatistics(heard: readonly Heard[]): { means: number[]; deviations: number[] } {
  const count = heard.reduce((sum, { spectrogram }) => sum + spectrogram.shape[0], 0);
  const over = (value: (level: number, band: number) => number) => {
    const sums = new Array<number>(bands).fill(0);
    for (const { spectrogram: { data } } of heard) {
      data.forEach((level, place) => sums[place % bands] += value(level, place % bands));
    }
    return sums.map((sum) => sum / count);
  };
  const means = over((level) => level);
  const deviations = over((level, band) => (level - means[band]) ** 2).map(Math.sqrt);
  return { means, deviations: deviations.map((deviation) => deviation || 1) };
}
