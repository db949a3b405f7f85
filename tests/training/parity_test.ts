/** Whole-training parity: the same weights and batches give the same losses on every device. */
import assert from "node:assert/strict";
import { mnist } from "../../data/mnist.ts";
import { sgd, takeFirst } from "../../mod.ts";
import { devicesOf } from "./devices.ts";
import { crossentropy, d2, lossesOf, steps, weightsOf } from "./pipes.ts";
import type { DeviceOptions } from "../../mod.ts";

const count = 200;
const data = takeFirst(mnist.train, 32 * count);

async function train(options: DeviceOptions) {
  const model = d2();
  const settings = { batchSize: 32, seed: 42, ...options };
  const losses = await lossesOf(
    steps(model, data, sgd({ learningRate: 0.1 }), settings, crossentropy),
  );
  return { losses, weights: await weightsOf(model) };
}

let made: ReturnType<typeof train> | undefined;

/** The reference is slow: it trains once, for all comparisons, in the test that asks for it first. */
function reference() {
  return made ??= train({ device: "reference" });
}

Deno.test("D2 learns on the reference: 200 steps bring the loss from 2.3 to below 0.6", async () => {
  const { losses } = await reference();
  assert.equal(losses.length, count);
  assert.ok(losses[0] > 2 && losses[0] < 3, `${losses[0]}`);
  const last = losses.slice(-20).reduce((sum, value) => sum + value / 20, 0);
  assert.ok(last < 0.6, `${last}`);
});

for (const { name, options } of await devicesOf("cpu", "webgpu")) {
  Deno.test(`D2: 200 steps agree with the reference within 1e-3 at each step [${name}]`, async () => {
    const [{ losses }, expected] = [await train(options), await reference()];
    assert.equal(losses.length, count);
    losses.forEach((value, step) => {
      const error = Math.abs(value - expected.losses[step]);
      assert.ok(error <= 1e-3, `step ${step + 1}: ${value}, reference ${expected.losses[step]}`);
    });
  });
}

for (const { name, options } of await devicesOf("cpu, 1", "webgpu")) {
  Deno.test(`D2: the weights after 200 steps are those of the reference [${name}]`, async () => {
    const [{ weights }, expected] = [await train(options), await reference()];
    for (const [weight, values] of Object.entries(weights)) {
      values.forEach((value, at) => {
        const error = Math.abs(value - expected.weights[weight][at]);
        assert.ok(error <= 2e-3, `${weight}[${at}]: ${value} for ${expected.weights[weight][at]}`);
      });
    }
  });
}
