/** Layers of one's own cells: against the layers with kernels, and against loops. */
import assert from "node:assert/strict";
import type { Tensor } from "../../../core/graph/tensor.ts";
import * as nn from "../../../core/nn/mod.ts";
import { add, gradients, greater, matmul, mul, sum, tanh, tensor } from "../../../core/ops/mod.ts";
import { evaluateOn, testOnDevices } from "../../devices.ts";
import { assertClose } from "./close.ts";
import { TestContext, valuesOf } from "./context.ts";

const key = nn.namedKey(1, "layer");
const [batch, steps, features, units] = [3, 4, 2, 5];

/** simpleRnn's cell. */
const simpleCell: nn.RecurrentCell<"h"> = {
  type: "SimpleCell",
  states: ["h"],
  stateShapes: () => ({ h: [units] }),
  outputShape: () => [units],
  parameters([width], key) {
    const whole = nn.simpleRnn(units).init([1, width], key).parameters;
    return whole;
  },
  step({ kernel, recurrent_kernel, bias }, x, { h }) {
    const next = tanh(add(add(matmul(x, kernel), matmul(h, recurrent_kernel)), bias));
    return { output: next, states: { h: next } };
  },
};

/** What it has seen, and how often: outputs are sums times counts. */
const countingCell: nn.RecurrentCell<"seen" | "count"> = {
  type: "Counting",
  states: ["seen", "count"],
  stateShapes: (shape) => ({ seen: shape, count: [1] }),
  outputShape: (shape) => shape,
  parameters: () => [],
  step(_parameters, x, { seen, count }) {
    const states = { seen: add(seen, x), count: add(count, 1) };
    return { output: mul(states.seen, states.count), states };
  },
};

function numbers(shape: readonly number[], seed: number): Tensor {
  const size = shape.reduce((product, one) => product * one, 1);
  const data = Float32Array.from({ length: size }, (_, i) => Math.sin(i * i + seed));
  return tensor(data, { shape: [...shape] });
}

const settings: [
  options: nn.RnnOptions & { returnState?: false },
  masked: boolean,
  begun: boolean,
][] = [
  [{}, false, false],
  [{ returnSequences: true, goBackwards: true }, true, false],
  [{ returnSequences: true, zeroOutputForMask: true }, true, true],
  [{}, true, true],
];

await testOnDevices(
  "rnn of simpleRnn's cell gives simpleRnn's outputs and gradients",
  async (device) => {
    const made = settings.map(([options, masked, begun]) =>
      [nn.rnn(simpleCell, options), nn.simpleRnn(units, options)].map((layer) => {
        const { parameters, outputShape } = layer.init([steps, features], key);
        const weights = Object.fromEntries(
          parameters.map(({ name, shape }, place) => [name, numbers(shape, place)]),
        );
        const inputs = [numbers([batch, steps, features], 9), numbers([batch, units], 8)];
        const context = new TestContext(true);
        if (masked) {
          context.masks = [greater(tensor([[1, 1, 0, 0], [0, 1, 0, 1], [1, 1, 1, 1]]), 0)];
        }
        const given = begun ? inputs : inputs.slice(0, 1);
        const y = layer.apply(weights, given, context);
        assert.deepEqual([batch, ...outputShape], y.shape);
        const sources = [...given, ...Object.values(weights)];
        return [y, ...gradients(sum(mul(y, numbers(y.shape, 5))), sources)];
      })
    );
    const found = await evaluateOn(device, made.flat(2));
    made.forEach(([mine], place) => {
      const own = found.splice(0, mine.length);
      found.splice(0, mine.length).forEach((values, at) =>
        assertClose(own[at], [...values], 2e-5, `settings ${place}, tensor ${at}`)
      );
    });
  },
);

Deno.test("states have shapes of their own, and are given by name", () => {
  const x = numbers([2, 3, 4], 1);
  const layer = nn.rnn(countingCell, { returnState: true, returnSequences: true });
  const { outputShape } = layer.init([[3, 4]], key);
  assert.deepEqual(outputShape, { outputs: [3, 4], seen: [4], count: [1] });
  const begun = [numbers([2, 4], 7), tensor([[2], [5]])];
  const made = layer.apply({}, [x, ...begun], new TestContext(false));
  const [given, start] = [valuesOf(x), valuesOf(begun[0])];
  const sums = Array.from({ length: 24 }, (_, e) => {
    const [row, step, column] = [Math.floor(e / 12), Math.floor(e / 4) % 3, e % 4];
    let total = start[row * 4 + column];
    for (let at = 0; at <= step; at++) total += given[row * 12 + at * 4 + column];
    return total * ((row === 0 ? 2 : 5) + step + 1);
  });
  assertClose(valuesOf(made.outputs), sums, 1e-6);
  assert.deepEqual(valuesOf(made.count), [5, 8]);
  assert.deepEqual(made.seen.shape, [2, 4]);
  const [a, b, c] = [nn.input([3, 4]), nn.input([4]), nn.input([1])];
  const told = nn.connect([a, b, c], nn.rnn(countingCell, { returnState: true }));
  const model = nn.functional({
    inputs: { a, b, c },
    outputs: { seen: told.seen, y: told.outputs },
  });
  assert.deepEqual(model.outputShape, { seen: [4], y: [4] });
  const both = nn.sequential([nn.input([3, 4]), nn.bidirectional(nn.rnn(countingCell))]);
  assert.deepEqual(both.outputShape, [8]);
});

Deno.test("steps of both directions meet, whatever a step takes and gives", () => {
  const [rows, columns] = [2, 3];
  /** Adds up all numbers of what it has seen. */
  const cell: nn.RecurrentCell<"total"> = {
    type: "Adding",
    states: ["total"],
    stateShapes: () => ({ total: [1] }),
    outputShape: () => [1],
    parameters: () => [],
    step(_parameters, x, { total }) {
      const axes = x.shape.map((_, axis) => axis).slice(1);
      const next = add(total, sum(x, axes).reshape([x.shape[0], 1]));
      return { output: next, states: { total: next } };
    },
  };
  for (const shape of [[], [columns], [rows, columns], [rows, columns, 1]]) {
    const x = tensor(Float32Array.from({ length: steps }, (_, at) => at + 1), {
      shape: [1, steps, ...shape.map(() => 1)],
    }).add(numbers([...shape], 1).mul(0));
    const size = shape.reduce((product, one) => product * one, 1);
    for (const returnSequences of [true, false]) {
      const layer = nn.bidirectional(nn.rnn(cell, { returnSequences }));
      const { outputShape } = layer.init([steps, ...shape], key);
      const y = layer.apply({}, x, new TestContext(false));
      assert.deepEqual(y.shape, [1, ...outputShape]);
      const expected = returnSequences ? [1, 10, 3, 9, 6, 7, 10, 4] : [10, 10];
      assert.deepEqual(valuesOf(y), expected.map((value) => value * size));
    }
  }
});

Deno.test("rnn refuses what is no cell, and cells that do not do what they say", () => {
  assert.throws(() => nn.rnn({} as never), /needs a cell with a step.*received object/);
  assert.throws(() => nn.rnn(nn.dense(3) as never), /needs a cell/);
  assert.throws(
    () => nn.rnn({ ...simpleCell, states: ["outputs"] as never }),
    /none is outputs: received the states \["outputs"\]/,
  );
  const model = (cell: nn.RecurrentCell) => nn.sequential([nn.input([3, 4]), nn.rnn(cell)]);
  const wrong = { ...countingCell, stateShapes: () => ({ seen: [4], count: [2] }) };
  const x = numbers([2, 3, 4], 1);
  assert.throws(
    () =>
      nn.rnn(wrong).apply({}, [x, numbers([2, 4], 1), numbers([2, 1], 1)], new TestContext(false)),
    /states to begin with, or seen and count behind the input, of \[2, 4\] and \[2, 2\]: got/,
  );
  assert.throws(
    () => nn.rnn({ ...countingCell, outputShape: () => [7] }).apply({}, x, new TestContext(false)),
    /whose step gives the output of \[2, 7\], as it says, got \[2, 4\]/,
  );
  assert.throws(
    () => model(countingCell as never) && nn.rnn(countingCell).init([], key),
    /axis of steps/,
  );
});
