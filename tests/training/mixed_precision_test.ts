// Activations in float16 on WebGPU: a digit network learns as well, and small gradients need a scale.
import assert from "node:assert/strict";
import { lastValueFrom } from "rxjs";
import { mnist } from "../../data/mnist.ts";
import {
  accuracy,
  arrays,
  backward,
  dense,
  type DeviceOptions,
  type DTypePolicy,
  epochs,
  evaluate,
  forward,
  input,
  type Loss,
  loss,
  lossScaling,
  meanSquaredError,
  miniBatches,
  openDevice,
  openWebGpu,
  sequential,
  sgd,
  sparseCategoricalCrossentropy,
  takeFirst,
  update,
  type WebGpuDevice,
  type WebGpuOptions,
} from "../../mod.ts";

const adapter = await navigator.gpu?.requestAdapter();
const ignore = !adapter?.features.has("shader-f16");
if (ignore) console.log("Tests of mixed_float16 are skipped: there is no adapter with shader-f16");

/** Opens the adapter for `body`. */
async function onGpu<Result>(
  options: WebGpuOptions,
  body: (device: WebGpuDevice) => Promise<Result>,
): Promise<Result> {
  const device = (await openWebGpu({ allowSoftware: true, ...options }))!;
  try {
    return await body(device);
  } finally {
    device.dispose();
    await device.idle();
  }
}

Deno.test({
  name: "a digit network learns as well with activations of 16 bits",
  ignore,
  fn: async () => {
    const train = async (options: DeviceOptions) => {
      const model = sequential([
        input([784]),
        dense(30, { activation: "relu" }),
        dense(30, { activation: "relu" }),
        dense(10),
      ], { seed: 42 });
      const criterion = sparseCategoricalCrossentropy({ fromLogits: true });
      const steps = miniBatches(takeFirst(mnist.train, 2000), {
        ...{ batchSize: 40, epochs: 6, seed: 42, ...options },
      }).pipe(forward(model), loss(criterion), lossScaling(), update(sgd({ learningRate: 0.1 })));
      const { logs } = await lastValueFrom(steps.pipe(epochs()));
      const found = await evaluate(model, takeFirst(mnist.test, 1000), {
        ...{ loss: criterion, metrics: [accuracy()], device: "cpu", threads: 1 },
      });
      return { loss: logs.loss, accuracy: found.accuracy };
    };
    const exact = await train({ device: "cpu", threads: 1 });
    const half = await train({ device: "webgpu", dtypePolicy: "mixed_float16" });
    assert(half.accuracy > 0.82, `${half.accuracy}`);
    assert(Math.abs(half.accuracy - exact.accuracy) < 0.02, JSON.stringify([exact, half]));
    assert(Math.abs(half.loss / exact.loss - 1) < 0.02, JSON.stringify([exact, half]));
    assert(Math.abs(half.loss / exact.loss - 1) > 1e-6, "nothing is rounded");
  },
});

Deno.test({
  name: "gradients too small for 16 bits vanish, unless the loss is scaled",
  ignore,
  fn: async () => {
    const data = arrays([[1], [2], [3], [4]], [[1], [3], [5], [7]]);
    const small = 2 ** -30;
    const squared = meanSquaredError();
    const criterion: Loss = {
      name: "small",
      apply: (targets, outputs) => squared.apply(targets, outputs).mul(small),
    };
    // No thread keeps a row for itself: what passes between layers is stored.
    const tuning = { rowWork: 0 };
    const train = (differentiate: typeof backward, dtypePolicy: DTypePolicy) =>
      onGpu({ dtypePolicy, tuning }, async (device) => {
        const model = sequential([
          input([1]),
          dense(20, { activation: "tanh" }),
          dense(20, { activation: "tanh" }),
          dense(1),
        ], { seed: 1 });
        const before = model.parameters[0].value.slice();
        const steps = miniBatches(data, { batchSize: 4, epochs: 3, device }).pipe(
          forward(model),
          loss(criterion),
          differentiate(),
          update(sgd({ learningRate: 0.01 / small })),
        );
        await lastValueFrom(steps);
        const change = model.parameters[0].value
          .reduce((sum, value, place) => sum + Math.abs(value - before[place]), 0);
        return change;
      });
    const scaling = () => lossScaling({ initialScale: 1 / small });
    const exact = await train(scaling as typeof backward, "float32");
    assert(exact > 0.01, `${exact}`);
    assert.equal(await train(backward, "mixed_float16"), 0);
    const scaled = await train(scaling as typeof backward, "mixed_float16");
    assert(Math.abs(scaled / exact - 1) < 0.05, `${scaled}, not ${exact}`);
  },
});

Deno.test("a policy that a device does not have is refused", async () => {
  const dtypePolicy = "mixed_float16";
  for (const device of ["cpu", "reference", "auto"] as const) {
    await assert.rejects(
      openDevice({ device, dtypePolicy }),
      new RegExp(`Cannot open the device "${device}" with the dtypePolicy "mixed_float16"`),
    );
  }
  const { device } = await openDevice({ device: "reference" });
  await assert.rejects(
    openDevice({ device, dtypePolicy }),
    /Cannot set the dtypePolicy of an open device: give "mixed_float16" to openWebGpu/,
  );
  device.dispose();
  await assert.rejects(
    openWebGpu({ dtypePolicy: "float16" as DTypePolicy }),
    /Cannot open WebGPU with the dtypePolicy "float16": expected float32 or mixed_float16/,
  );
});

Deno.test({
  name: "an adapter without the feature says so",
  ignore: !adapter || !ignore,
  fn: () =>
    assert.rejects(
      openWebGpu({ allowSoftware: true, dtypePolicy: "mixed_float16" }),
      /Cannot store float16 on ".*" as it lacks the feature shader-f16/,
    ),
});
