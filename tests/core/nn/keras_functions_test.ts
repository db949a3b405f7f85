/** Activations, regularizers and constraints against Keras itself (tests/golden), on every device. */
import assert from "node:assert/strict";
import { evaluateReference } from "../../../core/cpu/reference.ts";
import type { ReferenceArray } from "../../../core/graph/operation.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import * as nn from "../../../core/nn/mod.ts";
import * as ops from "../../../core/ops/mod.ts";
import { evaluateOn, testOnDevices } from "../../devices.ts";
import functionsJson from "../../golden/keras_functions.json" with { type: "json" };
import { assertClose } from "./close.ts";
import { bound, TestContext } from "./context.ts";
import type { GoldenTensor } from "./golden.ts";

interface FunctionCase {
  readonly arguments: unknown;
  readonly value: GoldenTensor;
  readonly gradient: GoldenTensor;
}

const golden = functionsJson as unknown as {
  x: GoldenTensor;
  upstream: GoldenTensor;
  matrix: GoldenTensor;
  activations: Record<string, FunctionCase & { arguments: number[] }>;
  relus: (FunctionCase & { arguments: nn.ReluLayerOptions })[];
  regularizers: Record<string, { arguments: unknown[]; value: number; gradient: GoldenTensor }>;
  constraints: Record<string, { arguments: unknown[]; value: GoldenTensor }>;
};

type Leaf = (tensor: GoldenTensor) => Tensor;
type Made = (...values: unknown[]) => { apply(x: Tensor): Tensor };

/** What is computed, and what it should be: name, tensors, values. */
interface Case {
  readonly name: string;
  readonly build: (leaf: Leaf) => Tensor[];
  readonly expected: readonly (readonly number[])[];
}

function sloped(leaf: Leaf, { value }: FunctionCase, activate: (x: Tensor) => Tensor): Tensor[] {
  const x = leaf(golden.x);
  const y = activate(x);
  assert.deepEqual(y.shape, value.shape);
  const data = golden.upstream.data.slice(0, y.size);
  return [y, ...ops.gradients(y, [x], leaf({ shape: value.shape, data }))];
}

const cases: Case[] = [
  ...Object.entries(golden.activations).map(([name, one]): Case => {
    const activation = (ops as unknown as Record<string, (...values: unknown[]) => Tensor>)[
      name.split("_")[0]
    ];
    return {
      name: `activation ${name}`,
      build: (leaf) => sloped(leaf, one, (x) => activation(x, ...one.arguments)),
      expected: [one.value.data, one.gradient.data],
    };
  }),
  ...golden.relus.map((one): Case => ({
    name: `reluLayer of ${JSON.stringify(one.arguments)}`,
    build: (leaf) =>
      sloped(leaf, one, (x) => nn.reluLayer(one.arguments).apply({}, x, new TestContext())),
    expected: [one.value.data, one.gradient.data],
  })),
  ...Object.entries(golden.regularizers).map(([name, one]): Case => ({
    name: `regularizer ${name}`,
    build: (leaf) => {
      const matrix = leaf(golden.matrix);
      const factory = (nn as unknown as Record<string, Made>)[name.split("_")[0]];
      const penalty = factory(...one.arguments).apply(matrix);
      return [penalty, ...ops.gradients(penalty, [matrix])];
    },
    expected: [[one.value], one.gradient.data],
  })),
  ...Object.entries(golden.constraints).map(([name, one]): Case => ({
    name: `constraint ${name}`,
    build: (leaf) => {
      const factory = (nn as unknown as Record<string, Made>)[name.split("_")[0]];
      return [factory(...one.arguments).apply(leaf(golden.matrix))];
    },
    expected: [one.value.data],
  })),
];

for (const { name, build, expected } of cases) {
  Deno.test(`${name} is Keras's`, () => {
    const bindings = new Map<Tensor, ReferenceArray>();
    const outputs = build(({ shape, data }) => bound(bindings, shape, data));
    evaluateReference(outputs, bindings).forEach(({ data }, place) =>
      assertClose(data, expected[place], 1e-9, ["value", "gradient"][place])
    );
  });
}

await testOnDevices("activations, regularizers, constraints in float32", async (options) => {
  const built = cases.map(({ build }) =>
    build(({ shape, data }) => ops.tensor(data as number[], { shape }))
  );
  const results = await evaluateOn(options, built.flat());
  let next = 0;
  cases.forEach(({ name, expected }) =>
    expected.forEach((values) => assertClose(results[next++], values, 1e-5, name))
  );
});

Deno.test("defaults of names are those of the functions", () => {
  for (const name of nn.activationNames) {
    const golden_ = golden.activations[name === "exponential" ? "exp" : name];
    if (!golden_ || golden_.arguments.length > 0) continue;
    const bindings = new Map<Tensor, ReferenceArray>();
    const x = bound(bindings, golden.x.shape, golden.x.data);
    const [{ data }] = evaluateReference([nn.activationOf(name)(x)], bindings);
    assertClose(data, golden_.value.data, 1e-9, name);
  }
});

/** Sparsemax by the paper's algorithm: sort, find how many stay above the threshold. */
function sparsemaxOf(z: readonly number[]): number[] {
  const sorted = z.toSorted((a, b) => b - a);
  let [sum, threshold] = [0, 0];
  sorted.forEach((value, at) => {
    sum += value;
    if (1 + (at + 1) * value > sum) threshold = (sum - 1) / (at + 1);
  });
  return z.map((value) => Math.max(value - threshold, 0));
}

await testOnDevices("sparsemax is the nearest point of the simplex", async (options) => {
  const rows = Array.from(
    { length: 8 },
    (_, row) =>
      Array.from({ length: 7 }, (_, at) => Math.fround(Math.sin(row * 7.3 + at * at) * row / 2)),
  );
  // A class that is hidden.
  rows[5][2] = -Infinity;
  const x = ops.tensor(rows);
  const y = ops.sparsemax(x);
  // Its slope is that of x less its mean over what is not 0.
  const upstream = rows.map((row) => row.map((_, at) => Math.fround(Math.cos(at + row[0]))));
  const [slope] = ops.gradients(y, [x], ops.tensor(upstream));
  const turned = ops.sparsemax(ops.transpose(x), 0);
  const [values, slopes, columns] = await evaluateOn(options, [y, slope, ops.transpose(turned)]);
  const expected = rows.map(sparsemaxOf);
  assertClose(values, expected.flat(), 1e-5, "value");
  assertClose(columns, expected.flat(), 1e-5, "along axis 0");
  const expectedSlopes = expected.map((row, at) => {
    const inside = row.map((value) => value > 0 ? 1 : 0);
    const count = inside.reduce<number>((all, one) => all + one, 0);
    const mean = inside.reduce<number>((all, one, k) => all + one * upstream[at][k], 0) / count;
    return inside.map((one, k) => one * (upstream[at][k] - mean));
  });
  assertClose(slopes, expectedSlopes.flat(), 1e-5, "slope");
});

await testOnDevices("squareplus has slopes far from 0", async (options) => {
  const x = ops.tensor([-1e5, -1e4, 0, 1e4, 1e5, 1e9]);
  const y = ops.squareplus(x);
  const [values, slopes] = await evaluateOn(options, [y, ...ops.gradients(y, [x])]);
  assertClose(values, [1e-5, 1e-4, 1, 1e4, 1e5, 1e9], 1e-4, "value");
  assertClose(slopes, [0, 0, 0.5, 1, 1, 1], 1e-4, "slope");
});

await testOnDevices(
  "sine and cosine stay bounded and finite for large numbers",
  async (options) => {
    const given = [-3e4, 1e5, 1e7, -1e9, 1e20, 3e38];
    const x = ops.tensor(given);
    const [sines, cosines] = await evaluateOn(options, [ops.sin(x), ops.cos(x)]);
    for (const value of [...sines, ...cosines]) assert.ok(Math.abs(value) <= 1, `${value}`);
    assertClose(sines.slice(0, 2), given.slice(0, 2).map((v) => Math.sin(v)), 2e-6, "sine");
    assertClose(cosines.slice(0, 2), given.slice(0, 2).map((v) => Math.cos(v)), 2e-6, "cosine");
  },
);

const matrix = ops.tensor([[1, 2], [3, 4]]);

const refused: [name: string, make: () => unknown, message: RegExp][] = [
  ["a strength of −1", () => nn.l1(-1), /strength of l1 .*received -1/],
  ["a strength of NaN", () => nn.l1L2({ l2: NaN }), /strength of l2 .*received NaN/],
  [
    "an unknown mode",
    () => nn.orthogonalRegularizer({ mode: "row" as "rows" }),
    /mode must be "rows" or "columns": received row/,
  ],
  ["a vector", () => nn.orthogonalRegularizer().apply(ops.tensor([1, 2])), /received \[2\]/],
  ["a length of −1", () => nn.maxNorm({ maxValue: -1 }), /maxValue of maxNorm .*received -1/],
  ["crossed bounds", () => nn.minMaxNorm({ minValue: 2 }), /maxValue of .*at least 2: received 1/],
  ["an axis that is not there", () => nn.unitNorm({ axis: 2 }).apply(matrix), /axis.*2/],
  ["an odd size", () => ops.glu(ops.tensor([1, 2, 3])), /axis -1 must be even.*received \[3\]/],
  ["alpha 0", () => ops.celu(matrix, 0), /alpha must be a finite number.*received 0/],
  ["b of −1", () => ops.squareplus(matrix, -1), /b must be .*at least 0: received -1/],
  ["a threshold of −1", () => ops.softShrink(matrix, -1), /threshold must be .*received -1/],
  ["no threshold", () => ops.threshold(matrix, NaN, 0), /threshold must be .*received NaN/],
  ["a largest value of −1", () => nn.reluLayer({ maxValue: -1 }), /maxValue of .*received -1/],
];

for (const [name, make, message] of refused) {
  Deno.test(`refused: ${name}`, () => assert.throws(make, message));
}

Deno.test("the part of l1L2 that is not given is 0, and a constraint may hold weights below 1", () => {
  const x = ops.tensor([[3, 4]]);
  const values = (tensor: Tensor) => Array.from(evaluateReference([tensor])[0].data);
  assert.deepEqual(values(nn.l1L2({ l1: 0.5 }).apply(x)), [3.5]);
  assert.deepEqual(values(nn.l1L2({ l2: 0.5 }).apply(x)), [12.5]);
  assertClose(values(nn.maxNorm({ maxValue: 0.5, axis: 1 }).apply(x)), [0.3, 0.4], 1e-6);
});
