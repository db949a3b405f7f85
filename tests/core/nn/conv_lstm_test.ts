/** Convolutional LSTM against PyTorch. */
import assert from "node:assert/strict";
import golden from "../../golden/conv_lstm.json" with { type: "json" };
import * as nn from "../../../core/nn/mod.ts";
import { convLstm2d, gradients, greater, input, sequential, tensor } from "../../../mod.ts";
import { evaluateOn, testOnDevices } from "../../devices.ts";
import { assertClose } from "./close.ts";
import { TestContext, valuesOf } from "./context.ts";
import { evaluateReference } from "../../../core/cpu/reference.ts";
import { type GoldenCase, goldenLeaf } from "./golden.ts";

interface Case extends GoldenCase {
  filters: number;
  options: nn.ConvLstmOptions;
  mask: number[][] | null;
}

const cases = golden.cases as unknown as Case[];

await testOnDevices("a convolutional LSTM and its gradients are PyTorch's", async (device) => {
  // Kernels take a software adapter long to compile.
  const chosen = device.device === "webgpu" ? cases.slice(4, 5) : cases;
  const made = chosen.map((given) => {
    const layer = convLstm2d(given.filters, 3, given.options);
    const what = JSON.stringify(given.options);
    const start = layer.init(given.input.shape.slice(1), nn.namedKey(1, "layer"));
    assert.deepEqual(start.outputShape, given.output.shape.slice(1), what);
    assert.deepEqual(
      start.parameters.map(({ name, shape }) => [name, shape]),
      Object.entries(given.weights).map(([role, { shape }]) => [role, shape]),
      what,
    );
    const weights = Object.fromEntries(
      Object.entries(given.weights).map(([role, value]) => [role, goldenLeaf(value)]),
    );
    const x = goldenLeaf(given.input);
    const context = new TestContext(true);
    if (given.mask) context.masks = [greater(tensor(given.mask), 0)];
    const y = layer.apply(weights, x, context);
    const sources = Object.keys(given.gradients).map((role) =>
      role === "input" ? x : weights[role]
    );
    return [y, ...gradients(y, sources, goldenLeaf(given.upstream))];
  });
  const found = await evaluateOn(device, made.flat());
  for (const given of chosen) {
    const what = JSON.stringify(given.options);
    assertClose(found.shift()!, given.output.data, 2e-5, what);
    for (const [role, { data }] of Object.entries(given.gradients)) {
      assertClose(found.shift()!, data, 1e-4, `${what}, gradient of ${role}`);
    }
  }
});

Deno.test("forget gates begin open, and recurrent kernels orthogonal", () => {
  const { parameters } = convLstm2d(2, 3).init([2, 4, 4, 1], nn.namedKey(3, "layer"));
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

Deno.test("dropout tosses the same parts at all steps, in training alone", () => {
  const layer = convLstm2d(2, 1, { dropout: 0.5, recurrentDropout: 0.5, seed: 4 });
  const { parameters } = layer.init([3, 2, 2, 2], nn.namedKey(3, "layer"));
  const weights = Object.fromEntries(
    parameters.map(({ name, shape, values }) => [name, tensor(values, { shape })]),
  );
  const x = tensor(Array.from({ length: 48 }, (_, at) => Math.sin(at)), { shape: [2, 3, 2, 2, 2] });
  const outputs = (training: boolean, step = 0) => {
    const context = new TestContext(training);
    const y = layer.apply(weights, x, context);
    return [...evaluateReference([y], context.bindings(step))[0].data];
  };
  assert.deepEqual(outputs(true), outputs(true));
  assert.notDeepEqual(outputs(true), outputs(true, 1));
  assert.notDeepEqual(outputs(true), outputs(false));
  // A number that is tossed out at one step is so at all: the gradient with respect to it is 0 throughout.
  const context = new TestContext(true);
  const [slope] = gradients(layer.apply(weights, x, context), [x]);
  const { data } = evaluateReference([slope], context.bindings())[0];
  const tossed = Array.from({ length: 2 * 8 }, (_, part) => {
    const [sample, place] = [Math.floor(part / 8), part % 8];
    return [0, 1, 2].map((step) => data[(sample * 3 + step) * 8 + place] === 0);
  });
  assert(tossed.every(([first, ...rest]) => rest.every((gone) => gone === first)));
  assert(tossed.some(([gone]) => gone) && tossed.some(([gone]) => !gone));
});

Deno.test("films of other shapes, and options out of range, are refused", () => {
  assert.throws(
    () => sequential([input([4, 4, 1]), convLstm2d(2, 3)]),
    /conv_lstm2d_1: expected input of steps, height, width and channels, got shape/,
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
