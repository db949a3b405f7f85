import assert from "node:assert/strict";
import { DisposedError, DTypeError, ShapeError } from "../../core/graph/errors.ts";
import { inputLeaf } from "../../core/graph/leaf.ts";
import { createProgram } from "../../core/graph/program.ts";
import { mulberry32 } from "../core/ops/generator.ts";
import { gpuTest } from "./harness.ts";

gpuTest("memory begins as zeros and holds what is written", async (device) => {
  const cases = [
    ["f32", Float32Array.of(1.5, NaN, -Infinity)],
    ["i32", Int32Array.of(-1, 2 ** 31 - 1, 7)],
    ["u32", Uint32Array.of(1, 2 ** 32 - 1, 7)],
    ["bool", Uint32Array.of(0, 1, 1)],
  ] as const;
  for (const [dtype, data] of cases) {
    const storage = device.allocate(dtype, 5, dtype);
    storage.write(data, 1);
    assert.deepEqual([...await storage.read()], [0, ...data, 0]);
  }
});

gpuTest("bytes can be written anywhere", async (device) => {
  const random = mulberry32(1);
  const storage = device.allocate("u8", 23, "bytes");
  const expected = new Uint8Array(23);
  for (let round = 0; round < 40; round++) {
    const offset = Math.floor(random() * 23);
    const length = Math.floor(random() * (24 - offset));
    const data = Uint8Array.from({ length }, () => random() * 256);
    expected.set(data, offset);
    storage.write(data, offset);
  }
  assert.deepEqual(await storage.read(), expected);
});

gpuTest("memory of nothing", async (device) => {
  const storage = device.allocate("f32", 0, "nothing");
  storage.write(new Float32Array(0));
  assert.equal((await storage.read()).length, 0);
});

gpuTest("writes and copies that do not fit are refused", (device) => {
  const storage = device.allocate("f32", 4, "weights");
  const refused = (action: () => void, kind: new () => Error, text: RegExp) => {
    assert.throws(action, (error) => error instanceof kind && text.test(error.message));
  };
  refused(() => storage.write(new Float32Array(5)), ShapeError, /"weights" as it holds 4/);
  refused(() => storage.write(new Float32Array(1), -1), ShapeError, /at -1/);
  refused(() => storage.write(new Int32Array(1)), DTypeError, /expected Float32Array/);
  refused(
    () => storage.copyFrom(device.allocate("f32", 3, "other")),
    ShapeError,
    /expected 4 f32, received 3 f32/,
  );
  const most = device.tuning.bindingBytes;
  refused(
    () => device.allocate("f32", most / 4 + 1, "embeddings"),
    ShapeError,
    new RegExp(`"embeddings" as the GPU binds at most ${most} bytes`),
  );
  const leaf = inputLeaf("x", [2], "f32");
  const program = createProgram([leaf.add(1)], []);
  refused(() => device.prepare(program, () => storage), ShapeError, /Cannot bind "x"/);
});

gpuTest("disposal may happen twice, use after it throws", async (device) => {
  const storage = device.allocate("f32", 2, "weights");
  const leaf = inputLeaf("x", [2], "f32");
  const executable = device.prepare(createProgram([leaf.add(1)], []), () => storage);
  await executable.run([]);
  storage.dispose();
  storage.dispose();
  assert.throws(() => storage.write(new Float32Array(1)), DisposedError);
  await assert.rejects(storage.read(), DisposedError);
  assert.throws(() => executable.run([]), DisposedError);
  executable.dispose();
  executable.dispose();
  assert.throws(() => executable.run([]), DisposedError);
  await assert.rejects(executable.drain(), DisposedError);
});
