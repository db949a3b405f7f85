import assert from "node:assert/strict";
import { inputLeaf, scalarLeaf, stateLeaf } from "../../core/graph/leaf.ts";
import { createProgram } from "../../core/graph/program.ts";
import * as ops from "../../core/ops/mod.ts";
import { recordRows } from "../../gpu/recorder.ts";
import type { GpuDevice } from "../../gpu/gpu_device.ts";
import { gpuTest } from "./harness.ts";

/** A counter that adds a scalar at every step; its sum, the scalar and a step number are recorded. */
function counter(device: GpuDevice) {
  const total = stateLeaf("total", []);
  const by = scalarLeaf("by");
  const step = scalarLeaf("step", "u32");
  const next = total.add(by);
  const program = createProgram([next, by, step.add(1)], [{ state: total, value: next }]);
  const storage = device.allocate("f32", 1, "total");
  const executable = device.prepare(program, () => storage, { recorded: 3 });
  const run = (value: number, number: number) =>
    executable.run(executable.scalars.map((scalar) => scalar === by ? value : number));
  return { executable, storage, run };
}

gpuTest("queued steps keep their own scalars", async (device) => {
  const { executable, run } = counter(device);
  for (let step = 0; step < 200; step++) run(step, 4294967290);
  const rows = await executable.drain();
  let total = 0;
  for (let step = 0; step < 200; step++) {
    total += step;
    assert.deepEqual([...rows.subarray(step * 3, step * 3 + 3)], [total, step, 4294967291]);
  }
  assert.equal((await executable.drain()).length, 0);
});

gpuTest("recorded outputs outlive their ring", async (device) => {
  const { executable, run } = counter(device);
  const steps = 2 * recordRows + 77;
  for (let step = 0; step < steps; step++) {
    const done = run(1, step);
    // Now and then the host waits, as a stream does.
    if (step % 500 === 499) await done;
  }
  const rows = await executable.drain();
  assert.equal(rows.length, steps * 3);
  for (let step = 0; step < steps; step++) {
    assert.equal(rows[step * 3], step + 1);
    assert.equal(rows[step * 3 + 2], step + 1);
  }
});

gpuTest(
  "recorded outputs of which few fit in a ring are all there, and no others",
  async (device) => {
    const rate = scalarLeaf("rate");
    const size = 2 ** 19;
    const program = createProgram([ops.ones([size]).mul(rate), rate.add(7)], []);
    const executable = device.prepare(program, () => assert.fail("no leaves"), { recorded: 1 });
    for (let step = 0; step < 5; step++) executable.run([step]);
    const rows = await executable.drain();
    assert.equal(rows.length, 5 * size);
    for (let step = 0; step < 5; step++) {
      assert.ok(rows.subarray(step * size, (step + 1) * size).every((value) => value === step));
    }
  },
);

gpuTest("many steps go into one submit, and its promise is theirs", async (device) => {
  const { run } = counter(device);
  const before = device.statistics.submits;
  const promises = Array.from({ length: 20 }, (_, step) => run(1, step));
  assert.equal(new Set(promises).size, 1);
  await promises[0];
  assert.equal(device.statistics.submits, before + 1);
  // Whoever waits for one step after the other need not ask for anything else.
  for (const step of [20, 21, 22]) {
    await device.idle();
    await run(1, step);
  }
  assert.equal(device.statistics.submits, before + 4);
});

gpuTest("reads and writes of memory keep their order with steps", async (device) => {
  const { storage, executable, run } = counter(device);
  run(1, 0);
  run(2, 0);
  const early = storage.read();
  storage.write(Float32Array.of(100));
  run(5, 0);
  const copy = device.allocate("f32", 1, "copy");
  copy.copyFrom(storage);
  run(7, 0);
  const late = executable.read(0);
  assert.deepEqual(await early, Float32Array.of(3));
  assert.deepEqual(await copy.read(), Float32Array.of(105));
  assert.deepEqual(await late, Float32Array.of(112));
  assert.deepEqual(await executable.read(1), Float32Array.of(7));
  assert.deepEqual(await executable.read(2), Uint32Array.of(1));
});

gpuTest("programs that share memory run in the order of their steps", async (device) => {
  const shared = stateLeaf("shared", [3]);
  const storage = device.allocate("f32", 3, "shared");
  const make = (value: typeof shared) =>
    device.prepare(createProgram([value], [{ state: shared, value }]), () => storage);
  const [increase, double] = [make(shared.add(1)), make(shared.mul(2))];
  for (let round = 0; round < 3; round++) {
    increase.run([]);
    double.run([]);
  }
  assert.deepEqual(await storage.read(), Float32Array.of(14, 14, 14));
});

gpuTest("an input written between steps is seen by later steps alone", async (device) => {
  const input = inputLeaf("input", [2], "f32");
  const storage = device.allocate("f32", 2, "input");
  const program = createProgram([input.sum()], []);
  const executable = device.prepare(program, () => storage, { recorded: 1 });
  for (let step = 0; step < 5; step++) {
    storage.write(Float32Array.of(step, 10));
    executable.run([]);
  }
  assert.deepEqual([...await executable.drain()], [10, 11, 12, 13, 14]);
});

gpuTest("a step with the wrong number of scalars is refused", (device) => {
  const { executable } = counter(device);
  assert.throws(() => executable.run([1]), /it takes 2 scalars: received 1/);
  assert.throws(
    () => device.prepare(createProgram([], []), () => null!, { recorded: 1 }),
    /Cannot record 1 outputs as the program has 0/,
  );
});

gpuTest("an output cannot be read before the first step", async (device) => {
  const { executable } = counter(device);
  await assert.rejects(executable.read(0), /before the first step/);
  await assert.rejects(executable.read(9), /has 3/);
});
