/** Calls that are walked together, some units at a time, and values that are written over. */
import assert from "node:assert/strict";
import { findChains } from "../../../core/cpu/chains.ts";
import { openCpu } from "../../../core/cpu/device.ts";
import { evaluateTensors } from "../../../core/cpu/evaluate.ts";
import { openReference } from "../../../core/cpu/reference_device.ts";
import type { Executable } from "../../../core/graph/device.ts";
import { inputLeaf } from "../../../core/graph/leaf.ts";
import { planProgram } from "../../../core/graph/plan.ts";
import { createProgram } from "../../../core/graph/program.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import {
  add,
  cast,
  convolution,
  exp,
  gradients,
  maxPool,
  mul,
  relu,
  reshape,
  sum,
  tanh,
  tensor,
  transpose,
} from "../../../core/ops/mod.ts";
import { numbers } from "./kernel_world.ts";
import { TestCpu } from "./test_cpu.ts";

const next = numbers(17);

function random(shape: number[]) {
  const size = shape.reduce((product, length) => product * length, 1);
  return tensor(Float32Array.from({ length: size }, () => next(2001) / 1000 - 1), { shape });
}

/** Convolution, bias, relu, pooling, and their gradients: more than a cache holds. */
function network(images: number) {
  const ones = [1, 1, 1] as const;
  const none = [0, 0, 0] as const;
  const window = { strides: ones, before: none, after: none, dilation: ones, inputDilation: ones };
  const x = random([images, 1, 15, 14, 3]);
  const kernel = random([1, 3, 3, 3, 44]);
  const bias = random([44]);
  const y = relu(
    add(reshape(convolution(x, kernel, { ...window, groups: 1 }), [images, 13, 12, 44]), bias),
  );
  const pooled = maxPool(reshape(y, [images, 1, 13, 12, 44]), {
    ...window,
    size: [1, 2, 2],
    strides: [1, 2, 2],
  });
  const weights = random([...pooled.shape]);
  return [pooled, ...gradients(sum(mul(pooled, weights)), [x, kernel, bias])];
}

Deno.test("chains: convolution, bias, relu and pooling take some images at a time", () => {
  const plan = planProgram(createProgram(network(40), []), { overwrite: true });
  const labels = plan.phases.flatMap((phase) =>
    findChains(phase, plan.buffers).map(({ first, length, units }) => {
      assert.ok(units >= 1 && units < 40);
      return phase.slice(first, first + length).map(({ label }) => label.operations);
    })
  );
  // The weights of the sum stand for the gradient that comes from above.
  const forward = ["convolution", "add + relu", "maxPool"];
  assert.deepEqual(labels, [[...forward, "copy", "maxPoolGradient", "greater + select"]]);
});

Deno.test("chains: what caches hold has none", () => {
  const plan = planProgram(createProgram(network(2), []), { overwrite: true });
  assert.deepEqual(plan.phases.flatMap((phase) => findChains(phase, plan.buffers)), []);
});

Deno.test("chains: calls of which a cache does not hold a unit each have none", () => {
  const [x, y] = ["x", "y"].map((name) => inputLeaf(name, [64, 40000], "f32"));
  const plan = planProgram(createProgram([exp(x), tanh(y)], []));
  assert.deepEqual(plan.phases.map((phase) => phase.length), [2]);
  assert.deepEqual(findChains(plan.phases[0], plan.buffers), []);
});

Deno.test("chains: a profiled step has the bits of any other, and a chain is one of its kernels", async () => {
  using device = new TestCpu(1);
  const first = network(40);
  // Another chain, in a later phase.
  const total = sum(first[0]);
  const scaled = [1, 2].map(() => mul(random([40, 5000]), total));
  const tensors = [...first, exp(scaled[0]), tanh(scaled[1])];
  const read = (executable: Executable) =>
    Promise.all(tensors.map(async (_, place) => await executable.read(place)));
  const [plain, profiled] = [1, 2].map(() =>
    device.prepare(createProgram(tensors, []), () => assert.fail("constants alone"))
  );
  await plain.run([]);
  const { kernels } = await profiled.profile!([]);
  assert.deepEqual(await read(profiled), await read(plain));
  const [{ phases, buffers }] = device.plans;
  const lengths = phases.map((phase) => findChains(phase, buffers).map(({ length }) => length));
  assert.ok(lengths[0].length > 0 && lengths.slice(1).some((chains) => chains.length > 0));
  const chained = lengths.flat().reduce((sum, length) => sum + length - 1, 0);
  assert.equal(kernels.length, phases.flat().length - chained);
  plain.dispose();
  profiled.dispose();
  const left = device.memory.allocatedBytes;
  const again = device.prepare(createProgram(tensors, []), () => assert.fail("constants alone"));
  await again.profile!([]);
  again.dispose();
  assert.equal(device.memory.allocatedBytes, left);
});

Deno.test("chains: results are right, on three threads to the bits of one", async () => {
  const [one, three] = [1, 3].map((threads) => openCpu({ threads }));
  // Workers come a moment later.
  await new Promise((resolve) => setTimeout(resolve, 300));
  const tensors = network(41);
  const [actual, threaded, expected] = [
    await evaluateTensors(tensors, one),
    await evaluateTensors(tensors, three),
    await evaluateTensors(tensors, openReference()),
  ];
  one.dispose();
  three.dispose();
  tensors.forEach((_, place) => {
    assert.deepEqual(threaded[place], actual[place]);
    const right: number[] = Array.from(expected[place]);
    const scale = right.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    right.forEach((value, index) => {
      const error = Math.abs(value - actual[place][index]);
      assert.ok(
        error <= scale * 4e-6,
        `${place}, [${index}]: ${actual[place][index]}, not ${value}`,
      );
    });
  });
});

Deno.test("loops write over large values that nobody reads after them, and over no others", async () => {
  const size = 1 << 18;
  const x = random([512, 512]);
  // Too dear to be computed again: it has memory of its own, where it is read twice.
  const a = sum(reshape(mul(x, x), [512, 512, 1]), [2]);
  /** Outputs, and how many values of that size have memory where loops may write over them. */
  const uses: Record<string, [Tensor[], number]> = {
    once: [[add(a, 1)], 1],
    twice: [[add(a, 1), sum(a)], 2],
    read: [[add(a, 1), a], 2],
    "twice in one loop": [[add(a, 1), mul(a, 2)], 2],
    turned: [[add(transpose(a), 1)], 2],
    "turned in one loop": [[add(a, 1), mul(transpose(a), 2)], 3],
    "as whole numbers": [[cast(mul(a, 9), "i32")], 2],
  };
  const buffers = (outputs: readonly Tensor[], overwrite: boolean) =>
    planProgram(createProgram(outputs, []), { overwrite }).buffers
      .filter(({ leaf, elements }) => leaf === null && elements === size).length;
  assert.equal(buffers(uses.once[0], false), 2);
  const device = openCpu({ threads: 2 });
  for (const [text, [tensors, count]] of Object.entries(uses)) {
    assert.equal(buffers(tensors, true), count, text);
    const actual = await evaluateTensors(tensors, device);
    const expected = await evaluateTensors(tensors, openReference());
    expected.forEach((right, place) => {
      const at = right.findIndex((value, index) =>
        !(Math.abs(value - actual[place][index]) <= 1e-5 * Math.abs(value))
      );
      assert.equal(at, -1, `${text}: output ${place}, element ${at}`);
    });
  }
  device.dispose();
});
