import assert from "node:assert/strict";
import { openCpu } from "../../../core/cpu/device.ts";
import { evaluateTensors } from "../../../core/cpu/evaluate.ts";
import type { Device } from "../../../core/graph/device.ts";
import { DisposedError, ShapeError } from "../../../core/graph/errors.ts";
import { constantLeaf, stateLeaf } from "../../../core/graph/leaf.ts";
import { createProgram } from "../../../core/graph/program.ts";
import * as ops from "../../../core/ops/mod.ts";
import { openDevice } from "../../../core/stream/open_device.ts";
import { deviceTest } from "../../training/devices.ts";
import { TestCpu } from "./test_cpu.ts";

const kinds = ["reference", "cpu, 1", "webgpu"];

/** Throws, or gives a promise that is rejected. */
async function refuses(body: () => unknown): Promise<void> {
  await assert.rejects(async () => await body(), DisposedError);
}

function counter(device: Device) {
  const state = stateLeaf("count", [2]);
  const storage = device.allocate("f32", 2, "count");
  const program = createProgram([state.mul(2)], [{ state, value: state.add(1) }]);
  return { storage, executable: device.prepare(program, () => storage) };
}

await deviceTest("storage: a second disposal does nothing, use after it throws", async (device) => {
  const storage = device.allocate("f32", 3, "weights of a test");
  storage.write(Float32Array.of(1, 2, 3));
  assert.deepEqual(await storage.read(), Float32Array.of(1, 2, 3));
  storage.dispose();
  storage.dispose();
  await refuses(() => storage.read());
  await refuses(() => storage.write(Float32Array.of(1)));
  await refuses(() => storage.copyFrom(device.allocate("f32", 3, "other")));
  await assert.rejects(async () => await storage.read(), /weights of a test/);
}, ...kinds);

await deviceTest("storage: a copy from disposed storage throws", async (device) => {
  const [from, to] = [device.allocate("f32", 2, "from"), device.allocate("f32", 2, "to")];
  from.dispose();
  await refuses(() => to.copyFrom(from));
}, ...kinds);

await deviceTest(
  "storage: reads and writes in parts, and refuses what does not fit",
  async (device) => {
    for (const dtype of ["f32", "i32", "u32", "u8"] as const) {
      const storage = device.allocate(dtype, 7, "parts");
      const kind = { f32: Float32Array, i32: Int32Array, u32: Uint32Array, u8: Uint8Array }[dtype];
      storage.write(kind.of(1, 2, 3, 4, 5, 6, 7));
      storage.write(kind.of(9, 8), 3);
      assert.deepEqual(await storage.read(), kind.of(1, 2, 3, 9, 8, 6, 7));
      const copy = device.allocate(dtype, 7, "copy");
      copy.copyFrom(storage);
      storage.write(kind.of(0));
      assert.deepEqual(await copy.read(), kind.of(1, 2, 3, 9, 8, 6, 7));
      assert.throws(() => storage.write(kind.of(1, 2), 6), ShapeError);
    }
  },
  "cpu, 1",
  "webgpu",
);

await deviceTest(
  "a program: a second disposal does nothing, use after it throws",
  async (device) => {
    const { storage, executable } = counter(device);
    await executable.run([]);
    executable.dispose();
    executable.dispose();
    await refuses(() => executable.run([]));
    await refuses(() => executable.read(0));
    assert.deepEqual(await storage.read(), Float32Array.of(1, 1), "states outlive their programs");
    storage.dispose();
  },
  ...kinds,
);

await deviceTest(
  "a device: a second disposal does nothing, programs of it throw",
  async (device) => {
    const { executable } = counter(device);
    device.dispose();
    device.dispose();
    await refuses(() => executable.run([]));
    await assert.rejects(async () => await evaluateTensors([ops.tensor(1)], device));
  },
  "cpu, 1",
  "webgpu",
);

Deno.test("programs and storages give back all that they took", async () => {
  using cpu = new TestCpu(1);
  const warm = counter(cpu);
  await warm.executable.run([]);
  warm.executable.dispose();
  warm.storage.dispose();
  const before = cpu.memory.allocatedBytes;
  for (let turn = 0; turn < 5; turn++) {
    const { storage, executable } = counter(cpu);
    await executable.run([]);
    executable.dispose();
    storage.dispose();
    assert.equal(cpu.memory.allocatedBytes, before);
  }
});

Deno.test("a program that cannot be bound gives back what it had taken", () => {
  using cpu = new TestCpu(1);
  const state = stateLeaf("nobody", [1000]);
  const program = createProgram([state.add(1).sum()], []);
  const attempt = () =>
    assert.throws(() =>
      cpu.prepare(program, () => {
        throw new Error("no memory of that name");
      })
    );
  attempt();
  const before = cpu.memory.allocatedBytes;
  for (let turn = 0; turn < 3; turn++) attempt();
  assert.equal(cpu.memory.allocatedBytes, before);
});

Deno.test("a program for which there is no room gives back what it had taken", () => {
  using cpu = new TestCpu(1);
  const megabyte = 2 ** 18;
  // Address space alone: nothing is written there.
  cpu.allocate("f32", 4000 * megabyte, "all but some 95 MiB");
  const table = constantLeaf(new Float32Array(60 * megabyte), [60 * megabyte], "f32");
  const program = createProgram([ops.exp(table)], []);
  const before = cpu.memory.allocatedBytes;
  assert.throws(() => cpu.prepare(program, () => assert.fail()), /holds 4 GiB in all/);
  assert.equal(cpu.memory.allocatedBytes, before);
});

Deno.test("the number of threads is a whole number from 1 to 32", () => {
  for (const threads of [0, -1, 1.5, 33, 65, NaN]) {
    assert.throws(() => openCpu({ threads }), /from 1 to 32/);
  }
});

Deno.test("a device of any kind is disposed of at the end of a block that uses it", async () => {
  const left: Device[] = [];
  for (const choice of ["cpu", "auto", "reference"] as const) {
    using device = (await openDevice({ device: choice, threads: 1 })).device;
    left.push(device);
  }
  for (const device of left) await refuses(() => counter(device).executable.run([]));
});
