/** Dense layers over any axes against PyTorch's sums of products. */
import assert from "node:assert/strict";
import golden from "../../golden/einsum.json" with { type: "json" };
import * as nn from "../../../core/nn/mod.ts";
import { einsumDense, gradients, input, sequential, tensor } from "../../../mod.ts";
import { evaluateOn, testOnDevices } from "../../devices.ts";
import { assertClose } from "./close.ts";
import { TestContext, valuesOf } from "./context.ts";
import { type GoldenCase, goldenLeaf } from "./golden.ts";

interface Case extends GoldenCase {
  equation: string;
  outputShape: (number | null)[];
  biasAxes: string;
}

const cases = golden.cases as unknown as Case[];

await testOnDevices("sums of products and their gradients are PyTorch's", async (device) => {
  // Kernels take a software adapter long to compile.
  const chosen = device.device === "webgpu" ? cases.slice(2, 6) : cases;
  const made = chosen.map((given) => {
    const layer = einsumDense(given.equation, given.outputShape, { biasAxes: given.biasAxes });
    const start = layer.init(given.input.shape.slice(1), nn.namedKey(1, "layer"));
    assert.deepEqual(start.outputShape, given.output.shape.slice(1), given.equation);
    assert.deepEqual(
      start.parameters.map(({ name, shape }) => [name, shape]),
      Object.entries(given.weights).map(([role, { shape }]) => [role, shape]),
      given.equation,
    );
    const weights = Object.fromEntries(
      Object.entries(given.weights).map(([role, value]) => [role, goldenLeaf(value)]),
    );
    const x = goldenLeaf(given.input);
    const y = layer.apply(weights, x, new TestContext(true));
    const sources = Object.keys(given.gradients).map((role) =>
      role === "input" ? x : weights[role]
    );
    return [y, ...gradients(y, sources, goldenLeaf(given.upstream))];
  });
  const found = await evaluateOn(device, made.flat());
  for (const given of chosen) {
    assertClose(found.shift()!, given.output.data, 2e-5, given.equation);
    for (const [role, { data }] of Object.entries(given.gradients)) {
      assertClose(found.shift()!, data, 5e-5, `${given.equation}, gradient of ${role}`);
    }
  }
});

Deno.test("einsumDense passes a mask on where steps stay in their place", () => {
  const steps = tensor([[1, 2, 0], [3, 0, 0]]);
  const maskBehind = (layer: nn.Layer) => {
    const model = sequential([input([3]), nn.embedding(4, 5, { maskZero: true }), layer]);
    const values = new Map(
      model.parameters.map((weight) => [weight, tensor(weight.value, { shape: weight.shape })]),
    );
    const mask = model.applyMasked(values, steps, new TestContext(false)).masks.get(null);
    return mask && valuesOf(mask);
  };
  assert.deepEqual(maskBehind(einsumDense("abc,cd->abd", [3, 2])), [1, 1, 0, 1, 0, 0]);
  assert.deepEqual(maskBehind(einsumDense("...c,cd->...d", 2)), [1, 1, 0, 1, 0, 0]);
  assert.equal(maskBehind(einsumDense("abc,cd->adb", [2, 3])), undefined);
});

Deno.test("equations that are none, and sizes that do not fit, are refused", () => {
  const refused = (equation: string, what: RegExp, sizes: (number | null)[] = [2]) =>
    assert.throws(() => einsumDense(equation, sizes), what, equation);
  refused("ab,bc", /must be like ab,bc->ac .*received "ab,bc"/);
  refused("abb,bc->ac", /name an axis of inputs, kernel or outputs once/);
  refused("ab,bc->ad", /give outputs axes of inputs and kernel alone/);
  refused("ab,bc->ca", /must keep the first axis/);
  refused("ab,abc->ac", /must keep the first axis, that of samples, in its place, and out of the/);
  refused("...b,bc->c...", /leave axes out by \.\.\. at the same end/);
  refused("ab,bc->ac", /outputShape must be whole numbers from 1, or null: received 0/, [0]);
  const bias = (biasAxes: string) => () => einsumDense("ab,bc->ac", 2, { biasAxes });
  for (const axes of ["a", "b", "cc", "."]) assert.throws(bias(axes), /biasAxes must be letters/);
  const model = (shape: number[], ...given: Parameters<typeof einsumDense>) =>
    sequential([input(shape), einsumDense(...given)]);
  assert.throws(
    () => model([3, 4], "ab,bc->ac", 2),
    /einsum_dense_1: expected input with the axes ab, that of samples included, got 3 axes/,
  );
  assert.throws(() => model([3, 4], "abc,cd->abd", 2), /sizes for b, d, got 1 sizes/);
  assert.throws(
    () => model([3, 4], "abc,cd->abd", [5, 2]),
    /expected an outputShape of 3 for b, got 5 for inputs of \[3, 4\]/,
  );
  assert.throws(() => model([3, 4], "abc,cd->abd", [3, null]), /of a number for d, got null/);
  assert.throws(() => model([3, 4], "abc,ce->ab", [3]), /got none for its axis e/);
});
