/** Timing on adapters with timestamps and without: the step is the same, the numbers make sense. */
import assert from "node:assert/strict";
import { inputLeaf, scalarLeaf, stateLeaf } from "../../core/graph/leaf.ts";
import { createProgram } from "../../core/graph/program.ts";
import type { Tensor } from "../../core/graph/tensor.ts";
import type { GpuDevice } from "../../gpu/gpu_device.ts";
import { mulberry32 } from "../core/ops/generator.ts";
import { gpuTest } from "./harness.ts";

/** A weight that shrinks by a product and a scalar; the sum of the product is recorded. */
function program(device: GpuDevice) {
  const x = inputLeaf("x", [16, 16], "f32");
  const weight = stateLeaf("layer/kernel", [16, 16]);
  const rate = scalarLeaf("rate");
  const product = x.matmul(weight);
  const value = weight.sub(product.mul(rate));
  const built = createProgram([product.sum()], [{ state: weight, value }]);
  const random = mulberry32(8);
  const fill = (leaf: Tensor) => {
    const storage = device.allocate("f32", leaf.size, String(leaf.attributes.name));
    storage.write(Float32Array.from({ length: leaf.size }, () => random() - 0.5));
    return storage;
  };
  const storages = new Map([[x, fill(x)], [weight, fill(weight)]]);
  const executable = device.prepare(built, (leaf) => storages.get(leaf)!, { recorded: 1 });
  const read = async () => [...await storages.get(weight)!.read(), ...await executable.drain()];
  return { executable, read };
}

for (const timestamps of [true, false]) {
  const how = timestamps ? "with timestamps" : "by repeating on copies";
  gpuTest(`profiled steps ${how} are steps like any other`, async (device) => {
    const plain = program(device);
    const timed = program(device);
    for (let step = 0; step < 6; step++) {
      const rate = [0.1 / (step + 1)];
      plain.executable.run(rate);
      if (step % 2 === 0) {
        timed.executable.run(rate);
        continue;
      }
      const before = device.statistics.pipelines;
      const { kernels, lanes, spans, milliseconds, host } = await timed.executable.profile(rate);
      assert.deepEqual(lanes, ["queue"]);
      assert.equal(host, null);
      assert.deepEqual(spans.map(({ kernel }) => kernel), kernels.map((_, index) => index));
      assert.deepEqual(kernels.map(({ name }) => name), timed.executable.dispatchLabels);
      const durations = spans.map(({ start, end }) => end - start);
      assert.ok(durations.every((duration) => duration >= 0 && duration < 1000), `${durations}`);
      assert.ok(durations.some((duration) => duration > 0));
      assert.ok(milliseconds > 0 && milliseconds < 1000);
      assert.equal(device.statistics.pipelines, before, "kernels are those that run anyway");
      const flops = kernels.reduce((sum, kernel) => sum + kernel.flops, 0);
      // The product, its sum, and a product and a difference for each weight.
      assert.equal(flops, 2 * 16 ** 3 + 255 + 2 * 256);
    }
    assert.deepEqual(await timed.read(), await plain.read());
  }, { timestamps });

  gpuTest(`ceilings ${how} are those of the adapter`, async (device) => {
    const { flops, bytes } = await device.measureCeilings();
    assert.ok(flops > 1e7 && flops < 1e15, `${flops}`);
    assert.ok(bytes > 1e6 && bytes < 1e14, `${bytes}`);
  }, { timestamps });
}

gpuTest("the GPU's clock runs as fast as the host's", async (device) => {
  if (!device.clock.hasTimestamps) return;
  const pass = (encoder: GPUCommandEncoder, marks: (pass: number) => GPUComputePassDescriptor) =>
    encoder.beginComputePass(marks(0)).end();
  await device.clock.time(1, pass);
  const before = performance.now();
  const [first] = await device.clock.time(1, pass);
  await new Promise((resolve) => setTimeout(resolve, 200));
  const [last] = await device.clock.time(1, pass);
  const most = performance.now() - before;
  assert.ok(last - first > 150 && last - first < most + 20, `${last - first} of ${most} ms`);
});
