/**
 * That the fast ways of convolutions and products are taken where they should be. They give the bits of
 * the general ones, which `convolution_test.ts` and `matmul_test.ts` compare with the reference.
 */
import assert from "node:assert/strict";
import { openCpu } from "../../../core/cpu/device.ts";
import { evaluateTensors } from "../../../core/cpu/evaluate.ts";
import { type KernelExports, kernelWays } from "../../../core/cpu/kernels/load.ts";
import { ThreadPool } from "../../../core/cpu/thread_pool.ts";
import type { Shape } from "../../../core/graph/shape.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import { type ConvolutionAttributes, triple } from "../../../core/graph/window.ts";
import {
  convolution,
  gradients,
  matmul,
  mul,
  sum,
  tensor,
  transpose,
} from "../../../core/ops/mod.ts";
import { gru, input, sequential } from "../../../core/nn/mod.ts";
import { predict } from "../../../core/stream/mod.ts";
import { numbers } from "./kernel_world.ts";

type Way = keyof typeof kernelWays;
type Settings = Partial<ConvolutionAttributes>;

/** The ways that CPU devices of one thread go meanwhile. */
async function waysDuring(action: () => Promise<unknown>): Promise<Way[]> {
  const run = ThreadPool.prototype.run;
  const seen = new Set<KernelExports>();
  let gone = 0;
  ThreadPool.prototype.run = function (...given) {
    if (!seen.has(this.kernels)) this.kernels.ways();
    seen.add(this.kernels);
    const threads = run.apply(this, given);
    gone |= this.kernels.ways();
    return threads;
  };
  try {
    await action();
  } finally {
    ThreadPool.prototype.run = run;
  }
  return (Object.keys(kernelWays) as Way[]).filter((way) => gone & kernelWays[way]);
}

/** The ways that are gone on one thread to compute these tensors. */
async function waysTo(tensors: Tensor[]): Promise<Way[]> {
  const device = openCpu({ threads: 1 });
  try {
    return await waysDuring(() => evaluateTensors(tensors, device));
  } finally {
    device.dispose();
  }
}

const next = numbers(5);

function random(shape: Shape): Tensor {
  const size = shape.reduce((product, length) => product * length, 1);
  return tensor(Float32Array.from({ length: size }, () => next(2001) / 1000 - 1), { shape });
}

/** A convolution's ways forwards, and those of its kernel's gradient. */
async function convolutionWays(x: Shape, kernel: Shape, settings: Settings) {
  const [inputs, weights] = [random(x), random(kernel)];
  const [ones, none] = [triple(() => 1), triple(() => 0)];
  const plain = { before: none, after: none, dilation: ones, inputDilation: ones };
  const y = convolution(inputs, weights, { ...plain, strides: ones, groups: 1, ...settings });
  const [gradient] = gradients(sum(mul(y, random(y.shape))), [weights]);
  const forwards = await waysTo([y]);
  return [forwards, await waysTo([gradient])];
}

const ofConvolution = (ways: readonly Way[]) =>
  ways.filter((way) => kernelWays[way] < kernelWays.packedA);

Deno.test("convolutions take the ways that are made for their shapes", async () => {
  const one = { before: [0, 1, 1], after: [0, 1, 1] } as const;
  const table: [x: Shape, kernel: Shape, settings: Settings, forwards: Way, gradient: Way[]][] = [
    [[2, 1, 8, 8, 8], [1, 3, 3, 8, 8], one, "winograd", ["winograd"]],
    [[2, 3, 8, 8, 8], [2, 3, 3, 8, 8], one, "winograd", ["winograd"]],
    [[2, 1, 1, 12, 16], [1, 1, 3, 16, 16], {}, "winograd", ["winograd"]],
    [[2, 1, 8, 8, 5], [1, 1, 1, 5, 9], {}, "pointwise", ["pointwise"]],
    [[2, 1, 5, 8, 12], [1, 5, 5, 1, 12], { groups: 12 }, "channelwise", ["channelwise"]],
    [[2, 1, 5, 8, 12], [1, 3, 3, 1, 12], { groups: 12 }, "threeTaps", ["threeTaps"]],
    [[6, 1, 8, 8, 8], [1, 3, 3, 8, 8], { ...one, strides: [1, 2, 2] }, "images", []],
    [[2, 1, 8, 12, 1], [1, 3, 3, 1, 8], {}, "lines", []],
    [[2, 1, 8, 12, 4], [1, 3, 3, 2, 8], { groups: 2 }, "tiles", []],
  ];
  for (const [x, kernel, settings, forwards, gradient] of table) {
    const seen = await convolutionWays(x, kernel, settings);
    const what = `convolution [${x}]×[${kernel}]`;
    // Around three taps that all lie on inputs, the general way does the rest.
    const rest = forwards === "threeTaps" ? ["channelwise"] : [];
    assert.deepEqual(ofConvolution(seen[0]), [...rest, forwards], what);
    assert.deepEqual(ofConvolution(seen[1]), gradient, `the kernel's gradient of ${what}`);
  }
});

Deno.test("products pack the operands for which it pays", async () => {
  const table: [a: Shape, b: Shape, turned: "a" | "b" | null, Way[]][] = [
    [[1, 70], [70, 50], null, ["row"]],
    [[1, 70], [50, 70], "b", ["row"]],
    [[12, 70], [70, 40], null, []],
    [[12, 70], [70, 48], null, ["packedA"]],
    [[12, 63], [63, 48], null, []],
    [[70, 12], [70, 40], "a", []],
    [[12, 70], [40, 70], "b", ["packedB"]],
    [[64, 20], [20, 30], null, ["packedB"]],
    [[64, 70], [70, 50], null, ["packedA", "packedB"]],
  ];
  for (const [a, b, turned, ways] of table) {
    const [first, second] = [random(a), random(b)];
    const product = matmul(
      turned === "a" ? transpose(first) : first,
      turned === "b" ? transpose(second) : second,
    );
    const seen = await waysTo([product]);
    assert.deepEqual(seen, ways, `matmul [${a}]×[${b}], turned: ${turned}`);
  }
});

Deno.test("the steps of a recurrence pack their kernel once", async () => {
  const model = sequential([input([6, 8]), gru(16)]);
  const x = await random([64, 6, 8]).data();
  const ways = await waysDuring(() => predict(model, x, { device: "cpu", threads: 1 }));
  assert.ok(ways.includes("packedB") && ways.includes("heldB"), `${ways}`);
});
