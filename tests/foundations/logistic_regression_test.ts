// F3 and F4: z = wᵀx + b, a = σ(z), log loss; the perceptron's threshold against σ.
import assert from "node:assert/strict";
import {
  type ActivationName,
  arrays,
  binaryAccuracy,
  binaryCrossentropy,
  dense,
  type DeviceOptions,
  evaluate,
  fit,
  gradients,
  input,
  type Model,
  predict,
  sequential,
  sgd,
  sigmoid,
  step,
  tensor,
} from "../../mod.ts";
import { assertClose } from "../core/nn/close.ts";
import { evaluateOn, testOnDevices } from "../devices.ts";
import { network, setWeights, sigmoidOf, train } from "./networks.ts";

const corners = [[0, 0], [0, 1], [1, 0], [1, 1]];

/** One unit of two inputs with weights written down. */
function unit(weights: number[], bias: number, activation: ActivationName = "sigmoid"): Model {
  const model = sequential([input([2]), dense(1, { activation })]);
  setWeights(model, [weights, [bias]]);
  return model;
}

async function outputs(model: Model, rows: number[][], options: DeviceOptions): Promise<number[]> {
  const { x } = arrays(rows, rows.map(() => 0));
  return [...(await predict(model, x, options)).data];
}

await testOnDevices("F3: z, a, log loss and dz = a − y of one sample", async (options) => {
  const [x, w, b] = [tensor([[1, 2]]), tensor([[0.5], [-0.25]]), tensor([0.1])];
  const z = x.matmul(w).add(b);
  const loss = binaryCrossentropy().apply(tensor([1]), sigmoid(z)).sum();
  const [zs, as, losses, dw, db] = await evaluateOn(options, [
    z,
    sigmoid(z),
    loss,
    ...gradients(loss, [w, b]),
  ]);
  // σ(0.1) = 1 / (1 + e^−0.1) = 1 / 1.904837; −ln of it is ln 1.904837; dz = a − 1, dw = x · dz.
  assertClose(zs, [0.1], 1e-6);
  assertClose(as, [0.524979], 1e-6);
  assertClose(losses, [0.644397], 1e-6);
  assertClose(db, [-0.475021], 2e-6);
  assertClose(dw, [-0.475021, -0.950042], 2e-6);
});

await testOnDevices("F3: a logistic regression learns OR", async (options) => {
  const or = arrays(corners, [0, 1, 1, 1]);
  const model = sequential([input([2]), dense(1, { activation: "sigmoid" })], { seed: 2 });
  const { logs } = await train(
    model,
    fit(model, or, {
      loss: binaryCrossentropy(),
      optimizer: sgd({ learningRate: 5 }),
      metrics: [binaryAccuracy()],
      epochs: 60,
      batchSize: 4,
      ...options,
    }),
  );
  assert.equal(logs.binary_accuracy, 1);
  assert(logs.loss < 0.1, `${logs.loss}`);
});

await testOnDevices("F3: three stacked logistic regressions are a network", async (options) => {
  // "Or" and "not and" of the inputs, then "and" of the two: exclusive or, which one line cannot cut.
  const [or, notAnd, and] = [unit([20, 20], -10), unit([-20, -20], 30), unit([20, 20], -30)];
  const hidden = [await outputs(or, corners, options), await outputs(notAnd, corners, options)];
  const stacked = await outputs(and, corners.map((_, row) => hidden.map((h) => h[row])), options);

  const together = network([2, 2, 1]);
  setWeights(together, [[20, -20, 20, -20], [-10, 30], [20, 20], [-30]]);
  assertClose(await outputs(together, corners, options), stacked, 1e-6);
  assertClose(stacked, [0, 1, 1, 0], 1e-3);
});

await testOnDevices(
  "F3: at w = 0 the log loss of exclusive or is ln 2, the least",
  async (options) => {
    const xor = arrays(corners, [0, 1, 1, 0]);
    const loss = binaryCrossentropy();
    const logs = await evaluate(unit([0, 0], 0), xor, { loss, ...options });
    assertClose([logs.loss], [0.693147], 1e-6);
    // There every slope is the sum of (a − y) x over the corners, ±½ in pairs: nothing to gain.
    const model = unit([0, 0], 0);
    await train(model, fit(model, xor, { loss, optimizer: sgd(), batchSize: 4, ...options }));
    assertClose(model.parameters[0].value, [0, 0], 1e-7);
  },
);

await testOnDevices("F4: a perceptron jumps where a sigmoid unit slides", async (options) => {
  const decided = await outputs(unit([1, 1], -1.5, "step"), corners, options);
  assert.deepEqual(decided, [0, 0, 0, 1]);
  const sliding = await outputs(unit([1, 1], -1.5), corners, options);
  // σ(−1.5), σ(−0.5) twice, σ(0.5).
  assertClose(sliding, [0.182426, 0.377541, 0.377541, 0.622459], 1e-6);
  // Not-and with weights −2, −2 and bias 3; at exactly z = 0 the perceptron answers 0.
  assert.deepEqual(await outputs(unit([-2, -2], 3, "step"), corners, options), [1, 1, 1, 0]);
  assert.deepEqual(await outputs(unit([1, 1], -2, "step"), corners, options), [0, 0, 0, 0]);
});

await testOnDevices(
  "F4: a small change moves σ a little, and the threshold not or wholly",
  async (options) => {
    const z = tensor([-0.01, 0.01, 2, 2.02]);
    const [hard, soft, hardSlope, softSlope] = await evaluateOn(options, [
      step(z),
      sigmoid(z),
      ...[step, sigmoid].flatMap((activation) => gradients(activation(z), [z])),
    ]);
    assert.deepEqual([...hard], [0, 1, 1, 1]);
    assertClose(soft, [-0.01, 0.01, 2, 2.02].map(sigmoidOf), 1e-6);
    assert.deepEqual([...hardSlope], [0, 0, 0, 0]);
    // σ'(z) = σ (1 − σ): ¼ at 0, 0.880797 · 0.119203 at 2.
    assertClose([softSlope[0], softSlope[2]], [0.249994, 0.104994], 1e-5);
  },
);
