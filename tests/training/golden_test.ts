/** Trajectories of PyTorch and of Keras's formulas (tests/golden), on every device. */
import assert from "node:assert/strict";
import {
  adam,
  adamw,
  dense,
  type DeviceOptions,
  input,
  meanSquaredError,
  type Optimizer,
  rmsprop,
  sequential,
  sgd,
} from "../../mod.ts";
import type { DataSet } from "../../mod.ts";
import golden from "../golden/trajectories.json" with { type: "json" };
import { devicesOf } from "./devices.ts";
import { crossentropy, lossesOf, steps, weightsOf } from "./pipes.ts";

const { given } = golden;

const { runs } = golden;

const optimizers: Record<string, (options: Record<string, number | boolean>) => Optimizer> = {
  sgd,
  momentum: sgd,
  nesterov: sgd,
  rmsprop,
  rmsprop_keras: rmsprop,
  adam,
  adam_keras: adam,
  adamw,
  adamw_keras: adamw,
};

function dataFor(loss: string): DataSet {
  const x = { data: Float32Array.from(given.inputs.data), shape: given.inputs.shape };
  if (loss === "meanSquaredError") {
    return { x, y: { data: Float32Array.from(given.targets.data), shape: given.targets.shape } };
  }
  return { x, y: { data: Uint8Array.from(given.labels.data), shape: [64] }, classes: 4 };
}

async function train({ optimizer, loss, options }: typeof runs[number], device: DeviceOptions) {
  const model = sequential([input([8]), dense(12, { activation: "relu" }), dense(4)]);
  [given.kernel1, given.bias1, given.kernel2, given.bias2].forEach(({ data }, place) =>
    model.parameters[place].set(data)
  );
  const settings = { batchSize: 16, epochs: 15, shuffle: false, ...device };
  const lossFunction = loss === "meanSquaredError" ? meanSquaredError() : crossentropy;
  const pipe = steps(
    model,
    dataFor(loss),
    optimizers[optimizer](options as never),
    settings,
    lossFunction,
  );
  const losses = await lossesOf(pipe);
  return { losses, weights: Object.values(await weightsOf(model)) };
}

Deno.test("the golden runs are all here", () => {
  assert.equal(runs.length, 18);
  assert.deepEqual(
    new Set(runs.map(({ optimizer }) => optimizer)),
    new Set(Object.keys(optimizers)),
  );
});

for (const { name, options } of await devicesOf("reference", "cpu, 1", "webgpu")) {
  for (const run of runs) {
    Deno.test(`60 steps of ${run.optimizer} on ${run.loss} [${name}]`, async () => {
      const { losses, weights } = await train(run, options);
      assert.equal(losses.length, 60);
      losses.forEach((value, step) => {
        const error = Math.abs(value - run.losses[step]);
        assert.ok(error <= 1e-4, `step ${step + 1}: ${value}, golden ${run.losses[step]}`);
      });
      Object.values(run.final).forEach(({ data }, place) =>
        data.forEach((expected, at) => {
          const error = Math.abs(weights[place][at] - expected);
          assert.ok(error <= 2e-4, `weight ${place}[${at}]: ${weights[place][at]}, ${expected}`);
        })
      );
    });
  }
}
