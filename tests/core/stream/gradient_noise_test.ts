import assert from "node:assert/strict";
import { lastValueFrom, map, tap, toArray } from "rxjs";
import {
  arrays,
  backward,
  dense,
  type DeviceOptions,
  forward,
  gradientNoise,
  type GradientNoiseOptions,
  input,
  loss,
  meanSquaredError,
  miniBatches,
  sequential,
  sgd,
  update,
} from "../../../mod.ts";
import { TestCpu } from "../cpu/test_cpu.ts";
import { testOnDevices } from "../../devices.ts";

/** Noise of each of four steps: targets are what the network gives, so that gradients are 0. */
async function noise(options: DeviceOptions, seed = 1, noise: GradientNoiseOptions = {}) {
  const model = sequential([input([60]), dense(50, { kernelInitializer: "zeros" })]);
  const data = arrays([Array(60).fill(1)], [Array(50).fill(0)]);
  const read: Promise<ArrayLike<number>>[] = [];
  await lastValueFrom(
    miniBatches(data, { epochs: 4, seed, ...options }).pipe(
      forward(model),
      loss(meanSquaredError()),
      backward(),
      gradientNoise(noise),
      tap((step) => void read.push(step.gradients.get(model.parameters[0])!.data())),
      toArray(),
    ),
  );
  return Promise.all(read.map(async (data) => Array.from(await data)));
}

let promised: ReturnType<typeof noise> | undefined;
/** The noise on the reference, made in the first test that asks: it must not run while others do. */
const expected = () => promised ??= noise({ device: "reference" });

await testOnDevices(
  "gradientNoise has the variance η / (1 + t)^γ, and is the same everywhere",
  async (options) => {
    const steps = await noise(options);
    steps.forEach((values, t) => {
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
      const wanted = 0.3 / (1 + t) ** 0.55;
      // Five standard errors of 3,000 samples.
      assert.ok(Math.abs(mean) < 5 * Math.sqrt(wanted / 3000), `mean ${mean}`);
      assert.ok(
        Math.abs(variance / wanted - 1) < 5 * Math.sqrt(2 / 3000),
        `${variance}: ${wanted}`,
      );
    });
    const reference = await expected();
    steps.forEach((values, t) =>
      values.forEach((value, at) => assert.ok(Math.abs(value - reference[t][at]) < 1e-5))
    );
  },
);

Deno.test("gradientNoise is new at each step and for each seed, and the same for the same one", async () => {
  const [first, second] = await expected();
  const product = first.reduce((sum, value, at) => sum + value * second[at], 0) / first.length;
  assert.ok(Math.abs(product) < 0.03, `correlation ${product}`);
  assert.notDeepEqual((await noise({ device: "reference" }, 2))[0], first);
  assert.deepEqual(await noise({ device: "reference" }), await expected());
});

Deno.test("gradientNoise takes η and γ, and none is none", async () => {
  const [first, second] = await expected();
  const four = await noise({ device: "reference" }, 1, { eta: 1.2, gamma: 0 });
  four[0].forEach((value, at) => assert.ok(Math.abs(value - 2 * first[at]) < 1e-9));
  const scale = 2 * Math.sqrt(2 ** 0.55);
  four[1].forEach((value, at) => assert.ok(Math.abs(value - scale * second[at]) < 1e-6));
  assert.ok((await noise({ device: "reference" }, 1, { eta: 0 }))[0].every((value) => value === 0));
  assert.throws(() => gradientNoise({ eta: -1 }), /eta of gradientNoise/);
  assert.throws(() => gradientNoise({ gamma: NaN }), /gamma of gradientNoise/);
});

Deno.test("gradientNoise bakes no deviation into a plan", async () => {
  using device = new TestCpu(1);
  const model = sequential([input([1]), dense(1)]);
  const steps = miniBatches(arrays([[1]], [[0]]), { epochs: 30, device }).pipe(
    forward(model),
    loss(meanSquaredError()),
    backward(),
    gradientNoise(),
    update(sgd()),
    map(({ step }) => step),
  );
  assert.equal(await lastValueFrom(steps), 30);
  assert.equal(device.plans.length, 1);
});
