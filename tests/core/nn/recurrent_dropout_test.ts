/** recurrentDropout against the published formula, step by step in other ops, on every device. */
import assert from "node:assert/strict";
import type { Tensor } from "../../../core/graph/tensor.ts";
import * as nn from "../../../core/nn/mod.ts";
import {
  add,
  dropoutMask,
  gradients,
  matmul,
  mul,
  reshape,
  sigmoid,
  slice,
  stack,
  sub,
  tanh,
  tensor,
} from "../../../core/ops/mod.ts";
import { evaluateOn, testOnDevices } from "../../devices.ts";
import { assertClose } from "./close.ts";
import { TestContext, valuesOf } from "./context.ts";

const key = nn.namedKey(1, "layer");
let manyRows: ReturnType<typeof evaluateOn> | undefined;
const [batch, steps, features, units] = [5, 4, 3, 6];

function numbers(shape: readonly number[], seed: number): Tensor {
  const size = shape.reduce((product, one) => product * one, 1);
  const data = Float32Array.from({ length: size }, (_, i) => Math.sin(i * i + seed));
  return tensor(data, { shape: [...shape] });
}

type Cell = "simpleRnn" | "lstm" | "gru";

/** Blocks of the kernels, which have a mask each: of gru z, r and the candidate. */
const blocks = { simpleRnn: 1, lstm: 4, gru: 3 } as const;

/** What the seed 7 leaves of `columns` numbers of each sample at a step: 0, or 1 / (1 − rate). */
function maskOf(
  cell: Cell,
  name: "dropout" | "recurrent_dropout",
  columns: number,
  rate: number,
  step: number,
): number[][] {
  // The key hangs on the seed, the factory's name and the dropout's.
  const shape = name === "dropout" ? [batch, 1, columns] : [batch, columns];
  const kept = dropoutMask(nn.namedKey(7, `${cell}/${name}`), shape, step, rate);
  const flat = valuesOf(kept).map((value) => value / (1 - rate));
  return Array.from({ length: batch }, (_, row) => flat.slice(row * columns, (row + 1) * columns));
}

/** The outputs of a layer, by Keras's formulas: every gate sees its own part of x and of h. */
function unrolled(
  cell: Cell,
  { kernel, recurrent_kernel, bias }: Record<string, Tensor>,
  x: Tensor,
  ofInputs: Tensor | undefined,
  ofStates: Tensor | undefined,
): Tensor {
  const part = (y: Tensor, place: number, size = units) =>
    slice(y, [0, place * size], [y.shape[0], (place + 1) * size]);
  // The op has gru's candidate in front, and so has its mask of the inputs.
  const inputAt = (gate: number) => cell === "gru" && bias.rank === 2 ? (gate + 1) % 3 : gate;
  const masked = (y: Tensor, mask: Tensor | undefined, gate: number) =>
    mask ? mul(y, part(mask, mask.shape[1] === y.shape[1] ? 0 : gate, y.shape[1])) : y;
  const states: Tensor[] = [];
  let h: Tensor = tensor(new Float32Array(batch * units), { shape: [batch, units] });
  let c = h;
  for (let step = 0; step < steps; step++) {
    const now = reshape(slice(x, [0, step, 0], [batch, step + 1, features]), [batch, features]);
    const gates = Array.from({ length: blocks[cell] }, (_, gate) => gate);
    const given = gates.map((gate) =>
      matmul(masked(now, ofInputs, inputAt(gate)), part(kernel, gate))
    );
    const back = gates.map((gate) =>
      matmul(masked(h, ofStates, gate), part(recurrent_kernel, gate))
    );
    const biasOf = (row: number, gate: number) =>
      bias.rank === 1
        ? slice(bias, [gate * units], [(gate + 1) * units])
        : reshape(slice(bias, [row, gate * units], [row + 1, (gate + 1) * units]), [units]);
    const a = gates.map((gate) => add(given[gate], biasOf(0, gate)));
    if (cell === "simpleRnn") h = tanh(add(a[0], back[0]));
    else if (cell === "lstm") {
      const [i, f, g, o] = gates.map((gate) => add(a[gate], back[gate]));
      c = add(mul(sigmoid(f), c), mul(sigmoid(i), tanh(g)));
      h = mul(sigmoid(o), tanh(c));
    } else if (bias.rank === 1) {
      // The reset gate scales the state before the product.
      const [z, r] = [0, 1].map((gate) => sigmoid(add(a[gate], back[gate])));
      const seen = masked(mul(r, h), ofStates, 2);
      const g = tanh(add(a[2], matmul(seen, part(recurrent_kernel, 2))));
      h = add(mul(z, h), mul(sub(1, z), g));
    } else {
      const b = gates.map((gate) => add(back[gate], biasOf(1, gate)));
      const [z, r] = [0, 1].map((gate) => sigmoid(add(a[gate], b[gate])));
      const g = tanh(add(a[2], mul(r, b[2])));
      h = add(mul(z, h), mul(sub(1, z), g));
    }
    states.push(h);
  }
  return stack(states, 1);
}

/** Rates: of states alone, of both, and of inputs alone, whose mask all gates share. */
const settings = [
  { cell: "lstm", recurrentDropout: 0.4 },
  { cell: "gru", recurrentDropout: 0.4, dropout: 0.25 },
  { cell: "lstm", recurrentDropout: 0.25, dropout: 0.4 },
  { cell: "gru", dropout: 0.4 },
  { cell: "gru", recurrentDropout: 0.4, dropout: 0.25, resetAfter: false },
  { cell: "simpleRnn", recurrentDropout: 0.4, dropout: 0.4 },
] as const;

await testOnDevices(
  "dropouts of inputs and states are Keras's, and their gradients",
  async (device) => {
    // Kernels take a software adapter long to compile.
    const chosen = device.device === "webgpu" ? settings.slice(1, 2) : settings;
    const made = chosen.map(({ cell, ...rates }) => {
      const { dropout = 0, recurrentDropout = 0 } = rates as nn.GruOptions & {
        dropout?: number;
        recurrentDropout?: number;
      };
      const make: (units: number, options: nn.GruOptions & { returnState?: false }) => nn.Layer =
        nn[cell];
      const layer = make(units, { ...rates, seed: 7, returnSequences: true });
      const weights = Object.fromEntries(
        layer.init([steps, features], key).parameters.map(({ name, shape }, place) => [
          name,
          numbers(shape, place),
        ]),
      );
      const x = numbers([batch, steps, features], 9);
      const views = recurrentDropout ? blocks[cell] : 1;
      const ofInputs = dropout
        ? tensor(maskOf(cell, "dropout", views * features, dropout, 0))
        : undefined;
      const ofStates = recurrentDropout
        ? tensor(maskOf(cell, "recurrent_dropout", blocks[cell] * units, recurrentDropout, 0))
        : undefined;
      const context = Object.assign(new TestContext(true), {
        counter: tensor(0, { dtype: "u32" }),
        scalar: (source: nn.ScalarSource) => tensor(source as number),
      });
      const outputs = [
        layer.apply(weights, x, context),
        unrolled(cell, weights, x, ofInputs, ofStates),
      ];
      const tensors = outputs.map((y) => [
        y,
        ...gradients(mul(y, numbers(y.shape, 5)).sum(), [x, ...Object.values(weights)]),
      ]);
      return { what: JSON.stringify({ cell, ...rates }), tensors };
    });
    const found = await evaluateOn(device, made.flatMap(({ tensors }) => tensors[0]));
    for (const { what, tensors: [mine, formula] } of made) {
      const expected = await evaluateOn({ device: "reference" }, formula);
      found.splice(0, mine.length).forEach((values, place) =>
        assertClose(values, expected[place], 5e-5, `${what}, tensor ${place}`)
      );
    }
  },
);

Deno.test("a sample loses the same states at all steps, others at the next step, none in inference", () => {
  const columns = 3 * units;
  const masks = [0, 1].map((step) => maskOf("gru", "recurrent_dropout", columns, 0.5, step));
  const share = masks[0].flat().filter((value) => value === 0).length / (batch * columns);
  assert(share > 0.2 && share < 0.8, `${share}`);
  assert(masks.flat(2).every((value) => value === 0 || Math.abs(value - 2) < 1e-6));
  assert.notDeepEqual(masks[0], masks[1]);
  assert.notDeepEqual(masks[0][0], masks[0][1]);
  assert.notDeepEqual(masks[0][0].slice(0, units), masks[0][0].slice(units, 2 * units));

  // h = x + mask · h: what is kept goes on doubling, what is not begins anew.
  const layer = nn.simpleRnn(units, {
    activation: "linear",
    useBias: false,
    returnSequences: true,
    recurrentDropout: nn.hyperparameter(0.5),
  });
  const identity = tensor(
    Array.from({ length: units }, (_, i) => Array.from({ length: units }, (_, j) => +(i === j))),
  );
  const x = tensor(new Float32Array(batch * steps * units).fill(1), {
    shape: [batch, steps, units],
  });
  const outputs = (training: boolean) => {
    const context = new TestContext(training);
    const y = layer.apply({ kernel: identity, recurrent_kernel: identity }, x, context);
    return valuesOf(y, context.bindings(3));
  };
  assert.deepEqual(outputs(false).slice(0, 2 * units), [
    ...Array(units).fill(1),
    ...Array(units).fill(2),
  ]);
  const trained = outputs(true);
  let kept = 0;
  for (let row = 0; row < batch; row++) {
    for (let unit = 0; unit < units; unit++) {
      const line = Array.from(
        { length: steps },
        (_, step) => trained[(row * steps + step) * units + unit],
      );
      const isKept = line[1] !== 1;
      kept += Number(isKept);
      assertClose(line, isKept ? [1, 3, 7, 15] : [1, 1, 1, 1], 1e-6);
    }
  }
  assert(kept > 0 && kept < batch * units);
  assert.throws(() => nn.lstm(4, { recurrentDropout: -1 }), /the recurrentDropout of lstm/);
});

await testOnDevices("many rows are right, which a thread takes in blocks", async (device) => {
  // 262,144 bytes hold 1,024 rows of these units forward, and 341 backward.
  const [rows, wide] = [1100, 64];
  const layer = nn.lstm(wide, { recurrentDropout: 0.5, seed: 2 });
  const context = Object.assign(new TestContext(true), {
    counter: tensor(0, { dtype: "u32" }),
    scalar: () => tensor(0.5),
  });
  const weights = Object.fromEntries(
    layer.init([2, 3], key).parameters.map(({ name, shape }, place) => [
      name,
      mul(numbers(shape, place), 0.2),
    ]),
  );
  const [x, h, c] = [[rows, 2, 3], [rows, wide], [rows, wide]].map(numbers);
  const y = layer.apply(weights, [x, h, c], context);
  const tensors = [y, ...gradients(mul(y, numbers(y.shape, 5)).sum(), [weights.kernel, h, c])];
  const expected = await (manyRows ??= evaluateOn({ device: "reference" }, tensors));
  (await evaluateOn(device, tensors)).forEach((values, place) =>
    assertClose(values, expected[place], 2e-4, `tensor ${place}`)
  );
});
