import { erfcReference } from "../ops/erf.ts";
import type { RandomStream } from "../state/random_stream.ts";
import { fromSpread, type NumericRange, type ParameterValue, spreadOf } from "./dimension.ts";
import { drawPlace, type Estimator, type EstimatorOptions, mixtureWeights } from "./estimator.ts";

/** One part of the mixture: a normal distribution cut off at the ends of the range. */
interface Kernel {
  readonly weight: number;
  readonly mean: number;
  readonly deviation: number;
  /** Logarithm of the weight over the share that was not cut off. */
  readonly logScale: number;
}

type Normal = Pick<Kernel, "mean" | "deviation">;

/**
 * The distribution of a number: a mixture of normal distributions, one around each observation and
 * one, the prior, around the middle of the range and as wide as it.
 *
 * A kernel is as wide as the larger distance to its neighbours (the prior's mean is one; the ends of
 * the range are not, unless a kernel has no other), and within `(high − low) / min(100, n + 1)` and
 * `high − low` for n kernels. All of it is in the spread of the range: logarithms with `log`, and half
 * a step beyond both ends with steps, whose numbers have the mass of the step around them.
 *
 * Source: J. Bergstra and others, "Algorithms for hyper-parameter optimization", 2011, section 4, with
 * Optuna's defaults (`consider_endpoints=False`, `consider_magic_clip=True`).
 */
export class ParzenEstimator implements Estimator {
  /** The parts, one for each observation and the prior as the last. */
  readonly kernels: readonly Kernel[];
  readonly #low: number;
  readonly #high: number;

  /** @param range The numbers. @param observed Numbers seen, the oldest first. */
  constructor(
    private readonly range: NumericRange,
    observed: readonly ParameterValue[],
    options: EstimatorOptions,
  ) {
    [this.#low, this.#high] = spreadOf(range);
    const means = observed.map((value) => this.#spread(value as number));
    const deviations = this.#deviations(means, options.magicClip);
    const weights = mixtureWeights(observed.length, options);
    const width = this.#high - this.#low;
    this.kernels = weights.map((weight, place) => {
      const seen = place < means.length;
      const mean = seen ? means[place] : this.#middle;
      const deviation = seen ? deviations[place] : width;
      const inside = mass({ mean, deviation }, this.#low, this.#high);
      return { weight, mean, deviation, logScale: Math.log(weight / inside) };
    });
  }

  sample(stream: RandomStream): ParameterValue {
    const place = drawPlace(this.kernels.map(({ weight }) => weight), stream);
    const { mean, deviation } = this.kernels[place];
    // The mean is in the range, and no deviation is wider: at least a third of all draws are in it.
    let drawn: number;
    do drawn = mean + deviation * stream.normal(); while (drawn < this.#low || drawn > this.#high);
    return fromSpread(this.range, drawn);
  }

  logProbability(value: ParameterValue): number {
    const place = this.#spread(value as number);
    const { step, log } = this.range;
    if (step === undefined) return this.#logSum((kernel) => logDensity(kernel, place));
    const edges = [value as number - step / 2, value as number + step / 2];
    const [from, to] = log ? edges.map(Math.log) : edges;
    return this.#logSum((kernel) => Math.log(mass(kernel, from, to)));
  }

  get #middle(): number {
    return (this.#low + this.#high) / 2;
  }

  #spread(value: number): number {
    return this.range.log ? Math.log(value) : value;
  }

  #logSum(logOf: (kernel: Kernel) => number): number {
    const logs = this.kernels.map((kernel) => kernel.logScale + logOf(kernel));
    const largest = Math.max(...logs);
    if (largest === -Infinity) return -Infinity;
    return largest + Math.log(logs.reduce((sum, each) => sum + Math.exp(each - largest), 0));
  }

  #deviations(means: readonly number[], magicClip: boolean): number[] {
    const [low, high] = [this.#low, this.#high];
    const places = [...means, this.#middle].map((mean, place) => ({ mean, place }))
      .sort((a, b) => a.mean - b.mean);
    const least = magicClip ? (high - low) / Math.min(100, places.length + 1) : 1e-12;
    const deviations: number[] = [];
    places.forEach(({ mean, place }, rank) => {
      const below = rank > 0 ? mean - places[rank - 1].mean : undefined;
      const above = rank + 1 < places.length ? places[rank + 1].mean - mean : undefined;
      const widest = Math.max(below ?? above ?? high - low, above ?? below ?? high - low);
      deviations[place] = Math.min(Math.max(widest, least), high - low);
    });
    return deviations;
  }
}

function logDensity({ mean, deviation }: Normal, place: number): number {
  return -(((place - mean) / deviation) ** 2) / 2 - Math.log(deviation * Math.sqrt(2 * Math.PI));
}

/** The share of an uncut kernel from one place to another. */
function mass({ mean, deviation }: Normal, from: number, to: number): number {
  const [a, b] = [(from - mean) / deviation, (to - mean) / deviation];
  // On the side of the tail, where differences of shares below would cancel.
  return a > 0 ? shareAbove(a) - shareAbove(b) : shareAbove(-b) - shareAbove(-a);
}

/** Φ(−x). */
function shareAbove(x: number): number {
  return erfcReference(x / Math.SQRT2) / 2;
}
