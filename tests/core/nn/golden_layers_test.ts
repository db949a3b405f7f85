import assert from "node:assert/strict";
import { evaluateReference } from "../../../core/cpu/reference.ts";
import type { ReferenceArray } from "../../../core/graph/operation.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import {
  type ActivationFunction,
  type ActivationName,
  activationOf,
  dense,
} from "../../../core/nn/mod.ts";
import { gelu, gradients, leakyRelu } from "../../../core/ops/mod.ts";
import layersJson from "../../golden/layers.json" with { type: "json" };
import { assertClose } from "./close.ts";
import { bound, TestContext } from "./context.ts";
import type { GoldenTensor } from "./golden.ts";

interface LayerCase {
  output: GoldenTensor;
  inputGradient: GoldenTensor;
  kernelGradient: GoldenTensor;
  biasGradient: GoldenTensor;
  points?: { x: GoldenTensor; y: GoldenTensor; derivative: GoldenTensor };
}

const { given, cases } = layersJson as unknown as {
  given: Record<"input" | "kernel" | "bias" | "upstream", GoldenTensor>;
  cases: Record<string, LayerCase>;
};

const activations: Record<string, ActivationName | ActivationFunction> = {
  linear: "linear",
  sigmoid: "sigmoid",
  tanh: "tanh",
  relu: "relu",
  "leakyRelu_0.3": "leakyRelu",
  "leakyRelu_0.01": (x) => leakyRelu(x, 0.01),
  elu: "elu",
  gelu: "gelu",
  gelu_tanh: (x) => gelu(x, { approximate: true }),
  softmax: "softmax",
  logSoftmax: "logSoftmax",
};

Deno.test("every golden layer is compared", () => {
  assert.deepEqual(Object.keys(activations).sort(), Object.keys(cases).sort());
});

for (const [name, activation] of Object.entries(activations)) {
  Deno.test(`dense with ${name} gives the golden outputs and gradients`, () => {
    const bindings = new Map<Tensor, ReferenceArray>();
    const leaf = ({ shape, data }: GoldenTensor) => bound(bindings, shape, data);
    const [x, kernel, bias] = [given.input, given.kernel, given.bias].map(leaf);
    const output = dense(6, { activation }).apply({ kernel, bias }, x, new TestContext());
    const slopes = gradients(output, [x, kernel, bias], leaf(given.upstream));
    const values = evaluateReference([output, ...slopes], bindings);
    const { output: y, inputGradient, kernelGradient, biasGradient } = cases[name];
    [y, inputGradient, kernelGradient, biasGradient].forEach((expected, index) =>
      assertClose(values[index].data, expected.data, 1e-12, `value ${index}`)
    );
  });

  const points = cases[name].points;
  if (!points) continue;
  Deno.test(`${name} is right at awkward points`, () => {
    const bindings = new Map<Tensor, ReferenceArray>();
    const x = bound(bindings, points.x.shape, points.x.data);
    const y = activationOf(activation)(x);
    const [value, slope] = evaluateReference([y, ...gradients(y, [x])], bindings);
    assertClose(value.data, points.y.data, 1e-12, "value");
    assertClose(slope.data, points.derivative.data, 1e-12, "derivative");
  });
}
