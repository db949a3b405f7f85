import assert from "node:assert/strict";
import { evaluateReference } from "../../../core/cpu/reference.ts";
import type { ReferenceArray } from "../../../core/graph/operation.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import {
  binaryCrossentropy,
  categoricalCrossentropy,
  halfMeanSquaredError,
  huber,
  type Loss,
  meanAbsoluteError,
  meanSquaredError,
  sparseCategoricalCrossentropy,
} from "../../../core/nn/mod.ts";
import { gradients, mean } from "../../../core/ops/mod.ts";
import lossesJson from "../../golden/losses.json" with { type: "json" };
import { assertClose } from "./close.ts";
import { bound } from "./context.ts";
import type { GoldenTensor } from "./golden.ts";

const { cases } = lossesJson as unknown as {
  cases: Record<
    string,
    { prediction: GoldenTensor; target: GoldenTensor; loss: number; gradient: GoldenTensor }
  >;
};

const fromLogits = { fromLogits: true };

const losses: Record<string, Loss> = {
  meanSquaredError: meanSquaredError(),
  halfMeanSquaredError: halfMeanSquaredError(),
  halfSumSquaredError: halfMeanSquaredError({ sumOutputs: true }),
  meanAbsoluteError: meanAbsoluteError(),
  huber_1: huber(),
  binaryCrossentropy_probabilities: binaryCrossentropy(),
  binaryCrossentropy_logits: binaryCrossentropy(fromLogits),
  binaryCrossentropy_logits_extreme: binaryCrossentropy(fromLogits),
  categoricalCrossentropy_probabilities_normalised: categoricalCrossentropy(),
  categoricalCrossentropy_logits: categoricalCrossentropy(fromLogits),
  categoricalCrossentropy_logits_soft: categoricalCrossentropy(fromLogits),
  sparseCategoricalCrossentropy_probabilities_normalised: sparseCategoricalCrossentropy(),
  sparseCategoricalCrossentropy_logits: sparseCategoricalCrossentropy(fromLogits),
  sparseCategoricalCrossentropy_logits_extreme: sparseCategoricalCrossentropy(fromLogits),
};

// Like Keras, ours divides probabilities by their sum: the loss is the same, the gradient another.
const lossOnly: Record<string, Loss> = {
  categoricalCrossentropy_probabilities: categoricalCrossentropy(),
  sparseCategoricalCrossentropy_probabilities: sparseCategoricalCrossentropy(),
};

Deno.test("every golden loss is compared", () => {
  const compared = [...Object.keys(losses), ...Object.keys(lossOnly)];
  assert.deepEqual(compared.sort(), Object.keys(cases).sort());
});

for (const [name, loss] of Object.entries({ ...losses, ...lossOnly })) {
  Deno.test(`loss ${name} gives the golden value and gradient`, () => {
    const { prediction, target, loss: expected, gradient } = cases[name];
    const bindings = new Map<Tensor, ReferenceArray>();
    const outputs = bound(bindings, prediction.shape, prediction.data);
    const dtype = target.shape.length === 1 ? "u32" : "f32";
    const targets = bound(bindings, target.shape, target.data, dtype);
    const samples = loss.apply(targets, outputs);
    assert.deepEqual(samples.shape, prediction.shape.slice(0, 1));
    const value = mean(samples);
    const [total, slope] = evaluateReference([value, ...gradients(value, [outputs])], bindings);
    assertClose(total.data, [expected], 1e-9, "loss");
    if (!(name in lossOnly)) assertClose(slope.data, gradient.data, 1e-9, "gradient");
  });
}
