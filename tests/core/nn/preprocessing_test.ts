/** Layers that prepare numbers: Keras's documented examples, formulas in float64, every device. */
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
  modelFromJson,
  modelToJson,
  normalization,
  predict,
  rescaling,
  sequential,
  sgd,
} from "../../../mod.ts";
import { lastValueFrom } from "rxjs";
import { mulberry32 } from "../ops/generator.ts";
import { testOnDevices } from "../../devices.ts";
import { assertClose } from "./close.ts";

type Nested = readonly (number | Nested)[];
const flat = (values: Nested) => (values as unknown[]).flat(Infinity) as number[];
const shapeOf = (values: Nested): number[] =>
  Array.isArray(values[0]) ? [values.length, ...shapeOf(values[0] as Nested)] : [values.length];

/** A layer, its inputs, what it must give. */
const cases: [what: string, layer: Layer, inputs: Nested, expected: Nested][] = [
  ["categoryEncoding oneHot", categoryEncoding(4, { outputMode: "oneHot" }), [[3], [2], [0], [1]], [
    [0, 0, 0, 1],
    [0, 0, 1, 0],
    [1, 0, 0, 0],
    [0, 1, 0, 0],
  ]],
  [
    "categoryEncoding oneHot of two ids, one of them out of range",
    categoryEncoding(3, { outputMode: "oneHot" }),
    [[2, 0], [-1, 3]],
    [[[0, 0, 1], [1, 0, 0]], [[0, 0, 0], [0, 0, 0]]],
  ],
  ["categoryEncoding multiHot", categoryEncoding(4), [[0, 1], [0, 0], [1, 2], [3, 1]], [
    [1, 1, 0, 0],
    [1, 0, 0, 0],
    [0, 1, 1, 0],
    [0, 1, 0, 1],
  ]],
  [
    "categoryEncoding count",
    categoryEncoding(4, { outputMode: "count" }),
    [[0, 1], [0, 0], [1, 2], [3, 1]],
    [[1, 1, 0, 0], [2, 0, 0, 0], [0, 1, 1, 0], [0, 1, 0, 1]],
  ],
  [
    "discretization with boundaries",
    discretization({ binBoundaries: [0, 1, 2] }),
    [[-1.5, 1, 3.4, 0.5], [0, 3, 1.3, 0]],
    [[0, 2, 3, 1], [1, 3, 2, 1]],
  ],
  [
    "discretization adapted",
    discretization({ numBins: 4 }).adapt([[-1.5, 1, 3.4, 0.5], [0, 3, 1.3, 0]]),
    [[-1.5, 1, 3.4, 0.5], [0, 3, 1.3, 0]],
    [[0, 2, 3, 2], [1, 3, 3, 1]],
  ],
  [
    "discretization count",
    discretization({ binBoundaries: [0, 2], outputMode: "count" }),
    [[-1, 0, 1.5], [2, 2, 2]],
    [[1, 2, 0], [0, 0, 3]],
  ],
  [
    "integerLookup",
    integerLookup({ vocabulary: [12, 36, 1138, 42] }),
    [[12, 1138, 42], [42, 1000, 36]],
    [[1, 3, 4], [4, 0, 2]],
  ],
  [
    "integerLookup with two ids for the unknown",
    integerLookup({ vocabulary: [12, 36, 1138, 42], numOovIndices: 2 }),
    [[12, 1138, 42], [37, 1000, -3]],
    [[2, 4, 5], [1, 0, 1]],
  ],
  [
    "integerLookup with a mask and none for the unknown",
    integerLookup({ vocabulary: [7, 5], maskToken: 0, numOovIndices: 0 }),
    [[0, 7, 5, 6]],
    [[0, 1, 2, -1]],
  ],
  [
    "integerLookup oneHot",
    integerLookup({ vocabulary: [12, 36], outputMode: "oneHot" }),
    [[36], [9]],
    [[0, 0, 1], [1, 0, 0]],
  ],
  [
    "integerLookup multiHot, the mask left out, padded",
    integerLookup({
      vocabulary: [12, 36],
      outputMode: "multiHot",
      maskToken: 0,
      maxTokens: 5,
      padToMaxTokens: true,
    }),
    [[36, 36, 0], [9, 12, 0]],
    [[0, 0, 1, 0, 0], [1, 1, 0, 0, 0]],
  ],
  [
    "integerLookup tfIdf",
    integerLookup({
      vocabulary: [12, 36, 1138],
      idfWeights: [0.25, 0.75, 0.6],
      outputMode: "tfIdf",
    }),
    [[12, 36, 36], [1138, 5, 5]],
    // The unknown one has the average, (0.25 + 0.75 + 0.6) / 3.
    [[0, 0.25, 1.5, 0], [1.6 / 1.5, 0, 0, 0.6]],
  ],
  ["rescaling", rescaling(0.5, { offset: -1 }), [[4, 1]], [[1, -0.5]]],
  ["rescaling by feature", rescaling([2, 3], { offset: [1, 0] }), [[4, 1], [0, 2]], [[9, 3], [
    1,
    6,
  ]]],
  [
    "normalization by the example of Keras",
    normalization({ mean: 3, variance: 2 }),
    [[1], [2], [3]],
    [[-Math.SQRT2], [-Math.SQRT1_2], [0]],
  ],
  [
    "normalization adapted by feature",
    normalization().adapt([[0, 7, 4], [2, 9, 6], [0, 7, 4], [2, 9, 6]]),
    [[0, 7, 4]],
    [[-1, -1, -1]],
  ],
  [
    "normalization inverted",
    normalization({ mean: [1, 2], variance: [4, 9], invert: true }),
    [[1, -1]],
    [[3, -1]],
  ],
  [
    "normalization of a constant feature",
    normalization().adapt([[0.1, 1], [0.1, 3]]),
    [[0.1, 3]],
    [[0, 1]],
  ],
];

await testOnDevices("layers that prepare numbers give what the tables say", async (device) => {
  for (const [what, layer, inputs, expected] of cases) {
    const shape = shapeOf(inputs);
    const model = sequential([input(shape.slice(1)), layer]);
    const x = { data: Float32Array.from(flat(inputs)), shape };
    const outputs = await predict(model, x, device);
    assert.deepEqual(outputs.shape, shapeOf(expected), what);
    assert.deepEqual([expected.length, ...model.outputShape], shapeOf(expected), what);
    assertClose(outputs.data, flat(expected), 2e-6, what);
  }
});

const random = mulberry32(11);
const cube = Array.from(
  { length: 6 },
  () =>
    Array.from(
      { length: 4 },
      (_, i) => Array.from({ length: 3 }, (_, j) => 40 * i - 9 * j + (3 + j) * random()),
    ),
);

await testOnDevices("normalization agrees with float64 for every axis", async (device) => {
  const groups: [axis: number | number[] | null, key: (i: number, j: number) => string][] = [
    [-1, (_, j) => `${j}`],
    [1, (i) => `${i}`],
    [[1, 2], (i, j) => `${i} ${j}`],
    [null, () => ""],
  ];
  for (const [axis, key] of groups) {
    const members = new Map<string, number[]>();
    cube.forEach((table) =>
      table.forEach((row, i) =>
        row.forEach((value, j) => members.set(key(i, j), [...members.get(key(i, j)) ?? [], value]))
      )
    );
    const expected = cube.flatMap((table) =>
      table.flatMap((row, i) =>
        row.map((value, j) => {
          const all = members.get(key(i, j))!;
          const mean = all.reduce((sum, v) => sum + v, 0) / all.length;
          const variance = all.reduce((sum, v) => sum + (v - mean) ** 2, 0) / all.length;
          return (value - mean) / Math.sqrt(variance);
        })
      )
    );
    const model = sequential([input([4, 3]), normalization({ axis }).adapt(cube)]);
    const again = modelFromJson(modelToJson(model)) as typeof model;
    const x = { data: Float32Array.from(flat(cube)), shape: [6, 4, 3] };
    const [given, kept] = [await predict(model, x, device), await predict(again, x, device)];
    assertClose(given.data, expected, 2e-5, `axis ${axis}`);
    assert.deepEqual(kept.data, given.data, "the statistics are in the JSON");
  }
});

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
    [() => integerLookup({ vocabulary: [1.5] }), /whole numbers .* received 1.5/],
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
