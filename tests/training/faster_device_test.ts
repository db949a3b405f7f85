/** `auto` where there is a hardware GPU: any two devices stand for the CPU and the GPU. */
import assert from "node:assert/strict";
import { lastValueFrom, take, tap, toArray } from "rxjs";
import {
  accuracy,
  adam,
  dense,
  type Device,
  type DeviceChoice,
  dropout,
  epochs,
  fit,
  input,
  jsonLines,
  measure,
  predict,
  sequential,
  type Snapshot,
  sparseCategoricalCrossentropy,
} from "../../mod.ts";
import { openCpu } from "../../core/cpu/device.ts";
import { openReference } from "../../core/cpu/reference_device.ts";
import { FasterDevice, type FasterOptions } from "../../core/stream/faster_device.ts";
import { openDevice } from "../../core/stream/open_device.ts";
import type { timeSteps } from "../../core/stream/time_steps.ts";
import { openWebGpu } from "../../gpu/device.ts";
import { TestCpu } from "../core/cpu/test_cpu.ts";
import { FakeWriter } from "../core/stream/fake_epoch.ts";
import { points, steps, weightsOf } from "./pipes.ts";

const data = points(300);

/** What may stand for the GPU: the reference everywhere, and an adapter where there is one. */
const rivals: Record<string, () => Promise<Device>> = {
  reference: () => Promise.resolve(openReference()),
};
if (await navigator.gpu?.requestAdapter()) {
  rivals.webgpu = async () => (await openWebGpu({ allowSoftware: true }))!;
} else console.log("A choice between cpu and webgpu is not tested: there is no adapter");

/** Runs the true steps, as a measurement does, and then says what the test wants. */
function times(cpu: number, other: number): typeof timeSteps {
  return async (executable, scalars, device) => {
    for (let step = 0; step < 3; step++) await executable.run(scalars);
    await device.idle();
    return device.type === "cpu" ? cpu : other;
  };
}

/** Trains three epochs with dropout and Adam, validating; gives all that can be seen of it. */
async function train(device: DeviceChoice) {
  const relu = { activation: "relu" } as const;
  const layers = [input([2]), dense(20, relu), dropout(0.2), dense(3)];
  const model = sequential(layers, { seed: 7 });
  const writer = new FakeWriter();
  let early: Snapshot | undefined;
  const firstLosses: number[] = [];
  const reads: Promise<unknown>[] = [];
  const run = steps(model, data, adam(), { epochs: 3, seed: 5, device, threads: 1 }).pipe(
    tap((step) => {
      // All of this comes before the choice in the first step.
      if (step.step === 1) early = step.run.snapshot();
      if (step.step < 3) {
        reads.push(step.loss.data().then((loss) => firstLosses[step.step - 1] = loss[0]));
      }
    }),
    measure(accuracy()),
    jsonLines(writer, { every: 4 }),
    epochs({ validation: data }),
    tap(({ epoch, run }) => epoch === 2 && run.restore(early!)),
    jsonLines(writer),
    toArray(),
  );
  const logs = (await lastValueFrom(run)).map(({ logs }) => logs);
  await Promise.all(reads);
  const lines = writer.text.trim().split("\n").map((line) => JSON.parse(line));
  return { seen: { logs, firstLosses, weights: await weightsOf(model) }, lines };
}

async function choose(other: Device, options: FasterOptions) {
  const device = new FasterDevice(openCpu({ threads: 1 }), () => Promise.resolve(other), options);
  const result = await train(device);
  device.dispose();
  await device.idle();
  return { device, ...result };
}

for (const [name, open] of Object.entries(rivals)) {
  // A GPU gives back its memory a moment after its disposal.
  const sanitizeOps = name !== "webgpu";

  Deno.test({
    name: `the faster of cpu and ${name} is taken, with the bits of that device alone`,
    sanitizeOps,
    async fn() {
      for (const [cpu, other, faster] of [[0.07, 0.4, "cpu"], [3, 0.4, name]] as const) {
        const result = await choose(await open(), { time: times(cpu, other) });
        const reason = `a step takes ${cpu} ms on the cpu and ${other} ms on ${name}`;
        assert.equal(result.device.reason, reason);
        const [start] = result.lines;
        assert.deepEqual([start.event, start.device.type], ["start", faster]);
        assert.equal(start.device.reason, reason);
        const alone = await train(faster as DeviceChoice);
        assert.deepEqual(result.seen, alone.seen);
        assert.deepEqual(
          result.lines.map(({ event }) => event),
          alone.lines.map(({ event }) => event),
        );
      }
    },
  });

  Deno.test({
    name: `cpu and ${name} are measured`,
    sanitizeOps,
    async fn() {
      const { device, seen } = await choose(await open(), {});
      const found = device.reason!.match(/^a step takes (\S+) ms on the cpu and (\S+) ms on \w+$/);
      assert.ok(found, device.reason);
      const [cpu, other] = [Number(found[1]), Number(found[2])];
      assert.equal(device.type, other < cpu ? name : "cpu");
      assert.ok(cpu > 0 && cpu < 50 && other < 500, device.reason);
      assert.deepEqual(seen, (await train(device.type)).seen);
    },
  });

  Deno.test({
    name: `a run that is left at its first step has taken it on cpu or ${name}`,
    sanitizeOps,
    async fn() {
      const first = async (device: DeviceChoice) => {
        const model = sequential([input([2]), dense(3)], { seed: 2 });
        await lastValueFrom(steps(model, data, adam(), { device, threads: 1 }).pipe(take(1)));
        return await weightsOf(model);
      };
      for (const [cpu, other, faster] of [[1, 2, "cpu"], [2, 1, name]] as const) {
        const device = new FasterDevice(openCpu({ threads: 1 }), open, {
          time: times(cpu, other),
        });
        assert.deepEqual(await first(device), await first(faster as DeviceChoice));
        assert.equal(device.type, faster);
        device.dispose();
        await device.idle();
      }
    },
  });
}

Deno.test("a choice leaves no memory behind on the CPU", async () => {
  const cpu = new TestCpu(1);
  const device = new FasterDevice(cpu, rivals.reference, { time: times(1, 2) });
  const before = cpu.memory.allocatedBytes;
  await train(device);
  assert.equal(device.type, "cpu");
  assert.equal(cpu.memory.allocatedBytes, before);
  device.dispose();
});

Deno.test("for a short run no GPU is looked for", async () => {
  const never = () => Promise.reject(new Error("a GPU was opened"));
  for (
    const [steps, reason] of [
      [30, "all 30 steps take at most 15 ms on the cpu"],
      [4, "4 steps are too few to measure"],
    ] as const
  ) {
    const options = { steps, time: times(0.5, 0.1) };
    const device = new FasterDevice(openCpu({ threads: 1 }), never, options);
    const { seen } = await train(device);
    assert.equal(device.reason, reason);
    assert.deepEqual(seen, (await train("cpu")).seen);
    device.dispose();
  }
});

Deno.test("a GPU that fails leaves the run on the CPU, and the reason says so", async () => {
  const failing = Object.assign(openReference(), {
    prepare: () => {
      throw new Error("out of memory");
    },
  });
  const { device, seen, lines } = await choose(failing, { time: times(2, 1) });
  assert.equal(device.reason, "reference failed: out of memory");
  assert.equal(lines[0].device.reason, device.reason);
  assert.deepEqual(seen, (await train("cpu")).seen);
});

Deno.test("a run without a step writes its start", async () => {
  const writer = new FakeWriter();
  const device = new FasterDevice(openCpu({ threads: 1 }), rivals.reference);
  const model = sequential([input([2]), dense(3)]);
  const run = steps(model, data, adam(), { device, epochs: 0 }).pipe(jsonLines(writer), epochs());
  await lastValueFrom(run.pipe(jsonLines(writer)), { defaultValue: null });
  device.dispose();
  assert.match(writer.text, /^{"event":"start".*}\n{"event":"end","reason":"completed"/);
});

Deno.test("predict takes the faster device too", async () => {
  const model = sequential([input([2]), dense(3)], { seed: 2 });
  const inputs = { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] };
  const device = new FasterDevice(openCpu({ threads: 1 }), rivals.reference, { time: times(2, 1) });
  const chosen = await predict(model, inputs, { device, batchSize: 1 });
  device.dispose();
  assert.equal(device.type, "reference");
  assert.deepEqual(chosen, await predict(model, inputs, { device: "reference" }));
});

Deno.test("a run too short for a measurement gives what the CPU gives", async () => {
  const losses = async (device: "auto" | "cpu") => {
    const model = sequential([input([2]), dense(3, { activation: "softmax" })], { seed: 2 });
    const settings = {
      loss: sparseCategoricalCrossentropy(),
      optimizer: adam(),
      ...{ batchSize: 300, epochs: 2, seed: 1, threads: 1, device },
    };
    const logs = await lastValueFrom(fit(model, data, settings).pipe(toArray()));
    return logs.map(({ logs: { loss } }) => loss);
  };
  assert.deepEqual(await losses("auto"), await losses("cpu"));
});

Deno.test("without a hardware GPU auto is the CPU, says why, and looks once", async () => {
  const { requestAdapter } = navigator.gpu;
  let looks = 0;
  navigator.gpu.requestAdapter = () => {
    looks++;
    return Promise.resolve(null);
  };
  try {
    for (let count = 0; count < 3; count++) {
      const { device, owned } = await openDevice({ threads: 1 });
      const { seen } = await train(device);
      assert.deepEqual([device.type, device.reason, owned], ["cpu", "no hardware GPU", true]);
      assert.deepEqual(seen, (await train("cpu")).seen);
      device.dispose();
    }
    assert.equal(looks, 1);
  } finally {
    navigator.gpu.requestAdapter = requestAdapter;
  }
});
