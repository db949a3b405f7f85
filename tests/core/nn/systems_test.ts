// The lecture notes' systems, by their exact numbers.
import assert from "node:assert/strict";
import { evaluateReference } from "../../../core/cpu/reference.ts";
import {
  activation,
  categoricalCrossentropy,
  dense,
  halfMeanSquaredError,
  initializerOf,
  input,
  meanSquaredError,
  type Model,
  sequential,
  sgd,
  sparseCategoricalCrossentropy,
} from "../../../core/nn/mod.ts";
import { gradients, oneHot, softmax, sub, tensor } from "../../../core/ops/mod.ts";
import { assertClose } from "./close.ts";
import { array, TestContext, valuesOf } from "./context.ts";
import { Trainer } from "./train.ts";

const countOf = (model: Model) => model.parameters.reduce((sum, { size }) => sum + size, 0);

/** A network of dense layers of these sizes (F6). */
function network(sizes: readonly number[], name: "sigmoid" | "relu" | "linear", last = name) {
  const [features, ...units] = sizes;
  const layers = units.map((count, index) =>
    dense(count, { activation: index === units.length - 1 ? last : name })
  );
  return sequential([input([features]), ...layers], { seed: 5 });
}

Deno.test("F5: the two-layer networks have the weights that the notes count", () => {
  const shapes = (model: Model) => model.parameters.map((parameter) => parameter.shape);
  assert.equal(countOf(network([2, 3, 1], "sigmoid")), 13);
  assert.equal(countOf(network([8, 4, 1], "sigmoid")), 41);
  // The notes write W¹ 4×3 before a column; here rows are samples, and the kernel is 3×4.
  assert.deepEqual(shapes(network([3, 4, 1], "sigmoid")), [[3, 4], [4], [4, 1], [1]]);
  assert.deepEqual(network([8, 4, 2, 1], "relu").outputShape, [1]);
});

Deno.test("D1 has 13,002 weights, D2 24,790", () => {
  const d1 = network([784, 16, 16, 10], "sigmoid");
  assert.deepEqual(d1.parameters.map((parameter) => parameter.size), [
    12_544,
    16,
    256,
    16,
    160,
    10,
  ]);
  assert.equal(countOf(d1), 13_002);
  const d2 = network([784, 30, 30, 10], "relu");
  assert.deepEqual(
    d2.structure.map(({ parameters }) => parameters.reduce((sum, { size }) => sum + size, 0)),
    [23_550, 930, 310],
  );
  assert.equal(countOf(d2), 24_790);
});

Deno.test("F4: a perceptron with a step decides as AND does", () => {
  const model = sequential([input([2]), dense(1, { activation: "step" })]);
  const [kernel, bias] = [tensor([[1], [1]]), tensor([-1.5])];
  const x = tensor([[0, 0], [0, 1], [1, 0], [1, 1]]);
  const values = new Map([[model.parameters[0], kernel], [model.parameters[1], bias]]);
  assert.deepEqual(valuesOf(model.apply(values, x, new TestContext())), [0, 0, 0, 1]);
});

Deno.test("F8: a network of linear activations is one linear map", () => {
  const model = sequential([input([4]), dense(5), activation("linear"), dense(6), dense(3)]);
  model.parameters.forEach((parameter, index) => {
    parameter.set(
      initializerOf("randomNormal").values(parameter.shape, {
        key0: index,
        key1: 1,
        fold: () => assert.fail(),
      }),
    );
  });
  const weights = model.parameters.map(({ value, shape }) => tensor(value, { shape }));
  const x = tensor([[1, -2, 3, 0.5], [0, 1, 0, -1]]);
  const given = new Map(model.parameters.map((parameter, index) => [parameter, weights[index]]));
  const deep = model.apply(given, x, new TestContext());
  const [k1, b1, k2, b2, k3, b3] = weights;
  const kernel = k1.matmul(k2).matmul(k3);
  const bias = b1.reshape([1, 5]).matmul(k2).add(b2).matmul(k3).add(b3);
  assertClose(valuesOf(deep), valuesOf(x.matmul(kernel).add(bias)), 1e-12);
});

Deno.test("F9: a true class at 0.6 costs 0.5108, at 0.3 1.2040", () => {
  const probabilities = [[0.2, 0.6, 0.2], [0.3, 0.3, 0.4]];
  const expected = [-Math.log(0.6), -Math.log(0.3)];
  assertClose(expected, [0.5108, 1.2040], 5e-5);
  const outputs = tensor(probabilities);
  const logits = tensor(probabilities.map((row) => row.map(Math.log)));
  const [labels, rows] = [tensor([1, 0]), tensor([[0, 1, 0], [1, 0, 0]])];
  const fromLogits = { fromLogits: true };
  for (
    const losses of [
      sparseCategoricalCrossentropy().apply(labels, outputs),
      sparseCategoricalCrossentropy(fromLogits).apply(labels, logits),
      categoricalCrossentropy().apply(rows, outputs),
      categoricalCrossentropy(fromLogits).apply(rows, logits),
    ]
  ) assertClose(valuesOf(losses), expected, 1e-7);
  // The notes print base-10 logarithms.
  assertClose(expected.map((loss) => loss / Math.LN10), [0.22, 0.52], 5e-3);
});

Deno.test("F9: the gradient of softmax with cross-entropy is p − y", () => {
  const logits = tensor([[1, 2, 0.5], [-1, 0, 3]]);
  const labels = tensor([2, 0], { dtype: "u32" });
  const loss = sparseCategoricalCrossentropy({ fromLogits: true }).apply(labels, logits);
  const [slope] = gradients(loss, [logits]);
  assertClose(valuesOf(slope), valuesOf(sub(softmax(logits), oneHot(labels, 3))), 1e-12);
  // From probabilities behind a softmax the same, but for the rounding of float64.
  const behind = sparseCategoricalCrossentropy().apply(labels, softmax(logits));
  assertClose(valuesOf(gradients(behind, [logits])[0]), valuesOf(slope), 1e-9);
});

Deno.test("F2: gradient descent on J finds the line that made the data", () => {
  const model = sequential([input([2]), dense(1)]);
  const trainer = new Trainer(model, halfMeanSquaredError(), sgd({ learningRate: 0.5 }));
  const rows = [[0, 0], [1, 0], [0, 1], [1, 1], [0.5, -1]];
  const targets = rows.map(([x1, x2]) => 1 + 2 * x1 - 3 * x2);
  const batch = { inputs: array([5, 2], rows.flat()), targets: array([5], targets) };
  let loss = Infinity;
  for (let step = 0; step < 400; step++) loss = trainer.step(batch);
  assert(loss < 1e-9, `${loss}`);
  assertClose(trainer.value("dense_1/kernel"), [2, -3], 1e-3);
  assertClose(trainer.value("dense_1/bias"), [1], 1e-3);
});

Deno.test("F7: numerical gradients of the 13 weights agree with backpropagation", () => {
  const model = network([2, 3, 1], "sigmoid");
  const weights = model.parameters.map(({ value, shape }) => tensor(value, { shape }));
  const given = new Map(model.parameters.map((parameter, index) => [parameter, weights[index]]));
  const [x, y] = [tensor([[0.2, -1], [1, 0.5]]), tensor([1, 0])];
  const cost = meanSquaredError().apply(y, model.apply(given, x, new TestContext())).mean();
  const slopes = evaluateReference(gradients(cost, weights));
  let passes = 0;
  model.parameters.forEach((parameter, index) => {
    for (let at = 0; at < parameter.size; at++) {
      const at0 = (shift: number) => {
        const values = Float64Array.from(parameter.value);
        values[at] += shift;
        return valuesOf(cost, new Map([[weights[index], array(parameter.shape, values)]]))[0];
      };
      const numerical = (at0(1e-6) - at0(-1e-6)) / 2e-6;
      assertClose([slopes[index].data[at]], [numerical], 1e-8, parameter.name);
      passes++;
    }
  });
  assert.equal(passes, 13);
});

Deno.test("D1's sigmoid network learns one-hot labels by squared error", () => {
  const model = network([2, 8, 2], "sigmoid");
  const trainer = new Trainer(
    model,
    meanSquaredError({ oneHot: true }),
    sgd({ learningRate: 4, momentum: 0.9 }),
  );
  const inputs = array([4, 2], [0, 0, 0, 1, 1, 0, 1, 1]);
  const targets = array([4], [0, 1, 1, 0], "u32");
  let loss = Infinity;
  for (let step = 0; step < 1500; step++) loss = trainer.step({ inputs, targets });
  assert(loss < 0.01, `exclusive or: ${loss}`);
});
