import assert from "node:assert/strict";
import { DisposedError, KernelError } from "../../core/graph/errors.ts";
import { constantLeaf, inputLeaf } from "../../core/graph/leaf.ts";
import type { ElementwiseOperation } from "../../core/graph/operation.ts";
import { createProgram } from "../../core/graph/program.ts";
import { Tensor } from "../../core/graph/tensor.ts";
import { exp } from "../../core/ops/exp.ts";
import { broadcastTo } from "../../core/ops/sum.ts";
import { openWebGpu } from "../../gpu/mod.ts";
import { gpuTest } from "./harness.ts";

Deno.test("a software adapter is opened only when it will do", async () => {
  const adapter = await navigator.gpu?.requestAdapter();
  const device = await openWebGpu();
  assert.equal(device !== null, adapter !== null && !adapter?.info.isFallbackAdapter);
  device?.dispose();
});

/** An op whose WGSL is `wgsl`. */
function brokenOperation(wgsl: string): ElementwiseOperation {
  return {
    kind: "elementwise",
    name: "broken",
    arity: 1,
    cost: 1,
    samples: [],
    tolerance: 0,
    domain: [0, 1],
    body: () => wgsl,
    infer: ([x]) => ({ shape: x.shape, dtype: x.dtype }),
    reference: () => {},
  };
}

gpuTest("a kernel that WebGPU refuses is an error with its text", async (device) => {
  const leaf = inputLeaf("x", [2], "f32");
  const broken = Tensor.node(brokenOperation("missing(x)"), [leaf]);
  const storage = device.allocate("f32", 2, "x");
  const executable = device.prepare(createProgram([broken], []), () => storage);
  const isKernelError = (error: unknown) =>
    error instanceof KernelError && /missing/.test(error.message) &&
    /fn broken_f32_f32/.test(error.source);
  const done = executable.run([]);
  await assert.rejects(executable.read(0), isKernelError);
  await assert.rejects(done!, isKernelError);
  assert.throws(() => executable.run([]), isKernelError);
  assert.throws(() => storage.write(new Float32Array(1)), isKernelError);
  // The harness waits for the device, which would throw it again.
  device.dispose();
});

gpuTest("a program that is too large for the GPU leaves no memory behind", (device) => {
  const { resources } = device;
  const make = resources.buffer.bind(resources);
  let alive = 0;
  resources.buffer = (...given) => {
    const buffer = make(...given);
    const destroy = buffer.destroy.bind(buffer);
    alive++;
    buffer.destroy = () => {
      alive--;
      destroy();
    };
    return buffer;
  };
  const table = constantLeaf(Float32Array.of(1, 2, 3, 4), [4, 1], "f32");
  const prepare = (columns: number) => {
    const value = exp(broadcastTo(table, [4, columns]));
    return device.prepare(createProgram([value], []), () => assert.fail());
  };
  const tooLarge = resources.largestBuffer / 8;
  assert.throws(() => prepare(tooLarge), /the arena of a program as the GPU binds at most/);
  assert.equal(alive, 0);
  const program = prepare(3);
  assert.ok(alive > 2);
  program.dispose();
  assert.equal(alive, 0);
});

gpuTest("errors that nobody watches are kept", async (device) => {
  device.resources.device.createBuffer({ size: 4, usage: 0 });
  device.resources.device.queue.submit([]);
  await device.resources.device.queue.onSubmittedWorkDone();
  assert.throws(() => device.allocate("f32", 1, "x"), KernelError);
  device.dispose();
});

gpuTest("a device that is gone says so", async (device) => {
  const storage = device.allocate("f32", 2, "x");
  device.resources.device.destroy();
  await device.resources.device.lost;
  assert.throws(() => storage.write(new Float32Array(1)), /The GPU was lost \(destroyed\)/);
  device.dispose();
});

gpuTest("a device may be disposed of twice, with steps under way", (device) => {
  const leaf = inputLeaf("x", [2], "f32");
  const storage = device.allocate("f32", 2, "x");
  const executable = device.prepare(createProgram([leaf.add(1)], []), () => storage);
  executable.run([]);
  device.dispose();
  device.dispose();
  assert.throws(() => device.allocate("f32", 1, "y"), DisposedError);
  assert.throws(() => executable.run([]), DisposedError);
});
