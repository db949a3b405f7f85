import assert from "node:assert/strict";
import { inputLeaf } from "../../core/graph/leaf.ts";
import { planProgram } from "../../core/graph/plan.ts";
import { createProgram } from "../../core/graph/program.ts";
import type { Tensor } from "../../core/graph/tensor.ts";
import type { ConvolutionAttributes } from "../../core/graph/window.ts";
import { convolution, gradients } from "../../core/ops/mod.ts";
import { arenaMemory } from "../../gpu/call.ts";
import { type CompiledPlan, compilePlan } from "../../gpu/compile.ts";
import { defaultTuning } from "../../gpu/tuning.ts";
import { mulberry32, opCases } from "../core/ops/cases.ts";
import { floats } from "../core/ops/generator.ts";
import { assertParity, evaluate, gpuTest, hardware, value } from "./harness.ts";

type Options = Partial<Omit<ConvolutionAttributes, "size">>;

const ones = [1, 1, 1] as const;
const none = [0, 0, 0] as const;
const plain = {
  strides: ones,
  before: none,
  after: none,
  dilation: ones,
  inputDilation: ones,
  groups: 1,
};

/** A convolution and its gradients: of the input and of the kernel. */
function withGradients(images: number[], weights: number[], options: Options) {
  const x = inputLeaf("x", images, "f32");
  const kernel = inputLeaf("kernel", weights, "f32");
  const y = convolution(x, kernel, { ...plain, ...options });
  const upstream = inputLeaf("upstream", y.shape, "f32");
  const [dx, dKernel] = gradients(y, [x, kernel], upstream);
  const bindings = (random: () => number) =>
    new Map(
      [x, kernel, upstream].map((leaf) => value(leaf, floats(random, leaf.shape, [-1, 1]).data)),
    );
  return { y, dx, dKernel, bindings };
}

const tunings = [
  ["this adapter's blocks", {}],
  ["tiles and shared sums", hardware],
  ["plain threads", { ...hardware, invocations: 64 }],
] as const;

for (const [kind, tuning] of tunings.slice(1)) {
  gpuTest(`windows of all kinds agree with the reference: ${kind}`, async (device) => {
    const cases = opCases(mulberry32(5)).filter(({ name }) => name.startsWith("convolution"));
    assert.ok(cases.length >= 15);
    await Promise.all(cases.map(async ({ name, inputs, build, tolerance, magnitude }) => {
      const leaves = inputs.map(({ shape, dtype }, place) => inputLeaf(`x${place}`, shape, dtype));
      const bindings = new Map(leaves.map((leaf, place) => value(leaf, inputs[place].data)));
      await assertParity(device, [build(...leaves)], bindings, { name, tolerance, magnitude });
    }));
  }, tuning);
}

/** Images, kernel, and how it goes: more rows and terms than a tile has, and no multiples of one. */
const larger: [number[], number[], Options][] = [
  [[3, 1, 15, 13, 70], [1, 3, 3, 70, 66], { before: [0, 1, 1], after: [0, 1, 1] }],
  [[5, 1, 19, 21, 1], [1, 5, 3, 1, 6], { strides: [1, 2, 1] }],
  [[2, 5, 9, 11, 17], [2, 3, 2, 17, 20], { strides: [1, 2, 3], dilation: [2, 1, 1] }],
  [[40, 1, 12, 12, 3], [1, 3, 3, 3, 32], { before: [0, 1, 1], after: [0, 0, 1] }],
];

for (const [kind, tuning] of tunings) {
  gpuTest(`larger convolutions and their gradients: ${kind}`, async (device) => {
    const random = mulberry32(31);
    for (const [images, weights, options] of larger) {
      const { y, dx, dKernel, bindings } = withGradients(images, weights, options);
      const [depth, height, width, channels] = weights;
      const terms = Math.max(depth * height * width * channels, y.size / weights[4]);
      await assertParity(device, [y, dx, dKernel], bindings(random), {
        // Roundings of sums one after the other add up like the terms do.
        tolerance: Math.max(16, Math.sqrt(terms)),
        magnitude: Math.sqrt(terms),
      });
    }
  }, tuning);
}

gpuTest(
  "the gradient of a kernel, its sum in parts, has the same bits each time",
  async (device) => {
    const { dKernel, bindings } = withGradients([40, 1, 10, 10, 65], [1, 1, 1, 65, 64], {});
    const values = bindings(mulberry32(8));
    const [first] = await evaluate(device, [dKernel], values);
    const [second] = await evaluate(device, [dKernel], values);
    assert.deepEqual(second, first);
  },
  hardware,
);

const compile = (output: Tensor, tuning = defaultTuning): CompiledPlan =>
  compilePlan(planProgram(createProgram([output], [])), 0, tuning);

const texts = ({ dispatches }: CompiledPlan) => dispatches.map(({ shader }) => shader.wgsl);

Deno.test("large convolutions go through tiles in shared memory", () => {
  const wide = withGradients([8, 1, 34, 34, 64], [1, 3, 3, 64, 64], {});
  const [forward] = texts(compile(wide.y));
  assert.match(forward, /var<workgroup>.*vec4<f32>/);
  assert.match(forward, /@workgroup_size\(256\)/);
  // Few filters have a tile of their own.
  const narrow = withGradients([32, 1, 28, 28, 3], [1, 3, 3, 3, 32], {});
  assert.match(texts(compile(narrow.y))[0], /@workgroup_size\(128\)/);
});

Deno.test("the sum over images of a kernel's gradient is cut into parts", () => {
  const { dKernel } = withGradients([8, 1, 34, 34, 64], [1, 3, 3, 64, 64], {});
  const { dispatches, buffers } = compile(dKernel);
  assert.equal(dispatches.length, 2);
  assert.match(dispatches[0].shader.wgsl, /var<workgroup>.*vec4<f32>/);
  const parts = buffers.filter(({ leaf }) => leaf === null).map(({ elements }) => elements);
  assert.equal(Math.max(...parts), 14 * dKernel.size);
  // Few results share a workgroup's threads instead.
  const small = withGradients([32, 1, 28, 28, 1], [1, 3, 3, 1, 8], {});
  const [text, ...others] = texts(compile(small.dKernel));
  assert.equal(others.length, 0);
  assert.match(text, /var<workgroup>.*f32/);
});

Deno.test("convolutions in groups have kernels without shared memory", () => {
  const { y, dKernel } = withGradients([8, 1, 34, 34, 64], [1, 3, 3, 2, 64], { groups: 32 });
  for (const output of [y, dKernel]) {
    for (const text of texts(compile(output))) assert.doesNotMatch(text, /var<workgroup>/);
  }
});

Deno.test("no matrix of patches is stored", () => {
  const { y } = withGradients([8, 1, 34, 34, 64], [1, 3, 3, 64, 64], {});
  assert.equal(compile(y).arenas.get(arenaMemory), y.size * 4);
});
