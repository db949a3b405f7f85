// Densities of the tree-structured Parzen estimator against formulas written here anew.
import assert from "node:assert/strict";
import { RandomStream } from "../../../core/state/random_stream.ts";
import {
  choice,
  type ChoiceRange,
  float,
  integer,
  type NumericRange,
} from "../../../core/search/mod.ts";
import { ChoiceEstimator } from "../../../core/search/choice_estimator.ts";
import { mixtureWeights } from "../../../core/search/estimator.ts";
import { ParzenEstimator } from "../../../core/search/parzen_estimator.ts";

const options = { priorWeight: 1, magicClip: true, weights: (n: number) => Array(n).fill(1) };
const rangeOf = ({ range }: { range: unknown }) => range as NumericRange;

/** Simpson's rule. */
function integral(f: (x: number) => number, from: number, to: number, parts = 4000): number {
  const width = (to - from) / parts;
  let sum = f(from) + f(to);
  for (let part = 1; part < parts; part++) sum += (part % 2 ? 4 : 2) * f(from + part * width);
  return sum * width / 3;
}

const normal = (mean: number, deviation: number) => (x: number) =>
  Math.exp(-0.5 * ((x - mean) / deviation) ** 2) / (deviation * Math.sqrt(2 * Math.PI));

/** The density of a mixture of normal distributions that are cut off, by integration. */
function mixture(parts: readonly (readonly [number, number])[], low: number, high: number) {
  const densities = parts.map(([mean, deviation]) => {
    const density = normal(mean, deviation);
    const inside = integral(density, low, high);
    return (x: number) => density(x) / inside;
  });
  return (x: number) => densities.reduce((sum, f) => sum + f(x) / densities.length, 0);
}

function near(actual: number, expected: number, tolerance = 1e-9): void {
  assert.ok(
    Math.abs(actual - expected) <= tolerance * Math.abs(expected),
    `${actual} is not ${expected}`,
  );
}

Deno.test("kernels are as wide as the larger gap beside them, by hand", () => {
  // Sorted: 2, 5 (the prior), 6, 9.5. At least 10 / min(100, 4 + 1) = 2, at most 10.
  const { kernels } = new ParzenEstimator(rangeOf(float(0, 10)), [9.5, 2, 6], options);
  assert.deepEqual(
    kernels.map(({ mean, deviation }) => [mean, deviation]),
    [[9.5, 3.5], [2, 3], [6, 3.5], [5, 10]],
  );
  // 2 and the prior at 5; the other way round 6 is nearer than the least width, 10 / 3.
  const one = (value: number) =>
    new ParzenEstimator(rangeOf(float(0, 10)), [value], options).kernels[0].deviation;
  assert.deepEqual([one(1), one(6)], [4, 10 / 3]);
  const bare = new ParzenEstimator(rangeOf(float(0, 10)), [6, 6.5], {
    ...options,
    magicClip: false,
  });
  assert.deepEqual(bare.kernels.map(({ deviation }) => deviation), [1, 0.5, 10]);
});

Deno.test("the density of a number is the mixture of kernels cut off at the range", () => {
  const estimator = new ParzenEstimator(rangeOf(float(0, 10)), [9.5, 2, 6], options);
  const expected = mixture([[9.5, 3.5], [2, 3], [6, 3.5], [5, 10]], 0, 10);
  for (const x of [0, 0.1, 2, 3.3, 6, 9.9, 10]) {
    near(Math.exp(estimator.logProbability(x)), expected(x));
  }
  near(integral((x) => Math.exp(estimator.logProbability(x)), 0, 10), 1);
});

Deno.test("with log, the density is one of logarithms", () => {
  const estimator = new ParzenEstimator(
    rangeOf(float(1e-3, 10, { log: true })),
    [0.01, 1],
    options,
  );
  const [low, high] = [Math.log(1e-3), Math.log(10)];
  const [a, prior, b] = [Math.log(0.01), (low + high) / 2, Math.log(1)];
  const least = (high - low) / 4;
  const widths = [Math.max(prior - a, least), Math.max(b - prior, least)];
  const expected = mixture([[a, widths[0]], [b, widths[1]], [prior, high - low]], low, high);
  for (const x of [1e-3, 0.004, 0.01, 0.3, 1, 10]) {
    near(Math.exp(estimator.logProbability(x)), expected(Math.log(x)));
  }
});

Deno.test("numbers with steps have the mass of the step around them, and all have 1", () => {
  const ranges = [integer(1, 12), integer(1, 200, { log: true }), float(0, 1, { step: 0.125 })];
  const seen = [[3, 7, 7, 12], [2, 150, 3], [0, 0.5]];
  ranges.forEach((dimension, place) => {
    const range = rangeOf(dimension);
    const estimator = new ParzenEstimator(range, seen[place], options);
    const step = range.step!;
    const spread = (x: number) => range.log ? Math.log(x) : x;
    const ends = [spread(range.low - step / 2), spread(range.high + step / 2)] as const;
    const density = mixture(
      estimator.kernels.map(({ mean, deviation }) => [mean, deviation] as const),
      ...ends,
    );
    let total = 0;
    for (let x = range.low; x <= range.high; x += step) {
      const mass = Math.exp(estimator.logProbability(x));
      near(mass, integral(density, spread(x - step / 2), spread(x + step / 2), 200), 1e-7);
      total += mass;
    }
    near(total, 1);
  });
});

Deno.test("numbers are drawn by their density", () => {
  const estimator = new ParzenEstimator(rangeOf(integer(1, 12)), [3, 3, 4, 11], options);
  const stream = new RandomStream([1, 2]);
  const counts = new Map<unknown, number>();
  const draws = 20_000;
  for (let draw = 0; draw < draws; draw++) {
    const value = estimator.sample(stream);
    counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  for (let value = 1; value <= 12; value++) {
    const p = Math.exp(estimator.logProbability(value));
    const deviation = Math.sqrt(draws * p * (1 - p));
    assert.ok(Math.abs(counts.get(value)! - draws * p) < 4 * deviation, `${value}`);
  }
  const smooth = new ParzenEstimator(rangeOf(float(1e-3, 1, { log: true })), [0.5, 0.9], options);
  const drawn = Array.from({ length: draws }, () => Number(smooth.sample(stream)));
  assert.ok(drawn.every((x) => x >= 1e-3 && x <= 1));
  const p = integral((u) => Math.exp(smooth.logProbability(Math.exp(u))), Math.log(0.3), 0);
  const share = drawn.filter((x) => x > 0.3).length / draws;
  assert.ok(Math.abs(share - p) < 4 * Math.sqrt(p * (1 - p) / draws), `${share} and ${p}`);
});

Deno.test("far from all kernels a number still has a logarithm", () => {
  const seen = Array.from({ length: 400 }, (_, place) => 0.5 + place * 1e-6);
  const estimator = new ParzenEstimator(rangeOf(integer(0, 100_000)), seen, options);
  const log = estimator.logProbability(100_000);
  assert.ok(log < -10 && log > -30, `${log}`);
});

Deno.test("the probabilities of choices, by hand", () => {
  const range = choice("a", "b", "c").range as ChoiceRange;
  // Three kernels: each has 1/3 on every value, and 1 more on the one seen, over 2; the prior 1/3.
  const { probabilities } = new ChoiceEstimator(range, ["b", "b"], options);
  const [other, seen] = [(1 / 3) / 2, (4 / 3) / 2];
  const expected = [other, seen, other].map((each) => (2 * each + 1 / 3) / 3);
  probabilities.forEach((probability, place) => near(probability, expected[place]));
  const none = new ChoiceEstimator(range, [], options);
  none.probabilities.forEach((probability) => near(probability, 1 / 3));
  // The later observation weighs three times as much.
  const weighed = new ChoiceEstimator(range, ["a", "c"], { ...options, weights: () => [1, 3] });
  const parts = [(1 * seen + 3 * other + 1 / 3) / 5, (1 * other + 3 * other + 1 / 3) / 5];
  near(weighed.probabilities[0], parts[0]);
  near(weighed.probabilities[1], parts[1]);
  const stream = new RandomStream([3, 4]);
  const drawn = Array.from({ length: 20_000 }, () => weighed.sample(stream));
  const share = drawn.filter((value) => value === "a").length / drawn.length;
  assert.ok(Math.abs(share - parts[0]) < 0.015, `${share} and ${parts[0]}`);
});

Deno.test("weights that are too few or below zero are refused", () => {
  const weigh = (weights: number[]) => () =>
    mixtureWeights(2, { ...options, weights: () => weights });
  assert.throws(weigh([1]), /there must be 2 of them, each at least 0: received \[1\]/);
  assert.throws(weigh([1, -1]), RangeError);
  assert.deepEqual(mixtureWeights(2, { ...options, weights: () => [1, 2] }), [0.25, 0.5, 0.25]);
});
