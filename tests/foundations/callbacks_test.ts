// T5: early stopping, schedules and logs are operators; here on real trainings, on every device.
import assert from "node:assert/strict";
import { map, type MonoTypeOperatorFunction, tap } from "rxjs";
import {
  arrays,
  dense,
  type DeviceOptions,
  earlyStopping,
  type Epoch,
  fit,
  hyperparameter,
  input,
  jsonLines,
  learningRateSchedule,
  meanSquaredError,
  type Model,
  reduceOnPlateau,
  sequential,
  sgd,
} from "../../mod.ts";
import { assertClose } from "../core/nn/close.ts";
import { testOnDevices } from "../devices.ts";
import { train } from "./networks.ts";

// y = w · 1 with wanted 1 in training and ½ in validation: w climbs from 0 by a fifth of the rest,
// so that val_loss falls until w has passed ½, and rises from there.
const data = arrays([[1]], [[1]]);
const validation = arrays([[1]], [[0.5]]);
const weight = () =>
  sequential([input([1]), dense(1, { useBias: false, kernelInitializer: "zeros" })]);
// dJ/dw = 2 (w − 1), so that at 0.1 the weight after n epochs is 1 − 0.8ⁿ.
const weightAfter = (epochs: number) => 1 - 0.8 ** epochs;

function climb(
  model: Model,
  options: DeviceOptions,
  callbacks: MonoTypeOperatorFunction<Epoch>[],
  learningRate = hyperparameter(0.1),
) {
  return train(
    model,
    fit(model, data, {
      loss: meanSquaredError(),
      optimizer: sgd({ learningRate }),
      validation,
      epochs: 12,
      callbacks,
      ...options,
    }),
  );
}

await testOnDevices("T5: early stopping waits for its patience", async (options) => {
  // w: 0.2, 0.36, 0.488, 0.590, 0.672: the third epoch is nearest to ½.
  const model = weight();
  const last = await climb(model, options, [earlyStopping({ patience: 2 })]);
  assert.equal(last.epoch, 5);
  assert.equal(last.run.reason, "early_stopping");
  assertClose(model.parameters[0].value, [weightAfter(5)], 1e-6);
});

await testOnDevices("T5: restoreBest puts the third epoch's weights back", async (options) => {
  const model = weight();
  const stopping = earlyStopping({ monitor: "val_loss", patience: 2, restoreBest: true });
  const last = await climb(model, options, [stopping]);
  assert.equal(last.epoch, 5);
  assertClose([last.logs.val_loss], [(weightAfter(5) - 0.5) ** 2], 1e-6);
  assertClose(model.parameters[0].value, [weightAfter(3)], 1e-6);
});

await testOnDevices("T5: training that keeps improving is not stopped", async (options) => {
  const last = await climb(weight(), options, [earlyStopping({ monitor: "loss", patience: 1 })]);
  assert.equal(last.epoch, 12);
  assert.equal(last.run.reason, undefined);
});

await testOnDevices("T5: a schedule's rate is the one that moves the weights", async (options) => {
  const rate = hyperparameter(0.1);
  const rates: number[] = [];
  const model = weight();
  await climb(model, options, [
    tap(({ logs }) => void rates.push(logs.learning_rate)),
    learningRateSchedule(rate, ({ epoch }) => epoch < 2 ? 0.1 : 0),
  ], rate);
  assert.deepEqual(rates.slice(0, 4), [0.1, 0.1, 0, 0]);
  assertClose(model.parameters[0].value, [weightAfter(2)], 1e-6);
});

await testOnDevices(
  "T5: the rate is halved while val_loss stays above its best",
  async (options) => {
    const rate = hyperparameter(0.1);
    const rates: number[] = [];
    await climb(weight(), options, [
      tap(({ logs }) => void rates.push(logs.learning_rate)),
      reduceOnPlateau(rate, { monitor: "val_loss", factor: 0.5, patience: 2 }),
    ], rate);
    // Best at epoch 3; 4 and 5 are worse, and so are 6 and 7.
    assert.deepEqual(rates.slice(0, 8), [0.1, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.025]);
  },
);

await testOnDevices(
  "T5: the log is JSON, one line an event, and a callback is a map",
  async (options) => {
    let text = "";
    const writer = {
      writeSync(bytes: Uint8Array): number {
        text += new TextDecoder().decode(bytes);
        return bytes.length;
      },
    };
    const distance = map((epoch: Epoch): Epoch => ({
      ...epoch,
      logs: { ...epoch.logs, distance: Math.sqrt(epoch.logs.val_loss) },
    }));
    await climb(weight(), options, [distance, earlyStopping({ patience: 2 }), jsonLines(writer)]);
    const events = text.trimEnd().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual(events.map(({ event }) => event), [
      "start",
      ...new Array(5).fill("epoch"),
      "end",
    ]);
    assert.equal(events[0].parameters, 1);
    assert.equal(events[6].reason, "early_stopping");
    // After four epochs the weight is 0.5904.
    assertClose([events[4].distance], [0.0904], 1e-5);
  },
);
