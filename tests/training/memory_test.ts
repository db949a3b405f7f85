/** Memory does not grow from step to step, and nothing is made after the first steps. */
import assert from "node:assert/strict";
import { lastValueFrom, tap } from "rxjs";
import {
  accuracy,
  adam,
  arrays,
  backward,
  clipGradients,
  dense,
  dropout,
  epochs,
  forward,
  hyperparameter,
  input,
  loss,
  measure,
  miniBatches,
  type MiniBatchesOptions,
  openWebGpu,
  sequential,
  streamedDataSet,
  update,
} from "../../mod.ts";
import { TestCpu } from "../core/cpu/test_cpu.ts";
import { devicesOf } from "./devices.ts";
import { crossentropy, points } from "./pipes.ts";

/** A pipe with all that allocates: slots, dropout, clipping, metrics, reads, a last short batch. */
function busy(options: MiniBatchesOptions) {
  const rate = hyperparameter(0.2);
  const model = sequential([
    input([2]),
    dense(20, { activation: "relu" }),
    dropout(rate),
    dense(3),
  ]);
  return miniBatches(points(150), { batchSize: 32, ...options }).pipe(
    forward(model),
    loss(crossentropy),
    backward(),
    clipGradients({ globalNorm: 1 }),
    update(adam({ learningRate: hyperparameter(0.01) })),
    measure(accuracy()),
    tap((step) => {
      rate.next(0.2 + 0.001 * step.step);
      void step.values().catch(() => {});
      if (step.step % 4 === 0) void step.outputs.data();
    }),
  );
}

Deno.test("bytes allocated on the CPU are equal after every epoch, and all are given back", async () => {
  using device = new TestCpu(1);
  const after: number[] = [];
  const run = () =>
    lastValueFrom(
      busy({ epochs: 8, device }).pipe(
        epochs({ validation: points(50, 9) }),
        tap(() => void after.push(device.memory.allocatedBytes)),
      ),
    );
  await run();
  // Reads at every fourth step meet the short batch only once in four epochs.
  assert.equal(new Set(after.slice(4)).size, 1, `${after}`);
  const between = device.memory.allocatedBytes;
  assert.ok(between < after[0]);
  await run();
  assert.equal(device.memory.allocatedBytes, between, "a second run leaves nothing behind");
});

Deno.test("nothing is planned, compiled or allocated on the CPU after the first steps", async () => {
  using device = new TestCpu(1);
  const counts: string[] = [];
  const { memory } = device;
  await lastValueFrom(
    busy({ epochs: 12, device }).pipe(tap(({ epoch }) => {
      const bytes = memory.memory.buffer.byteLength;
      if (epoch > 5) {
        counts.push(`${device.plans.length} ${device.modules} ${memory.allocatedBytes} ${bytes}`);
      }
    })),
  );
  assert.equal(new Set(counts).size, 1, [...new Set(counts)].join(" | "));
});

for (const { name } of await devicesOf("webgpu")) {
  Deno.test(`no buffer, pipeline or bind group is made after the first steps [${name}]`, async () => {
    const device = (await openWebGpu({ allowSoftware: true }))!;
    const made: string[] = [];
    await lastValueFrom(
      busy({ epochs: 12, device }).pipe(
        epochs({ validation: points(50, 9) }),
        tap(() => {
          const { buffers, pipelines, bindGroups } = device.statistics;
          made.push(`${buffers} buffers, ${pipelines} pipelines, ${bindGroups} bind groups`);
        }),
      ),
    );
    const { stagingBuffers } = device.statistics;
    device.dispose();
    assert.equal(new Set(made.slice(5)).size, 1, made.join(" | "));
    // Of an epoch's reads, all may be under way at once: values five times, outputs twice at most,
    // its own results and those of the validation.
    assert.ok(stagingBuffers <= 5 + 2 + 2, `${stagingBuffers} buffers for reads`);
  });
}

Deno.test("a baked number that changes for 300 steps does not keep every plan", async () => {
  using device = new TestCpu(1);
  const write = console.error;
  console.error = () => {};
  const bytes: number[] = [];
  const model = sequential([input([1]), dense(1)]);
  const pipe = miniBatches(arrays([[1]], [[0]]), { epochs: 300, device }).pipe(
    forward(model),
    tap((step) => {
      void step.outputs.mul(step.step).data();
      bytes.push(device.memory.allocatedBytes);
    }),
  );
  try {
    await lastValueFrom(pipe);
  } finally {
    console.error = write;
  }
  // Plans go; compiled loops stay, as other runs may want them.
  const growth = bytes[299] - bytes[50];
  assert.ok(growth < 249 * 1024, `${growth} bytes in 249 steps`);
  const left = device.memory.allocatedBytes;
  assert.ok(left < bytes[299]);
});

Deno.test("a run that is left during the validation before its first step leaves nothing on the device", async () => {
  using device = new TestCpu(1);
  const left = async () => {
    const [asked, read] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const validation = streamedDataSet({
      samples: 9,
      x: { shape: [2], type: "float32" },
      y: { shape: [], type: "uint8" },
      classes: 3,
      read: () => {
        asked.resolve();
        return read.promise;
      },
    });
    // The epoch's own validation waits for the one before it.
    const training = busy({ batchSize: 150, device }).pipe(epochs({ validation, sanitySteps: 1 }));
    const subscription = training.subscribe();
    await asked.promise;
    await new Promise((done) => setTimeout(done, 5));
    subscription.unsubscribe();
    read.resolve();
    await new Promise((done) => setTimeout(done, 5));
    return device.memory.allocatedBytes;
  };
  await left();
  const once = await left();
  assert.equal(await left(), once);
});

Deno.test("twenty epochs hold as much resident memory as two, within 5%", async () => {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      // Of a size that stays: V8 would give its young objects more room whenever it sees fit.
      "--v8-flags=--expose-gc,--min-semi-space-size=16,--max-semi-space-size=16",
      "--allow-env",
      new URL("memory_child.ts", import.meta.url).pathname,
    ],
    stdout: "piped",
    stderr: "piped",
  });
  const { code, stdout, stderr } = await child.output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  const [two, twenty] = JSON.parse(new TextDecoder().decode(stdout));
  assert.ok(twenty <= two * 1.05, `${two} bytes after two epochs, ${twenty} after twenty`);
});
