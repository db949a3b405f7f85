/** Compiled loops of programs that come and go: none is taken for another one, and they do not pile up. */
import assert from "node:assert/strict";
import { FunctionPlaces } from "../../../core/cpu/function_places.ts";
import { inputLeaf } from "../../../core/graph/leaf.ts";
import { createProgram } from "../../../core/graph/program.ts";
import "../../../core/ops/mod.ts";
import { TestCpu } from "./test_cpu.ts";

Deno.test("places of functions that nobody uses are given to others, the longest unused first", () => {
  const functions = new FunctionPlaces();
  const kept = functions.add("kept");
  const shared = functions.add("shared");
  functions.use("shared");
  functions.release("shared");
  for (let i = 0; i < 2000; i++) {
    const place = functions.add(`f${i}`);
    assert.ok(place !== kept && place !== shared);
    assert.ok(place < 300, `place ${place}`);
    functions.use(`f${i}`);
    functions.release(`f${i}`);
    assert.equal(functions.find(`f${i}`), place);
    functions.release(`f${i}`);
    if (i >= 100) {
      // Of the last ones those that were asked for meanwhile are not the longest unused.
      assert.notEqual(functions.find(`f${i - 100}`), undefined);
      functions.use("f100");
      functions.release("f100");
    }
  }
  assert.equal(functions.find("kept"), kept);
  assert.equal(functions.find("shared"), shared);
  assert.equal(functions.find("f0"), undefined);
  assert.notEqual(functions.find("f100"), undefined);
});

Deno.test("programs that differ in a number come and go, on all threads, and memory does not grow", async () => {
  using device = new TestCpu(3);
  const a = inputLeaf("a", [40, 10], "f32");
  const storage = device.allocate("f32", 400, "a");
  const values = Float32Array.from({ length: 400 }, (_, i) => Math.sin(i));
  storage.write(values);
  const prepare = (factor: number) =>
    device.prepare(createProgram([a.mul(factor)], []), () => storage);
  const right = async (executable: ReturnType<typeof prepare>, factor: number) => {
    await executable.run([]);
    const found = await executable.read(0);
    for (const [i, value] of values.entries()) {
      assert.equal(found[i], Math.fround(value * Math.fround(factor)));
    }
  };
  const first = prepare(-3);
  await device.ready();
  let bytes = 0;
  for (let i = 1; i <= 600; i++) {
    const factor = i / 8;
    const executable = prepare(factor);
    if (i % 20 === 0) await device.ready();
    await right(executable, factor);
    await right(first, -3);
    // Another program with the same loop, which finds it.
    prepare(factor).dispose();
    executable.dispose();
    if (i === 300) bytes = device.memory.allocatedBytes;
  }
  assert.ok(device.together > 30, "threads took part");
  await device.ready();
  prepare(99).dispose();
  await device.ready();
  prepare(100).dispose();
  assert.ok(device.memory.allocatedBytes <= bytes, `${device.memory.allocatedBytes - bytes} more`);
  // The loop of a program that went long ago has given its place to another one.
  const { modules } = device;
  prepare(1 / 8).dispose();
  assert.equal(device.modules, modules + 1);
});
