import assert from "node:assert/strict";
import { lastValueFrom, tap, toArray } from "rxjs";
import {
  accumulateGradients,
  adam,
  arrays,
  backward,
  dense,
  type DeviceOptions,
  epochs,
  forward,
  frozen,
  input,
  type Loss,
  loss,
  lossScaling,
  type LossScalingOptions,
  miniBatches,
  reshape,
  sequential,
  sgd,
  update,
} from "../../../mod.ts";
import { TestCpu } from "../cpu/test_cpu.ts";
import { testOnDevices } from "../../devices.ts";
import { crossentropy, points, smallModel, weightsOf } from "../../training/pipes.ts";

/** 2⁻⁸ of the largest number of a device: the reference computes in float64. */
const limitOf = ({ device }: DeviceOptions) => device === "reference" ? 2 ** 1016 : 2 ** 120;

/** A loss c·w, whose gradient c fits its number format with a scale of at most 2⁷. */
function steep(options: DeviceOptions): { steepness: number; loss: Loss } {
  const steepness = limitOf(options);
  return {
    steepness,
    loss: {
      name: "steep",
      apply: (_, outputs) => reshape(outputs, [outputs.shape[0]]).mul(steepness),
    },
  };
}

/** The scale that each step used, and the weight after them, which loses 1 at each good step. */
async function train(
  options: DeviceOptions,
  count: number,
  scaling: LossScalingOptions,
  batches = 1,
) {
  const { steepness, loss: steepLoss } = steep(options);
  const model = sequential([input([1]), dense(1, { useBias: false, kernelInitializer: "zeros" })]);
  const scales: Promise<Readonly<Record<string, number>>>[] = [];
  const steps = miniBatches(arrays(Array(count).fill([1]), Array(count).fill([0])), {
    batchSize: 1,
    ...options,
  }).pipe(
    forward(model),
    loss(steepLoss),
    lossScaling(scaling),
    accumulateGradients(batches),
    update(sgd({ learningRate: 1 / steepness })),
    tap((step) => void scales.push(step.values())),
  );
  await lastValueFrom(steps.pipe(epochs()));
  const weights = await weightsOf(model);
  return {
    scales: (await Promise.all(scales)).map(({ loss_scale }) => loss_scale),
    weight: weights["dense_1/kernel"][0],
  };
}

/** What the rule says, written out. */
function simulate(count: number, first: number, growth: number) {
  let scale = first, calm = 0, weight = 0;
  const scales = [];
  for (let step = 0; step < count; step++) {
    scales.push(scale);
    if (scale > 2 ** 7) {
      scale /= 2;
      calm = 0;
    } else {
      weight--;
      if (++calm === growth) {
        scale *= 2;
        calm = 0;
      }
    }
  }
  return { scales, weight };
}

await testOnDevices(
  "lossScaling halves the scale at an overflow, skips the step, and doubles it later",
  async (options) => {
    const { scales, weight } = await train(options, 40, { growthSteps: 5 });
    const expected = simulate(40, 2 ** 15, 5);
    assert.deepEqual(scales, expected.scales);
    assert.ok(Math.abs(weight - expected.weight) < 1e-3, `${weight} for ${expected.weight}`);
    assert.ok(new Set(scales).size > 5);
  },
);

await testOnDevices(
  "a gathered update is skipped when one of its batches overflowed",
  async (options) => {
    // Scales are 2⁸, then 2⁷: the first of the four pairs has a batch that overflows.
    const { weight } = await train(options, 8, { initialScale: 2 ** 8 }, 2);
    assert.ok(Math.abs(weight + 3) < 1e-4, `${weight}`);
  },
);

await testOnDevices("lossScaling trains to the same weights as backward", async (options) => {
  const run = async (differentiate: ReturnType<typeof backward>) => {
    const model = smallModel();
    const steps = miniBatches(points(64), { batchSize: 16, epochs: 10, ...options });
    await lastValueFrom(
      steps.pipe(forward(model), loss(crossentropy), differentiate, update(adam()), toArray()),
    );
    return weightsOf(model);
  };
  const [scaled, plain] = [await run(lossScaling()), await run(backward())];
  for (const [name, values] of Object.entries(plain)) {
    // A power of two changes no bit, unless a step overflows or vanishes.
    values.forEach((value, at) => assert.ok(Math.abs(value - scaled[name][at]) <= 1e-6));
  }
});

Deno.test("a gradient that overflows at a scale of 1 ends the run", async () => {
  const model = sequential([input([1]), dense(1, { kernelInitializer: "zeros" })]);
  const infinite: Loss = {
    name: "infinite",
    apply: (_, outputs) => reshape(outputs, [outputs.shape[0]]).mul(1e38).mul(1e38),
  };
  const steps = miniBatches(arrays([[1]], [[0]]), { device: "cpu", threads: 1 }).pipe(
    forward(model),
    loss(infinite),
    lossScaling({ initialScale: 1 }),
    update(sgd()),
    epochs(),
  );
  await assert.rejects(lastValueFrom(steps), /The update of dense_1\/\w+ is NaN or infinite/);
});

Deno.test("lossScaling plans once, and refuses options out of range", async () => {
  using device = new TestCpu(1);
  await train({ device }, 30, { growthSteps: 3 });
  // One plan for all steps but those that count what the guard holds back.
  assert.equal(device.plans.length, 2);
  assert.throws(() => lossScaling({ initialScale: 0 }), /initialScale of lossScaling/);
  assert.throws(() => lossScaling({ growthSteps: 0 }), /growthSteps of lossScaling/);
});

await testOnDevices("lossScaling takes a frozen model", async (options) => {
  const model = frozen(smallModel());
  const before = await weightsOf(model);
  const logs = await lastValueFrom(
    miniBatches(points(64), { batchSize: 32, epochs: 2, ...options }).pipe(
      forward(model),
      loss(crossentropy),
      lossScaling({ growthSteps: 2 }),
      update(sgd()),
      epochs(),
    ),
  );
  assert.ok(logs.logs.loss > 0);
  assert.deepEqual(await weightsOf(model), before);
});
