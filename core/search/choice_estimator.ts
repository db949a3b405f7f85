import type { RandomStream } from "../state/random_stream.ts";
import type { ChoiceRange, ParameterValue } from "./dimension.ts";
import { drawPlace, type Estimator, type EstimatorOptions, mixtureWeights } from "./estimator.ts";

/**
 * The distribution of a choice: each observation is a kernel with most of its mass on the value seen
 * and a little, prior weight over number of kernels, on every value; the prior is uniform.
 *
 * Source: Optuna's categorical distribution of the tree-structured Parzen estimator.
 */
export class ChoiceEstimator implements Estimator {
  /** The probability of each value, in the order of the range. */
  readonly probabilities: readonly number[];

  /** @param range The values. @param observed Values seen, the oldest first. */
  constructor(
    private readonly range: ChoiceRange,
    observed: readonly ParameterValue[],
    options: EstimatorOptions,
  ) {
    const { values } = range;
    const weights = mixtureWeights(observed.length, options);
    const share = options.priorWeight / weights.length;
    const kernelSum = 1 + values.length * share;
    const prior = weights[observed.length];
    this.probabilities = values.map((value) =>
      observed.reduce(
        (sum: number, seen, place) =>
          sum + weights[place] * ((seen === value ? 1 : 0) + share) / kernelSum,
        prior / values.length,
      )
    );
  }

  sample(stream: RandomStream): ParameterValue {
    return this.range.values[drawPlace(this.probabilities, stream)];
  }

  logProbability(value: ParameterValue): number {
    return Math.log(this.probabilities[this.range.values.indexOf(value)]);
  }
}
