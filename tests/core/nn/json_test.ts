// Models to JSON and back: every layer, initializer and regularizer, and graphs of them.
import assert from "node:assert/strict";
import type { Shape } from "../../../core/graph/shape.ts";
import { layerRegistry } from "../../../core/nn/json/layer_registry.ts";
import * as factories from "../../../core/nn/layers/mod.ts";
import { tensor } from "../../../core/ops/mod.ts";
import {
  addLayer,
  type AnyModel,
  connect,
  constant,
  dense,
  frozen,
  functional,
  glorotNormal,
  identityInitializer,
  type Initializer,
  initializerNames,
  initializerOf,
  input,
  l1,
  l1L2,
  l2,
  type Layer,
  maxNorm,
  type MergeLayer,
  minMaxNorm,
  modelFromJson,
  modelToJson,
  nonNeg,
  orthogonal,
  orthogonalRegularizer,
  randomNormal,
  randomUniform,
  sequential,
  summary,
  truncatedNormal,
  unitNorm,
  varianceScaling,
  withInputShape,
} from "../../../mod.ts";
import { valuesOf } from "./context.ts";
import { custom } from "./json_parts.ts";
import { samples } from "./layer_samples.ts";

Deno.test("every layer of Millrace can be written: it has a sample here, an entry and a config", () => {
  const made = Object.entries(factories).filter(([, value]) => typeof value === "function")
    .map(([name]) => name).filter((name) =>
      !["input", "lambda", "mergeLambda", "rnn"].includes(name)
    );
  assert.deepEqual(Object.keys(samples).sort(), made.sort(), "a sample for each factory");
  // A Lora layer is made by lora, of a model: tests/core/nn/lora_test.ts.
  const types = [...Object.values(samples).map(([{ type }]) => type), "Lora"];
  assert.deepEqual(types.sort(), Object.keys(layerRegistry).sort(), "an entry for each type");
});

/** A model of one layer. */
function around(layer: Layer | MergeLayer, shapes: readonly Shape[]): AnyModel {
  const inputs = Object.fromEntries(shapes.map((shape, place) => [`in${place}`, input(shape)]));
  const outputs = "merges" in layer
    ? connect(Object.values(inputs), layer)
    : connect(inputs.in0, layer);
  return functional({ inputs, outputs, seed: 3 }) as AnyModel;
}

for (const [name, [layer, ...shapes]] of Object.entries(samples)) {
  Deno.test(`${name} goes to JSON and back`, () => {
    assert(layer.config, "the factory records its options");
    const model = around(layer, shapes);
    const text = modelToJson(model);
    const again = modelFromJson(text, { custom }) as AnyModel;
    assert.equal(modelToJson(again), text);
    assert.equal(summary(again), summary(model));
    assert.deepEqual(again.inputShape, model.inputShape);
    model.parameters.forEach((parameter, place) => {
      const { name, value, trainable, shape } = again.parameters[place];
      assert.deepEqual([name, trainable, shape], [
        parameter.name,
        parameter.trainable,
        parameter.shape,
      ]);
      assert.deepEqual(value, parameter.value, "the same first weights");
    });
  });
}

const initializers: Initializer[] = [
  ...initializerNames.map((name) => initializerOf(name)),
  constant(0.5),
  identityInitializer(2),
  orthogonal(1.5),
  randomNormal({ mean: 1, standardDeviation: 0.5 }),
  truncatedNormal({ mean: -1 }),
  randomUniform({ minimum: 1, maximum: 2 }),
  varianceScaling({ scale: 3, mode: "fanAvg", distribution: "untruncatedNormal" }),
];
for (const kernelInitializer of initializers) {
  const { name, config } = kernelInitializer;
  Deno.test(`the initializer ${name} ${JSON.stringify(config)} goes to JSON and back`, () => {
    assert(config, "the factory records its options");
    const model = sequential([input([3]), dense(3, { kernelInitializer })], { seed: 6 });
    const again = modelFromJson(modelToJson(model));
    assert.deepEqual(again.parameters[0].value, model.parameters[0].value);
  });
}

Deno.test("the largest seed goes to JSON and back", () => {
  const model = sequential([input([3]), dense(3)], { seed: Number.MAX_SAFE_INTEGER });
  const again = modelFromJson(modelToJson(model));
  assert.deepEqual(again.parameters[0].value, model.parameters[0].value);
});

Deno.test("graphs, shared layers and models within models go to JSON and back", () => {
  const shared = dense(2, { name: "shared", kernelInitializer: glorotNormal() });
  const [left, right] = [input([3]), input([3])];
  const encoder = functional({
    inputs: { left, right },
    outputs: { sum: connect([connect(left, shared), connect(right, shared)], addLayer()) },
    name: "encoder",
    seed: 5,
  });
  const x = input([3]);
  const { sum } = connect({ left: x, right: connect(x, dense(3)) }, frozen(encoder));
  const model = functional({
    inputs: { x },
    outputs: { a: connect(sum, frozen(dense(1))), b: sum },
    seed: 9,
    name: "whole",
  }) as AnyModel;
  const text = modelToJson(model);
  const again = modelFromJson(text) as AnyModel;
  assert.equal(modelToJson(again), text);
  assert.equal(summary(again), summary(model));
  assert.deepEqual([...again.weights.keys()], [...model.weights.keys()]);
  assert.deepEqual(
    again.trainableParameters.map(({ name }) => name),
    model.trainableParameters.map(({ name }) => name),
  );
  again.parameters.forEach(({ value }, place) =>
    assert.deepEqual(value, model.parameters[place].value)
  );
});

Deno.test("models that share weights share them again when they come from JSON", () => {
  const encoder = sequential([input([2]), dense(3)]);
  const still = frozen(encoder, { training: false });
  const x = input([2]);
  const head = (body: typeof encoder, name: string, from = x) =>
    functional({ inputs: from, outputs: connect(from, body, dense(1)), name });
  const heads = functional({
    inputs: { x },
    outputs: { a: connect(x, head(encoder, "first")), b: connect(x, head(still, "second")) },
  });
  const pair = functional({
    inputs: { x },
    outputs: { a: connect(x, encoder), b: connect(x, still) },
  });
  const [long, short] = [input([9, 2]), input([5, 2])];
  const sizes = functional({
    inputs: { long, short, x },
    outputs: {
      // The first that is written is not the one that the others were made of.
      a: connect(long, withInputShape(encoder, [9, 2])),
      b: connect(x, encoder),
      c: connect(short, head(withInputShape(still, [5, 2]), "third", short)),
      d: connect(long, withInputShape(still, [9, 2])),
    },
  });
  assert.equal(sizes.parameters.length, 4);
  for (const model of [heads, pair, sizes] as AnyModel[]) {
    const text = modelToJson(model);
    const again = modelFromJson(text) as AnyModel;
    assert.equal(modelToJson(again), text);
    assert.equal(summary(again), summary(model));
    const numberOf = ({ parameters, weights }: AnyModel) =>
      [...weights].map(([name, weight]) => [name, parameters.indexOf(weight)]);
    assert.deepEqual(numberOf(again), numberOf(model));
    const learns = ({ trainableParameters }: AnyModel) =>
      trainableParameters.map(({ name }) => name);
    assert.deepEqual(learns(again), learns(model));
  }
});

Deno.test("regularizers and constraints go with a model, and act as they did", () => {
  const regularizers = [
    l1(0.2),
    l2(0.3),
    l1L2({ l1: 0.1, l2: 0.4 }),
    orthogonalRegularizer({ factor: 0.5, mode: "columns" }),
  ];
  const constraints = [
    maxNorm({ maxValue: 1.5, axis: 1 }),
    minMaxNorm({ minValue: 0.5, maxValue: 0.75, rate: 0.5, axis: [0, 1] }),
    nonNeg(),
    unitNorm({ axis: 1 }),
  ];
  const weights = tensor([[0.5, -2, 1], [3, 0.25, -0.125]]);
  regularizers.forEach((kernelRegularizer, place) => {
    const kernelConstraint = constraints[place];
    const model = sequential([input([2]), dense(3, { kernelRegularizer, kernelConstraint })]);
    const text = modelToJson(model);
    const again = modelFromJson(text);
    assert.equal(modelToJson(again), text);
    const [kernel] = again.parameters;
    assert.deepEqual(
      valuesOf(kernel.regularizer!.apply(weights)),
      valuesOf(kernelRegularizer.apply(weights)),
    );
    assert.deepEqual(
      valuesOf(kernel.constraint!.apply(weights)),
      valuesOf(kernelConstraint.apply(weights)),
    );
  });
  const text = modelToJson(sequential([input([2]), dense(3, { kernelRegularizer: l2() })]));
  assert.throws(
    () => modelFromJson(text.replace("0.01", "-1")),
    /strength of l2 .* received -1/,
  );
});
