/** Layers that learn from samples what they prepare numbers by, and what they refuse. */
import assert from "node:assert/strict";
import {
  type AdaptSamples,
  arrays,
  categoryEncoding,
  dense,
  discretization,
  evaluate,
  fit,
  input,
  integerLookup,
  type Layer,
  meanSquaredError,
  normalization,
  rescaling,
  sequential,
  sgd,
} from "../../../mod.ts";
import { lastValueFrom } from "rxjs";
import { mulberry32 } from "../ops/generator.ts";
import { testOnDevices } from "../../devices.ts";
import { assertClose } from "./close.ts";

const random = mulberry32(12);

Deno.test("adapt reads the inputs of a data set as a model sees them", () => {
  const { x } = arrays(Uint8Array.of(0, 10, 20, 30), [0, 1], { scale: 0.5, offset: 1 });
  const { config } = normalization().adapt(x);
  assert.deepEqual([config?.mean, config?.variance], [[6, 11], [25, 25]]);
});

Deno.test("adapt gives a layer of its own and leaves the first as it is", () => {
  const layer = normalization();
  layer.adapt([[1], [2]]);
  assert.throws(
    () => sequential([input([1]), layer]),
    /normalization_1: expected a mean and a variance before the model is made/,
  );
});

Deno.test("quantiles share many numbers out evenly, and equal numbers need fewer bins", () => {
  const values = Array.from({ length: 1000 }, () => random() ** 3);
  const { config } = discretization({ numBins: 8 }).adapt(values);
  const boundaries = config?.binBoundaries as number[];
  assert.equal(boundaries.length, 7);
  for (let bin = 0; bin <= 7; bin++) {
    const [low, high] = [boundaries[bin - 1] ?? -Infinity, boundaries[bin] ?? Infinity];
    const inside = values.filter((value) => value >= low && value < high).length;
    assert(Math.abs(inside - 125) <= 1, `${inside} in bin ${bin}`);
  }
  const same = discretization({ numBins: 5 }).adapt([3, 3, 3, 3]);
  assert.deepEqual(same.config?.binBoundaries, [3]);
});

Deno.test("a vocabulary is cut to maxTokens, and tfIdf learns its weights", () => {
  const rows: AdaptSamples = [[12, 1138, 42], [42, 1000, 36]];
  assert.deepEqual(integerLookup({ maxTokens: 3 }).adapt(rows).config?.vocabulary, [42, 1138]);
  const { config } = integerLookup({ outputMode: "tfIdf", maskToken: 36 }).adapt(rows);
  assert.deepEqual(config?.vocabulary, [42, 1138, 1000, 12]);
  // ln(1 + 2 / (1 + 2)) for one in both documents, ln(1 + 2 / (1 + 1)) for one in a single one.
  assertClose(
    config?.idfWeights as number[],
    [Math.log(5 / 3), Math.LN2, Math.LN2, Math.LN2],
    1e-12,
  );
});

await testOnDevices(
  "a model with such layers trains as one on prepared numbers",
  async (device) => {
    const rows = Array.from({ length: 40 }, () => [300 + 50 * random(), 0.01 * random()]);
    const targets = rows.map(([a, b]) => [a / 50 + 100 * b]);
    const layer = normalization().adapt(rows);
    const { mean, variance } = layer.config as { mean: number[]; variance: number[] };
    const prepared = rows.map((row) => row.map((x, i) => (x - mean[i]) / Math.sqrt(variance[i])));
    const learned = async (first: Layer[], data: number[][]) => {
      const model = sequential([input([2]), ...first, dense(1, { name: "last" })], { seed: 4 });
      const dataSet = arrays(data, targets);
      const judged = { loss: meanSquaredError(), ...device };
      const optimizer = sgd({ learningRate: 0.1 });
      await lastValueFrom(fit(model, dataSet, { ...judged, optimizer, epochs: 40, batchSize: 8 }));
      return (await evaluate(model, dataSet, judged)).loss;
    };
    const [inside, outside] = [await learned([layer], rows), await learned([], prepared)];
    assert(inside < 1e-3, `${inside}`);
    assert(Math.abs(inside - outside) < 1e-4, `${inside} and ${outside}`);
  },
);

Deno.test("wrong options and samples are refused", () => {
  const refused: [() => unknown, RegExp][] = [
    [() => normalization({ mean: 1 }), /mean and variance go together: received the mean alone/],
    [() => normalization({ mean: 1, variance: -1 }), /variance of normalization .* at least 0/],
    [() => normalization().adapt([[1, NaN]]), /finite numbers: received NaN in sample 0/],
    [() => normalization().adapt({ data: [1, 2, 3], shape: [2, 2] }), /\[2, 2\] holds: received 3/],
    [
      () => sequential([input([3]), normalization({ mean: [1, 2], variance: [1, 2] })]),
      /for each of the 3 features of input \[3\], got 2/,
    ],
    [() => rescaling(NaN), /scale of rescaling .* received NaN/],
    [() => sequential([input([3]), rescaling([1, 2])]), /expected input of 2 features.* got shape/],
    [() => categoryEncoding(0), /numTokens of categoryEncoding .* received 0/],
    [
      () => categoryEncoding(2, { outputMode: "one_hot" as "oneHot" }),
      /one of oneHot, multiHot, count: received "one_hot"/,
    ],
    [() => discretization({}), /either binBoundaries or numBins: received neither/],
    [() => discretization({ binBoundaries: [1], numBins: 2 }), /received both/],
    [() => discretization({ binBoundaries: [1, 1] }), /must increase: received 1 before 1/],
    [() => discretization({ binBoundaries: [] }), /one or more/],
    [() => discretization({ binBoundaries: [1] }).adapt([1]), /boundaries are given/],
    [() => sequential([input([1]), discretization({ numBins: 2 })]), /expected boundaries before/],
    [() => integerLookup({ vocabulary: [1, 1] }), /stand there once: received 1 twice/],
    [
      () => integerLookup({ vocabulary: [1.5] }),
      /a token of its vocabulary must be a whole number .*received 1.5/,
    ],
    [() => integerLookup({ vocabulary: [] }), /one token or more/],
    [() => integerLookup({ numOovIndices: -1 }), /numOovIndices .* received -1/],
    [() => integerLookup({ maxTokens: 1 }), /maxTokens must be a whole number above 1/],
    [() => integerLookup({ vocabulary: [1, 2], maxTokens: 2 }), /room for 1 tokens: received 2/],
    [() => integerLookup({ padToMaxTokens: true }), /padToMaxTokens needs maxTokens/],
    [() => integerLookup({ idfWeights: [1] }), /idfWeights are for the outputMode tfIdf/],
    [
      () => integerLookup({ vocabulary: [1], outputMode: "tfIdf" }),
      /one of idfWeights for each of the 1 tokens: received none/,
    ],
    [() => sequential([input([1]), integerLookup()]), /expected a vocabulary before/],
  ];
  for (const [make, message] of refused) assert.throws(make, message);
});
