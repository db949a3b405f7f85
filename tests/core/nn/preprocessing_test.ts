/** Layers that prepare numbers: Keras's documented examples, formulas in float64, every device. */
import assert from "node:assert/strict";
import {
  categoryEncoding,
  discretization,
  input,
  integerLookup,
  type Layer,
  modelFromJson,
  modelToJson,
  normalization,
  predict,
  rescaling,
  sequential,
} from "../../../mod.ts";
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
