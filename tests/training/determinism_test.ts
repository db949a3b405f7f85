/** The same command twice gives the same losses to the last bit; another seed gives others. */
import assert from "node:assert/strict";
import { lastValueFrom, toArray } from "rxjs";
import {
  dense,
  type DeviceOptions,
  dropout,
  epochs,
  fit,
  input,
  type Layer,
  meanSquaredError,
  sequential,
  sgd,
} from "../../mod.ts";
import { TestCpu } from "../core/cpu/test_cpu.ts";
import { deviceTest } from "./devices.ts";
import { crossentropy, lossesOf, points, steps, weightsOf } from "./pipes.ts";

const data = points(500);

function network(extra: readonly Layer[] = [dropout(0.3)], seed = 9) {
  const relu = { activation: "relu" } as const;
  return sequential([input([2]), dense(40, relu), ...extra, dense(33, relu), dense(3)], { seed });
}

/** Losses and weights of a few epochs with dropout and momentum; the last batch is not full. */
async function train(options: DeviceOptions, { seed = 42, model = network(), turns = 4 } = {}) {
  const optimizer = sgd({ learningRate: 0.05, momentum: 0.9 });
  const settings = { batchSize: 32, epochs: turns, seed, ...options };
  const losses = await lossesOf(steps(model, data, optimizer, settings));
  return { losses, weights: await weightsOf(model) };
}

await deviceTest(
  "the same command twice: the same losses and weights to the last bit",
  async (device) => {
    const first = await train({ device });
    assert.equal(first.losses.length, 64);
    assert.deepEqual(await train({ device }), first);
  },
  "reference",
  "cpu, 1",
  "webgpu",
);

Deno.test("another seed of the run gives other losses, and so does another seed of the model", async () => {
  const options = { device: "cpu", threads: 1 } as const;
  const first = await train(options);
  const shuffled = await train(options, { seed: 43 });
  assert.notDeepEqual(shuffled.losses, first.losses);
  const other = await train(options, { model: network(undefined, 10) });
  assert.notEqual(other.losses[0], first.losses[0]);
});

Deno.test("one thread and two give the same bits, dropout and momentum in the net", async () => {
  using one = new TestCpu(1);
  using two = new TestCpu(2);
  await two.ready();
  const turns = 40;
  const expected = await train({ device: one }, { turns });
  assert.deepEqual(await train({ device: two }, { turns }), expected);
  // Now its modules are loaded, so that both threads take part from the first step on.
  await two.ready();
  const before = two.together;
  assert.deepEqual(await train({ device: two }), await train({ device: one }));
  assert.equal(two.together - before, 64);
});

Deno.test("batches of every size from 1 to 9: one thread and two give the same bits", async () => {
  using one = new TestCpu(1);
  using two = new TestCpu(2);
  const small = points(90);
  for (let batchSize = 1; batchSize <= 9; batchSize++) {
    const losses = (device: TestCpu) =>
      lossesOf(steps(network(), small, sgd(), { batchSize, epochs: 2, device }));
    const expected = await losses(one);
    await losses(two);
    await two.ready();
    assert.deepEqual(await losses(two), expected, `batches of ${batchSize}`);
  }
});

Deno.test("a dropout layer more does not change the initial weights of the others", async () => {
  const [plain, dropped] = [network([]), network([dropout(0.5), dropout(0.1)])];
  assert.deepEqual(await weightsOf(dropped), await weightsOf(plain));
});

Deno.test("a dropout layer more does not change the masks of the others", async () => {
  const options = { device: "cpu", threads: 1 } as const;
  // A rate of 0 tosses nothing out, but is a layer like others.
  const named = [dropout(0.3, { name: "mask" })];
  const more = [dropout(0.3, { name: "mask" }), dropout(0, { name: "nothing" })];
  const first = await train(options, { model: network(named) });
  const second = await train(options, { model: network(more) });
  assert.deepEqual(second.losses, first.losses);
});

Deno.test("masks differ from step to step and from epoch to epoch", async () => {
  const model = sequential([input([2]), dropout(0.5)]);
  const ones = { data: new Float32Array(64).fill(1), shape: [32, 2] };
  const targets = { data: new Float32Array(64), shape: [32, 2] };
  const settings = {
    batchSize: 16,
    epochs: 20,
    shuffle: false,
    device: "cpu",
    threads: 1,
  } as const;
  const losses = await lossesOf(
    steps(model, { x: ones, y: targets }, sgd(), settings, meanSquaredError()),
  );
  // Each is the share of kept units times 4: 2 on average, and not always the same.
  assert.ok(new Set(losses).size > 5, `${losses}`);
  const mean = losses.reduce((sum, value) => sum + value / losses.length, 0);
  assert.ok(Math.abs(mean - 2) < 0.2, `${mean}`);
});

Deno.test("validation changes nothing: the same losses with it, without it, and from fit", async () => {
  const device = { device: "cpu", threads: 1 } as const;
  const settings = { batchSize: 32, epochs: 3, seed: 1, ...device };
  const logs = async (validation: boolean) => {
    const pipe = steps(network(), data, sgd(), settings);
    const options = validation ? { validation: points(77, 8) } : {};
    const events = await lastValueFrom(pipe.pipe(epochs(options), toArray()));
    return events.map((event) => event.logs.loss);
  };
  const plain = await logs(false);
  assert.deepEqual(await logs(true), plain);
  const fitted = fit(network(), data, { loss: crossentropy, optimizer: sgd(), ...settings });
  const events = await lastValueFrom(fitted.pipe(toArray()));
  assert.deepEqual(events.map((event) => event.logs.loss), plain);
});
