import assert from "node:assert/strict";
import { inputLeaf } from "../../../core/graph/leaf.ts";
import type { Shape } from "../../../core/graph/shape.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import {
  activation,
  type ApplyContext,
  dense,
  dropout,
  flatten,
  glorotUniform,
  input,
  type Layer,
  type Model,
  namedKey,
  type Parameter,
  sequential,
} from "../../../core/nn/mod.ts";
import { snakeCase } from "../../../core/nn/layer_names.ts";
import { add, tensor } from "../../../core/ops/mod.ts";
import { TestContext, valuesOf } from "./context.ts";

function weightsOf(model: Model): Map<Parameter, Tensor> {
  return new Map(model.parameters.map((p) => [p, tensor(p.value, { shape: p.shape })]));
}

function apply(model: Model, shape: Shape, context: ApplyContext = new TestContext()): Tensor {
  return model.apply(weightsOf(model), inputLeaf("x", shape, "f32"), context);
}

Deno.test("layers are named by type and count, passing over given names", () => {
  const model = sequential([
    input([4]),
    dense(3),
    dropout(0.5),
    dense(3, { name: "dense_2" }),
    dense(3),
    activation("relu"),
    dense(2, { name: "head" }),
  ]);
  const names = ["dense_1", "dropout_1", "dense_2", "dense_3", "activation_1", "head"];
  assert.deepEqual(model.layers.map((layer) => layer.name), names);
  assert.deepEqual(model.parameters.slice(-2).map((p) => p.name), ["head/kernel", "head/bias"]);
});

Deno.test("types become names as in Keras", () => {
  const names = ["Dense", "LayerNormalization", "Conv2D", "LeakyReLU", "LSTM"].map(snakeCase);
  assert.deepEqual(names, ["dense", "layer_normalization", "conv2d", "leaky_re_lu", "lstm"]);
});

Deno.test("the first weights follow from the seed and the layer's name", () => {
  const values = (model: Model) => model.parameters.map((parameter) => [...parameter.value]);
  const make = (seed: number) => sequential([input([4]), dense(3), dense(2)], { seed });
  assert.deepEqual(values(make(1)), values(make(1)));
  assert.notDeepEqual(values(make(1)), values(make(2)));
  assert.deepEqual(values(make(0)), values(sequential([input([4]), dense(3), dense(2)])));
  const more = [input([4]), dense(3), dropout(0.5), activation("relu"), dense(2), dense(7)];
  assert.deepEqual(values(sequential(more, { seed: 1 })).slice(0, 4), values(make(1)));
  const kernel = glorotUniform().values([4, 3], namedKey(1, "dense_1/kernel"));
  assert.deepEqual(make(1).parameters[0].value, kernel);
});

Deno.test("one layer object in two places has weights of its own in each", () => {
  const shared = dense(4);
  const { parameters } = sequential([input([4]), shared, shared]);
  const names = parameters.map((parameter) => parameter.name);
  assert.deepEqual(names, ["dense_1/kernel", "dense_1/bias", "dense_2/kernel", "dense_2/bias"]);
  assert.notDeepEqual(parameters[0].value, parameters[2].value);
});

Deno.test("one model in two places of a stack is one network with the same weights", () => {
  const shared = sequential([input([4]), dense(4)]);
  const { parameters, layers } = sequential([input([4]), shared, shared]);
  assert.deepEqual(parameters, shared.parameters);
  assert.deepEqual(layers, [shared]);
});

Deno.test("a model computes what its layers say", () => {
  const model = sequential([input([2]), dense(2, { activation: "relu" }), dense(1)]);
  [[1, -1, 2, 1], [0, 0.5], [3, -2], [10]].forEach((v, i) => model.parameters[i].set(v));
  const x = tensor([[1, 2], [3, -3]]);
  const y = model.apply(weightsOf(model), x, new TestContext());
  // relu([1, 2]·K + b) = [5, 1.5]; relu([3, -3]·K + b) = [0, 0]
  assert.deepEqual(valuesOf(y), [22, 10]);
});

Deno.test("a first layer with inputShape needs no input", () => {
  assert.deepEqual(sequential([flatten({ inputShape: [2, 3] }), dense(1)]).inputShape, [2, 3]);
  assert.deepEqual(sequential([dense(1, { inputShape: [3] })]).parameters[0].shape, [3, 1]);
});

Deno.test("tensors carry the name of the layer that gave them, and inputs carry none", () => {
  const model = sequential([
    input([4]),
    dropout(0),
    dense(3, { activation: "relu" }),
    dropout(0.5),
  ]);
  const inference = new TestContext(false);
  const x = inputLeaf("x", [2, 4], "f32");
  const y = model.apply(weightsOf(model), x, inference);
  assert.equal(x.label, null);
  assert.equal(y.label, "dense_1", "dropout passes it on in inference");
  assert.equal(apply(model, [2, 4]).label, "dropout_2");
});

Deno.test("applied again, a model gives the same node", () => {
  const model = sequential([input([4]), dense(3), dropout(0.3), dense(2)]);
  const [weights, x] = [weightsOf(model), inputLeaf("x", [2, 4], "f32")];
  const context = new TestContext();
  assert.equal(model.apply(weights, x, context), model.apply(weights, x, context));
});

Deno.test("scalars and keys are asked for under the layer's name", () => {
  const context = new TestContext();
  apply(sequential([input([4]), dropout(0.5), dropout(0.1)]), [1, 4], context);
  const names = ["dropout_1/rate", "dropout_1/mask#0", "dropout_1/mask#1"];
  assert.deepEqual(context.names.slice(0, 3), names);
  assert(context.names.includes("dropout_2/rate"));
});

class Doubling implements Layer {
  readonly type = "MyDoubling";
  readonly name = "";
  #factor = 2;
  init(inputShape: Shape) {
    return { outputShape: inputShape, parameters: [] };
  }
  apply(_parameters: Readonly<Record<string, Tensor>>, x: Tensor) {
    return x.mul(this.#factor);
  }
}

Deno.test("a layer may be a class of the user's", () => {
  const model = sequential([input([2]), new Doubling()]);
  assert.equal(model.layers[0].name, "my_doubling_1");
  const y = model.apply(new Map(), tensor([[1, 2]]), new TestContext());
  assert.deepEqual(valuesOf(y), [2, 4]);
});

const wide = sequential([input([784]), dense(30), dense(10)]);
const images = sequential([input([28, 28]), flatten(), dense(10)]);
const liar: Layer = {
  type: "Liar",
  name: "",
  init: (inputShape) => ({ outputShape: inputShape, parameters: [] }),
  apply: (_parameters, x) => x.sum(1),
};
const broken: Layer = { ...liar, apply: (_parameters, x) => add(x, tensor([1, 2, 3])) };

const refused: [name: string, make: () => unknown, message: string | RegExp][] = [
  [
    "one-hot labels as inputs",
    () => apply(wide, [32, 10]),
    "dense_1: expected input of 784 features, got 10 (did you pass labels as inputs?)",
  ],
  [
    "labels as inputs",
    () => apply(wide, [32]),
    "dense_1: expected input of 784 features, got shape [32] (did you pass labels as inputs?)",
  ],
  [
    "a list of numbers",
    () => apply(wide, [784, 1]),
    "dense_1: expected input of 784 features, got 1 " +
    "(did you pass labels as inputs, or one sample that is not in a list?)",
  ],
  [
    "a scalar",
    () => apply(wide, []),
    "dense_1: expected input of 784 features, got shape [] (did you pass labels as inputs?)",
  ],
  [
    "other features",
    () => apply(wide, [32, 783]),
    "dense_1: expected input of 784 features, got 783",
  ],
  [
    "images for rows",
    () => apply(wide, [32, 28, 28]),
    "dense_1: expected input of 784 features, got shape [32, 28, 28] " +
    "(start the model with input([28, 28]) and flatten())",
  ],
  [
    "rows for images",
    () => apply(images, [32, 784]),
    "flatten_1: expected input of shape [batch, 28, 28], got [32, 784] " +
    "(start the model with input([784]))",
  ],
  [
    "one image without batch",
    () => apply(images, [28, 28]),
    "flatten_1: expected input of shape [batch, 28, 28], got [28, 28] " +
    "(a batch has one axis more: is it a single sample?)",
  ],
  [
    "integers",
    () => wide.apply(weightsOf(wide), inputLeaf("x", [1, 784], "u32"), new TestContext()),
    /^dense_1: Cannot apply matmul as its inputs must all be f32: received u32 and f32/,
  ],
  [
    "weights left out",
    () => wide.apply(new Map(), inputLeaf("x", [1, 784], "f32"), new TestContext()),
    "dense_1: expected a tensor for the weight dense_1/kernel, got none",
  ],
  [
    "no layers",
    () => sequential([]),
    /shape of its inputs is not known: start it with input\(\[784\]\), or give/,
  ],
  ["no input shape", () => sequential([dense(1)]), /start it with input\(\[784\]\)/],
  ["only an input", () => sequential([input([3])]), /one input and layers after it/],
  [
    "an input in the middle",
    () => sequential([input([3]), dense(2), input([2])]),
    /Cannot make the model sequential .*received input_layer_1, dense_1, input_layer_2/,
  ],
  [
    "an inputShape that does not fit",
    () => sequential([input([3]), dense(2), dense(1, { inputShape: [5] })]),
    /^dense_2: expected input of shape \[5\].*got \[2\] from the layer before it/,
  ],
  [
    "one name twice",
    () => sequential([input([3]), dense(2, { name: "a" }), dropout(0.1, { name: "a" })]),
    'Cannot name two layers "a" as names must differ within a model: rename one of them',
  ],
  [
    "a slash in a name",
    () => sequential([input([3]), dense(2, { name: "a/b" })]),
    /Cannot name a Dense layer "a\/b"/,
  ],
  ["no features", () => sequential([input([]), dense(2)]), /^dense_1: .*got shape \[\]/],
  [
    "a negative seed",
    () => sequential([input([1]), dense(1)], { seed: -1 }),
    /seed of the model sequential .*received -1/,
  ],
  ["a size of 0", () => input([28, 0]), /size 1 of input .*whole number from 1: received 0/],
  ["no units", () => dense(0), /units of dense .*whole number from 1: received 0/],
  ["half a unit", () => dense(2.5), /units of dense .*received 2.5/],
  [
    "an unknown activation",
    () => dense(2, { activation: "rleu" as "relu" }),
    /Cannot find the activation as its name must be one of linear, .*received "rleu"/,
  ],
  [
    "an unknown initializer",
    () => dense(2, { kernelInitializer: "xavier" as "zeros" }),
    /received "xavier"/,
  ],
  [
    "a layer that breaks its word",
    () => apply(sequential([input([3]), liar]), [2, 3]),
    "liar_1: expected outputs of shape [2, 3], as its init says, got [2]",
  ],
  [
    "an op inside a layer",
    () => apply(sequential([input([2]), dense(2), broken]), [1, 2]),
    /^liar_1: Cannot apply add as shapes must broadcast/,
  ],
];

for (const [name, make, message] of refused) {
  Deno.test(`models refuse ${name}`, () => {
    assert.throws(make, (error: Error) => {
      if (typeof message === "string") assert.equal(error.message, message);
      else assert.match(error.message, message);
      return true;
    });
  });
}

Deno.test("an error keeps its class and its cause", () => {
  const caught = (make: () => unknown): Error => {
    try {
      make();
    } catch (error) {
      return error as Error;
    }
    throw new assert.AssertionError({ message: "nothing was thrown" });
  };
  const shape = caught(() => apply(wide, [1, 2]));
  assert.deepEqual([shape.name, (shape.cause as Error).name], ["ShapeError", "ShapeError"]);
  const x = inputLeaf("x", [1, 784], "i32");
  const dtype = caught(() => wide.apply(weightsOf(wide), x, new TestContext()));
  assert.deepEqual([dtype.name, (dtype.cause as Error).name], ["DTypeError", "DTypeError"]);
});
