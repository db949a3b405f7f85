// D1 and D2: the two digit networks, their exact numbers, and that they learn from real digits.
import assert from "node:assert/strict";
import { mnist } from "../../data/mnist.ts";
import {
  accuracy,
  categoricalCrossentropy,
  dense,
  type DeviceOptions,
  evaluate,
  fit,
  input,
  meanSquaredError,
  sequential,
  sgd,
  sparseCategoricalCrossentropy,
  summary,
  takeFirst,
  toCategorical,
} from "../../mod.ts";
import { assertClose } from "../core/nn/close.ts";
import { testOnDevices } from "../devices.ts";
import { parameterCount, train } from "./networks.ts";

function d1() {
  return sequential([
    input([784]),
    dense(16, { activation: "sigmoid" }),
    dense(16, { activation: "sigmoid" }),
    dense(10, { activation: "sigmoid" }),
  ], { seed: 42 });
}

function d2(last: "softmax" | "linear" = "softmax") {
  return sequential([
    input([784]),
    dense(30, { activation: "relu" }),
    dense(30, { activation: "relu" }),
    dense(10, { activation: last }),
  ], { name: "digits", seed: 42 });
}

Deno.test("D1: 12,544 + 256 + 160 weights and 16 + 16 + 10 biases are 13,002 parameters", () => {
  const model = d1();
  assert.deepEqual(model.parameters.map(({ name, size }) => [name, size]), [
    ["dense_1/kernel", 12_544],
    ["dense_1/bias", 16],
    ["dense_2/kernel", 256],
    ["dense_2/bias", 16],
    ["dense_3/kernel", 160],
    ["dense_3/bias", 10],
  ]);
  assert.equal(parameterCount(model), 13_002);
});

Deno.test("D2: the summary is Keras's table of 23,550 + 930 + 310 = 24,790 parameters", () => {
  assert.equal(
    summary(d2()),
    `\
Model: "digits"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ dense_1 (Dense)                 │ (None, 30)             │        23,550 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dense_2 (Dense)                 │ (None, 30)             │           930 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dense_3 (Dense)                 │ (None, 10)             │           310 │
└─────────────────────────────────┴────────────────────────┴───────────────┘
 Total params: 24,790 (96.84 KB)
 Trainable params: 24,790 (96.84 KB)
 Non-trainable params: 0 (0.00 B)`,
  );
});

/** How much to train on, and the part of unseen digits that each network must know at least. */
function extentFor({ device }: DeviceOptions) {
  // The reference computes every product in a plain loop: fewer digits, and a weaker claim.
  return device === "reference"
    ? {
      data: takeFirst(mnist.train, 400),
      validation: takeFirst(mnist.test, 100),
      d1: 0.25,
      d2: 0.5,
    }
    : {
      data: takeFirst(mnist.train, 2000),
      validation: takeFirst(mnist.test, 1000),
      d1: 0.75,
      d2: 0.8,
    };
}

await testOnDevices("D2: five epochs over real digits, validated on others", async (options) => {
  const { data, validation, ...least } = extentFor(options);
  const model = d2();
  const { logs, epoch } = await train(
    model,
    fit(model, data, {
      loss: sparseCategoricalCrossentropy(),
      optimizer: sgd({ learningRate: 0.1 }),
      metrics: [accuracy()],
      validation,
      batchSize: 32,
      epochs: 5,
      seed: 42,
      ...options,
    }),
  );
  assert.equal(epoch, 5);
  assert.deepEqual(
    Object.keys(logs).sort(),
    ["accuracy", "learning_rate", "loss", "val_accuracy", "val_loss"],
  );
  assert(logs.accuracy > least.d2, `accuracy ${logs.accuracy}`);
  assert(logs.val_accuracy > least.d2, `val_accuracy ${logs.val_accuracy}`);
});

await testOnDevices("D1: squared error and sigmoids learn real digits too", async (options) => {
  const { data, validation, ...least } = extentFor(options);
  const model = d1();
  const loss = meanSquaredError({ oneHot: true });
  const before = await evaluate(model, validation, { loss, metrics: [accuracy()], ...options });
  const { logs } = await train(
    model,
    fit(model, data, {
      loss,
      optimizer: sgd({ learningRate: 10 }),
      metrics: [accuracy()],
      validation,
      batchSize: 10,
      epochs: 5,
      seed: 42,
      ...options,
    }),
  );
  assert(before.accuracy < 0.3, `${before.accuracy} untrained`);
  assert(logs.val_loss < before.loss / 2, `${logs.val_loss} after ${before.loss}`);
  assert(logs.val_accuracy > least.d1, `val_accuracy ${logs.val_accuracy}`);
});

await testOnDevices(
  "D2: one-hot rows and labels, softmax and logits: one loss",
  async (options) => {
    const few = takeFirst(mnist.test, 100);
    const rows = { ...few, y: toCategorical(few.y.data, 10) };
    const logits = { fromLogits: true };
    const losses = [
      await evaluate(d2(), few, { loss: sparseCategoricalCrossentropy(), ...options }),
      await evaluate(d2("linear"), few, {
        loss: sparseCategoricalCrossentropy(logits),
        ...options,
      }),
      await evaluate(d2(), rows, { loss: categoricalCrossentropy(), ...options }),
      await evaluate(d2("linear"), rows, { loss: categoricalCrossentropy(logits), ...options }),
    ].map(({ loss }) => loss);
    assertClose(losses, new Array(4).fill(losses[0]), 1e-5);
    // Ten classes and no knowledge: about ln 10.
    assert(Math.abs(losses[0] - Math.LN10) < 0.5, `${losses[0]}`);
  },
);
