/** Threads of a device that has had nothing to do for long, or whose Worker was terminated. */
import assert from "node:assert/strict";
import { inputLeaf } from "../../../core/graph/leaf.ts";
import { createProgram } from "../../../core/graph/program.ts";
import "../../../core/ops/mod.ts";
import { TestCpu } from "./test_cpu.ts";

const sleep = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds));

/** Threads of this process that are Workers, whoever has started them. */
function workers(): number {
  return [...Deno.readDirSync("/proc/self/task")].filter(({ name }) => {
    try {
      return Deno.readTextFileSync(`/proc/self/task/${name}/comm`).startsWith("worker-");
    } catch {
      return false; // it has ended meanwhile
    }
  }).length;
}

Deno.test({
  name: "threads of a device end when the Worker that has opened it is terminated",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const before = workers();
    const module = new URL("../../../core/cpu/device.ts", import.meta.url).href;
    const source = `
      import { openCpu } from "${module}";
      globalThis.device = openCpu({ threads: 4 });
      setTimeout(() => self.postMessage("opened"), 500);`;
    const url = URL.createObjectURL(new Blob([source], { type: "text/typescript" }));
    const worker = new Worker(url, { type: "module" });
    await new Promise((opened) => worker.onmessage = opened);
    assert.ok(workers() >= before + 4, "this test counts them");
    worker.terminate();
    URL.revokeObjectURL(url);
    const until = performance.now() + 20_000;
    while (workers() > before && performance.now() < until) await sleep(50);
    assert.ok(workers() <= before, `${workers() - before} are left`);
  },
});

Deno.test("threads that have gone to events and back share the next run, and load what has come", async () => {
  using device = new TestCpu(3);
  await device.ready();
  const a = inputLeaf("a", [64, 64], "f32");
  const storage = device.allocate("f32", 64 * 64, "a");
  const values = Float32Array.from({ length: 64 * 64 }, (_, i) => Math.sin(i));
  storage.write(values);
  for (const [turn, program] of [a.mul(2), a.exp(), a.exp()].entries()) {
    await sleep(turn < 2 ? 1500 : 0);
    const executable = device.prepare(createProgram([program], []), () => storage);
    await device.ready();
    const { together } = device;
    await executable.run([]);
    assert.equal(device.together, together + 1);
    const wanted = values.map((value) => turn === 0 ? 2 * value : Math.exp(value));
    const found = await executable.read(0);
    assert.ok(wanted.every((value, i) => Math.abs(value - found[i]) < 1e-6));
    executable.dispose();
  }
});
