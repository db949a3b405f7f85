/** Convolutional LSTM against PyTorch. */
import assert from "node:assert/strict";
import golden from "../../golden/conv_lstm.json" with { type: "json" };
import { Tensor } from "../../../core/graph/tensor.ts";
import * as nn from "../../../core/nn/mod.ts";
import {
  add,
  concat,
  convLstm1d,
  convLstm2d,
  convLstm3d,
  dropoutMask,
  gradients,
  greater,
  input,
  matmul,
  mul,
  reshape,
  sequential,
  sigmoid,
  slice,
  tanh,
  tensor,
} from "../../../mod.ts";
import { evaluateOn, testOnDevices } from "../../devices.ts";
import { assertClose } from "./close.ts";
import { TestContext, valuesOf } from "./context.ts";
import { type GoldenCase, goldenLeaf, type GoldenTensor } from "./golden.ts";

const key = nn.namedKey(3, "layer");

interface Case extends Omit<GoldenCase, "output"> {
  filters: number;
  options: nn.ConvLstmOptions;
  mask: number[][] | null;
  /** Shape of the outputs. */
  shape: number[];
  /** The outputs row by row, and behind them the states that are returned. */
  output: GoldenTensor;
  /** States to begin with. */
  states: Record<string, GoldenTensor>;
  stateGradients: Record<string, GoldenTensor>;
}

const cases = golden.cases as unknown as Case[];
const layers = [convLstm1d, convLstm2d, convLstm3d];

await testOnDevices("convolutional LSTMs and their gradients are PyTorch's", async (device) => {
  // Kernels take a software adapter long to compile.
  const chosen = device.device === "webgpu" ? [cases[8]] : cases;
  const made = chosen.map((given) => {
    const layer = layers[given.input.shape.length - 4](given.filters, 3, given.options);
    const what = JSON.stringify([given.input.shape, given.options]);
    const states = Object.values(given.states).map(goldenLeaf);
    const x = goldenLeaf(given.input);
    const inputs = [x, ...states];
    const start = layer.init(inputs.map(({ shape }) => shape.slice(1)), key);
    const outputShape = given.shape.slice(1);
    const state = given.options.returnSequences ? outputShape.slice(1) : outputShape;
    assert.deepEqual(
      start.outputShape,
      given.options.returnState ? { outputs: outputShape, h: state, c: state } : outputShape,
      what,
    );
    assert.deepEqual(
      start.parameters.map(({ name, shape }) => [name, shape]),
      Object.entries(given.weights).map(([role, { shape }]) => [role, shape]),
      what,
    );
    const weights = Object.fromEntries(
      Object.entries(given.weights).map(([role, value]) => [role, goldenLeaf(value)]),
    );
    const context = new TestContext(true);
    if (given.mask) context.masks = [greater(tensor(given.mask), 0)];
    const outputs = layer.apply(weights, inputs, context);
    const parts = outputs instanceof Tensor ? [outputs] : Object.values(outputs);
    const y = concat(parts.map((one) => reshape(one, [one.size])));
    const sources = [x, ...Object.values(weights), ...states];
    return [y, ...gradients(y, sources, goldenLeaf(given.upstream))];
  });
  const found = await evaluateOn(device, made.flat());
  for (const given of chosen) {
    const what = JSON.stringify([given.input.shape, given.options]);
    assertClose(found.shift()!, given.output.data, 2e-5, what);
    for (
      const [role, { data }] of Object.entries({ ...given.gradients, ...given.stateGradients })
    ) {
      assertClose(found.shift()!, data, 1e-4, `${what}, gradient of ${role}`);
    }
  }
});

Deno.test("forget gates begin open, and recurrent kernels orthogonal", () => {
  const { parameters } = convLstm2d(2, 3).init([2, 4, 4, 1], key);
  const [, recurrent, bias] = parameters.map(({ values }) => [...values]);
  assert.deepEqual(bias, [0, 0, 1, 1, 0, 0, 0, 0]);
  // 18 rows of 8 columns: columns have length 1 and stand upright on each other.
  for (const [a, b] of [[0, 0], [0, 1], [3, 7], [5, 5]]) {
    const dot = Array.from(
      { length: 18 },
      (_, row) => recurrent[row * 8 + a] * recurrent[row * 8 + b],
    )
      .reduce((sum, value) => sum + value);
    assert(Math.abs(dot - Number(a === b)) < 1e-5, `${a} and ${b}: ${dot}`);
  }
});

/** What a seed makes of numbers at a step: 0, or 1 / (1 − rate), for each gate side by side. */
function maskOf(name: string, shape: number[], rate: number): Tensor {
  return tensor(valuesOf(dropoutMask(nn.namedKey(4, `convLstm2d/${name}`), shape, 0, rate)), {
    shape,
  })
    .div(1 - rate);
}

await testOnDevices("dropout tosses parts for each gate, the same at all steps", async (device) => {
  const [batch, steps, side, channels, filters] = [3, 3, 2, 2, 2];
  const layer = convLstm2d(filters, 1, { dropout: 0.5, recurrentDropout: 0.25, seed: 4 });
  const { parameters } = layer.init([steps, side, side, channels], key);
  const [kernel, recurrent, bias] = parameters.map(({ shape, values }) =>
    tensor(values, { shape })
  );
  const x = tensor(
    Array.from({ length: batch * steps * side * side * channels }, (_, at) => Math.sin(at * at)),
    { shape: [batch, steps, side, side, channels] },
  );
  const context = Object.assign(new TestContext(true), {
    counter: tensor(0, { dtype: "u32" }),
    scalar: (source: nn.ScalarSource) => tensor(source as number),
  });
  const weights = { kernel, recurrent_kernel: recurrent, bias };
  const y = layer.apply(weights, x, context);

  // Windows of one tap are matrix products at every place.
  const rows = batch * side * side;
  const inputMask = maskOf("dropout", [batch, 1, side, side, 4 * channels], 0.5);
  const stateMask = maskOf("recurrent_dropout", [batch, side, side, 4 * filters], 0.25);
  const part = (z: Tensor, place: number, width: number) =>
    slice(reshape(z, [z.size / (4 * width), 4 * width]), [0, place * width], [
      z.size / (4 * width),
      (place + 1) * width,
    ]);
  let h: Tensor = tensor(new Float32Array(rows * filters), { shape: [rows, filters] });
  let c = h;
  for (let step = 0; step < steps; step++) {
    const now = slice(x, [0, step, 0, 0, 0], [batch, step + 1, side, side, channels]);
    const sums = [0, 1, 2, 3].map((place) =>
      add(
        add(
          matmul(
            mul(reshape(now, [rows, channels]), part(inputMask, place, channels)),
            part(kernel, place, filters),
          ),
          matmul(mul(h, part(stateMask, place, filters)), part(recurrent, place, filters)),
        ),
        slice(bias, [place * filters], [(place + 1) * filters]),
      )
    );
    c = add(mul(sigmoid(sums[1]), c), mul(sigmoid(sums[0]), tanh(sums[2])));
    h = mul(sigmoid(sums[3]), tanh(c));
  }
  const sources = [x, kernel, recurrent, bias];
  const both = [y, h].map((z) => [z, ...gradients(mul(z, z).sum(), sources)]);
  const expected = await evaluateOn({ device: "reference" }, both[1]);
  (await evaluateOn(device, both[0])).forEach((values, place) =>
    assertClose(values, expected[place], 5e-5, `tensor ${place}`)
  );

  const outputs = (training: boolean, step = 0) => {
    const own = new TestContext(training);
    return valuesOf(layer.apply(weights, x, own), own.bindings(step));
  };
  assert.deepEqual(outputs(true), outputs(true));
  assert.notDeepEqual(outputs(true), outputs(true, 1));
  assert.notDeepEqual(outputs(true), outputs(false));
});

Deno.test("films of other shapes, and options out of range, are refused", () => {
  assert.throws(
    () => sequential([input([4, 4, 1]), convLstm2d(2, 3)]),
    /conv_lstm2d_1: expected input of steps, height, width and channels, got shape/,
  );
  assert.throws(
    () => convLstm1d(2, 3).init([[4, 5, 1], [3, 2]], key),
    /expected no states .* or h and c behind the input, of \[3, 2\] each: got \[3, 2\]/,
  );
  assert.throws(
    () => convLstm3d(2, 3, { stateful: true }),
    /convLstm3d stateful .* give batchSize/,
  );
  assert.throws(() => convLstm2d(0, 3), /the filters of convLstm2d.*received 0/);
  assert.throws(() => convLstm2d(2, 3, { padding: "causal" }), /padding must be valid, same/);
  assert.throws(() => convLstm2d(2, 3, { dropout: 2 }), /the dropout of convLstm2d/);
  const kept = convLstm2d(2, 3, { returnSequences: true, padding: "same" });
  const mask = greater(tensor([[1, 0]]), 0);
  const film = tensor(new Float32Array(18), { shape: [1, 2, 3, 3, 1] });
  assert.deepEqual(valuesOf(kept.computeMask!(film, mask)!), [1, 0]);
  assert.equal(convLstm2d(2, 3).computeMask!(film, mask), undefined);
});
