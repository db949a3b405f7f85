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

/** What the seed 7 makes of the states of each sample at a step: 0, or 1 / (1 − rate). */
function maskOf(cell: "lstm" | "gru", rate: number, step: number): number[][] {
  // The key hangs on the seed, the factory's name and the dropout's.
  const kept = dropoutMask(nn.namedKey(7, `${cell}/recurrent_dropout`), [batch, units], step, rate);
  const flat = valuesOf(kept).map((value) => value / (1 - rate));
  return Array.from({ length: batch }, (_, row) => flat.slice(row * units, (row + 1) * units));
}

/** The outputs of a layer, by Keras's formulas with h · mask in the recurrent products. */
function unrolled(
  cell: "lstm" | "gru",
  { kernel, recurrent_kernel, bias }: Record<string, Tensor>,
  x: Tensor,
  mask: Tensor,
): Tensor {
  const part = (y: Tensor, place: number) =>
    slice(y, [0, place * units], [batch, (place + 1) * units]);
  const states: Tensor[] = [];
  let h: Tensor = tensor(new Float32Array(batch * units), { shape: [batch, units] });
  let c = h;
  for (let step = 0; step < steps; step++) {
    const now = reshape(slice(x, [0, step, 0], [batch, step + 1, features]), [batch, features]);
    const given = matmul(now, kernel);
    const back = matmul(mul(h, mask), recurrent_kernel);
    if (cell === "lstm") {
      const sums = add(add(given, back), bias);
      const [i, f, o] = [0, 1, 3].map((place) => sigmoid(part(sums, place)));
      c = add(mul(f, c), mul(i, tanh(part(sums, 2))));
      h = mul(o, tanh(c));
    } else {
      const [first, second] = [0, 1].map((row) =>
        reshape(slice(bias, [row, 0], [row + 1, 3 * units]), [1, 3 * units])
      );
      const [a, b] = [add(given, first), add(back, second)];
      const [z, r] = [0, 1].map((place) => sigmoid(add(part(a, place), part(b, place))));
      const g = tanh(add(part(a, 2), mul(r, part(b, 2))));
      h = add(mul(z, h), mul(sub(1, z), g));
    }
    states.push(h);
  }
  return stack(states, 1);
}

await testOnDevices("recurrentDropout is the formula, and so are its gradients", async (device) => {
  const made = (["lstm", "gru"] as const).map((cell) => {
    const layer = nn[cell](units, { recurrentDropout: 0.4, seed: 7, returnSequences: true });
    const weights = Object.fromEntries(
      layer.init([steps, features], key).parameters.map(({ name, shape }, place) => [
        name,
        numbers(shape, place),
      ]),
    );
    const x = numbers([batch, steps, features], 9);
    const mask = tensor(maskOf(cell, 0.4, 0));
    const context = Object.assign(new TestContext(true), {
      counter: tensor(0, { dtype: "u32" }),
      scalar: () => tensor(0.4),
    });
    const tensors = [layer.apply(weights, x, context), unrolled(cell, weights, x, mask)].map((
      y,
    ) => [
      y,
      ...gradients(mul(y, numbers(y.shape, 5)).sum(), [x, ...Object.values(weights)]),
    ]);
    return { cell, tensors };
  });
  const found = await evaluateOn(device, made.flatMap(({ tensors }) => tensors[0]));
  for (const { cell, tensors: [mine, formula] } of made) {
    const expected = await evaluateOn({ device: "reference" }, formula);
    found.splice(0, mine.length).forEach((values, place) =>
      assertClose(values, expected[place], 5e-5, `${cell}, tensor ${place}`)
    );
  }
});

Deno.test("a sample loses the same states at all steps, others at the next step, none in inference", () => {
  const masks = [0, 1].map((step) => maskOf("gru", 0.5, step));
  const share = masks[0].flat().filter((value) => value === 0).length / (batch * units);
  assert(share > 0.2 && share < 0.8, `${share}`);
  assert(masks.flat(2).every((value) => value === 0 || Math.abs(value - 2) < 1e-6));
  assert.notDeepEqual(masks[0], masks[1]);
  assert.notDeepEqual(masks[0][0], masks[0][1]);

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
