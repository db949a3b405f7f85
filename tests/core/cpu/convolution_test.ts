/** Convolutions and their gradients on the CPU: right on odd shapes, the same bits on any threads. */
import assert from "node:assert/strict";
import { evaluateTensors } from "../../../core/cpu/evaluate.ts";
import { openCpu } from "../../../core/cpu/device.ts";
import { openReference } from "../../../core/cpu/reference_device.ts";
import { outputSizes, suitsWinograd, type Triple, triple } from "../../../core/graph/window.ts";
import { convolution, gradients, matmul, mul, sum, tensor } from "../../../core/ops/mod.ts";
import { numbers } from "./kernel_world.ts";

type Next = (below: number) => number;

function values(next: Next, shape: readonly number[]): Float32Array {
  const size = shape.reduce((product, length) => product * length, 1);
  return Float32Array.from({ length: size }, () => next(2001) / 1000 - 1);
}

/** A window of odd settings; `null` where it fits nowhere. */
function randomCase(next: Next) {
  const [flat, groups] = [next(4) > 0, next(4) ? 1 : 2 + next(2)];
  const pick = (most: number, least = 1) =>
    triple((axis) => axis === 0 && flat ? 1 : least + next(most));
  const zeros = (most: number) => triple((axis) => axis === 0 && flat ? 0 : next(most + 2) - 1);
  const depthwise = groups > 1 && next(3) === 0;
  const channels = depthwise ? 1 : 1 + next(9);
  const own = depthwise ? 1 : 1 + next(next(2) ? 5 : 21);
  // A few images or as many as fill register blocks; small ones, so that the reference takes part.
  const x = [1 + next(next(2) ? 3 : 16), ...pick(7, 2), channels * groups];
  const window = {
    strides: next(3) ? triple(() => 1) : pick(3),
    before: zeros(2),
    after: zeros(2),
    dilation: next(3) ? triple(() => 1) : pick(3),
    inputDilation: next(4) ? triple(() => 1) : pick(3),
    groups,
  };
  const size = pick(4);
  const outputs = outputSizes({ ...window, size }, x.slice(1, 4) as unknown as Triple);
  if (outputs.some((length) => length < 1)) return null;
  return { x, kernel: [...size, channels, own * groups], window, outputs };
}

/** A window over each channel by itself, wide enough for register blocks of outputs and channels. */
function channelwiseCase(next: Next) {
  const groups = 2 + next(next(2) ? 4 : 38);
  const flat = (number: number, least = 1) => triple((axis) => axis === 0 ? least : number);
  const wide = (most: number) => next(2) ? flat(1) : flat(1 + next(most));
  const window = {
    strides: wide(3),
    before: flat(next(4) - 1, 0),
    after: flat(next(4) - 1, 0),
    dilation: wide(2),
    inputDilation: wide(3),
    groups,
  };
  const x = [1 + next(3), 1, 3 + next(4), 4 + next(17), groups];
  const size = triple((axis) => axis === 0 ? 1 : 1 + next(5));
  const outputs = outputSizes({ ...window, size }, x.slice(1, 4) as unknown as Triple);
  if (outputs.some((length) => length < 1)) return null;
  return { x, kernel: [...size, 1, groups], window, outputs };
}

/** A window of 3×3 or 1×3 over channels enough for Winograd's tiles, whole ones or not. */
function tiledCase(next: Next) {
  const ones = triple(() => 1);
  const size: Triple = [1 + next(3), next(2) ? 3 : 1, 3];
  const border = () => triple((axis) => axis === 0 ? next(size[0]) : next(4) - 1);
  const window = {
    strides: ones,
    before: border(),
    after: border(),
    dilation: ones,
    inputDilation: ones,
    groups: 1,
  };
  // Lines shared out between threads, or images; more channels and filters than are done at a time.
  const [images, depth] = [[8, 1], [2, 2], [1, 1]][next(3)];
  const wide = images === 1 && next(2) === 1;
  const few = () => (size[1] === 1 ? 16 : 8) + 4 * next(3);
  const x = [images, depth, 4 + next(7), 4 + next(7), wide ? 132 : few()];
  const kernel = [...size, x[4], wide ? 68 : few()];
  const outputs = outputSizes({ ...window, size }, x.slice(1, 4) as unknown as Triple);
  if (outputs[0] < 1) return null;
  const y = [images, ...outputs, kernel[4]];
  return suitsWinograd({ ...window, size }, x, y) ? { x, kernel, window, outputs } : null;
}

/** Three taps side by side over each channel by itself, which are read together, and as many rows. */
function threeCase(next: Next) {
  const ones = triple(() => 1);
  const flat = (number: number) => triple((axis) => axis === 0 ? 0 : number);
  const [before, after] = [flat(next(4) - 1), flat(next(4) - 1)];
  const groups = 2 + next(next(2) ? 4 : 38);
  const window = { ...pointwise(ones, ones), before, after, groups };
  const x = [1 + next(3), 1, 4 + next(4), 4 + next(17), groups];
  const size = [1, 1 + next(3), 3] as const;
  const outputs = outputSizes({ ...window, size }, x.slice(1, 4) as unknown as Triple);
  return { x, kernel: [...size, 1, groups], window, outputs };
}

/** A window of one tap that sees every input: a matrix product. */
function pointwiseCase(next: Next) {
  const [ones, none] = [triple(() => 1), triple(() => 0)];
  const window = { ...pointwise(ones, none), groups: 1 };
  const x = [1 + next(9), 1 + next(3), 1 + next(12), 1 + next(12), 1 + next(70)];
  return { x, kernel: [1, 1, 1, x[4], 1 + next(70)], window, outputs: ones };
}

function pointwise(ones: Triple, none: Triple) {
  return { strides: ones, before: none, after: none, dilation: ones, inputDilation: ones };
}

/** The result and both gradients. */
function results({ x, kernel, window }: NonNullable<ReturnType<typeof randomCase>>, next: Next) {
  const input = tensor(values(next, x), { shape: x });
  const weights = tensor(values(next, kernel), { shape: kernel });
  const y = convolution(input, weights, window);
  const mixed = tensor(values(next, y.shape), { shape: y.shape });
  return [y, ...gradients(sum(mul(y, mixed)), [input, weights])];
}

/** Errors are compared with the largest value. */
async function checkRandom(
  makeCase: typeof randomCase,
  count: number,
  next: Next,
  tolerance = 2e-6,
) {
  const [one, three] = [1, 3].map((threads) => openCpu({ threads }));
  // Workers come a moment later.
  await new Promise((resolve) => setTimeout(resolve, 300));
  const batch: { text: string; tensors: ReturnType<typeof results> }[] = [];
  while (batch.length < count) {
    const chosen = makeCase(next);
    if (chosen) batch.push({ text: JSON.stringify(chosen), tensors: results(chosen, next) });
  }
  const tensors = batch.flatMap((entry) => entry.tensors);
  const [actual, threaded, expected] = [
    await evaluateTensors(tensors, one),
    await evaluateTensors(tensors, three),
    await evaluateTensors(tensors, openReference()),
  ];
  one.dispose();
  three.dispose();
  tensors.forEach((_, place) => {
    const { text } = batch[Math.floor(place / 3)];
    const what = `${["the result", "the input's gradient", "the kernel's"][place % 3]} of ${text}`;
    assert.deepEqual(threaded[place], actual[place], what);
    const right: number[] = Array.from(expected[place]);
    const scale = right.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    actual[place].forEach((value, index) => {
      const error = Math.abs(value - right[index]);
      assert.ok(
        error <= scale * tolerance,
        `${what}: [${index}] is ${value}, not ${right[index]}`,
      );
    });
  });
}

Deno.test("convolutions: random odd shapes are right, on three threads to the bits of one", async () => {
  await checkRandom(randomCase, 60, numbers(11));
});

Deno.test("convolutions of each channel by itself: the same of shapes that fill blocks", async () => {
  await checkRandom(channelwiseCase, 60, numbers(12));
  await checkRandom(threeCase, 40, numbers(17));
});

Deno.test("convolutions of one tap: the same, and the bits of the matrix product", async () => {
  await checkRandom(pointwiseCase, 30, numbers(15));
  const device = openCpu({ threads: 1 });
  const next = numbers(16);
  for (let round = 0; round < 4; round++) {
    const { x: shape, kernel, window } = pointwiseCase(next);
    const x = tensor(values(next, shape), { shape });
    const weights = tensor(values(next, kernel), { shape: kernel });
    const y = convolution(x, weights, window);
    const product = matmul(x.reshape([-1, shape[4]]), weights.reshape([shape[4], -1]));
    const grad = tensor(values(next, y.shape), { shape: y.shape });
    const [slope] = gradients(sum(mul(y, grad)), [weights]);
    const back = matmul(x.reshape([-1, shape[4]]).transpose(), grad.reshape([-1, kernel[4]]));
    const results = await evaluateTensors([y, product, slope, back], device);
    assert.deepEqual(results[0], results[1]);
    assert.deepEqual(results[2], results[3]);
  }
  device.dispose();
});

Deno.test("convolutions of 3×3 and 1×3 by tiles: the same of odd sizes, channels and numbers of threads", async () => {
  // Up to 3,564 products are added up, with twice the rounding of a sum.
  await checkRandom(tiledCase, 16, numbers(13), 4e-6);
});

Deno.test("convolutions of 3×3 by tiles round about as sums do", async () => {
  const device = openCpu({ threads: 1 });
  const next = numbers(5);
  const random = (shape: readonly number[]) => tensor(values(next, shape), { shape });
  const [ones, border] = [triple(() => 1), triple((axis) => axis === 0 ? 0 : 1)];
  const window = { strides: ones, before: border, after: border, dilation: ones };
  const [x, kernel] = [random([2, 1, 12, 12, 96]), random([1, 3, 3, 96, 16])];
  const y = convolution(x, kernel, { ...window, inputDilation: ones, groups: 1 });
  const tensors = [y, ...gradients(sum(mul(y, random(y.shape))), [x, kernel])];
  const actual = await evaluateTensors(tensors, device);
  const expected = await evaluateTensors(tensors, openReference());
  device.dispose();
  actual.forEach((result, place) => {
    const right = expected[place];
    const squares = (of: (index: number) => number) =>
      Array.from(result.keys()).reduce((total, index) => total + of(index) ** 2, 0);
    const error = Math.sqrt(
      squares((index) => result[index] - right[index]) / squares((index) => right[index]),
    );
    assert.ok(error < 1.3e-6, `${["the result", "the input's", "the kernel's"][place]}: ${error}`);
  });
});

Deno.test("convolutions of 3×3 go by tiles from 8 channels on, and their gradients, too", async () => {
  // A tile mixes its inputs and the kernel's taps: ∞ − ∞ is NaN, where sums of products stay infinite.
  const device = openCpu({ threads: 1 });
  const next = numbers(14);
  const positive = (shape: readonly number[], infinite: boolean) =>
    tensor(
      values(next, shape).map((value, at) => infinite && at === 0 ? Infinity : value + 1.001),
      {
        shape,
      },
    );
  const unit = triple(() => 1);
  const window = { strides: unit, dilation: unit, inputDilation: unit, groups: 1 };
  const none = triple(() => 0);
  for (const [channels, tiled] of [[8, true], [4, false]] as const) {
    const [x, kernel] = [[2, 1, 6, 6, channels], [1, 3, 3, channels, 16]];
    const options = { ...window, before: none, after: none };
    const y = convolution(positive(x, false), positive(kernel, true), options);
    const input = tensor(values(next, x), { shape: x });
    const weights = tensor(values(next, kernel), { shape: kernel });
    const outputs = convolution(input, weights, options);
    const mixed = positive(outputs.shape, true);
    const [dx, dKernel] = gradients(sum(mul(outputs, mixed)), [input, weights]);
    for (const result of await evaluateTensors([y, dx, dKernel], device)) {
      assert.equal(
        result.some((value: number) => Number.isNaN(value)),
        tiled,
        `${channels} channels`,
      );
    }
  }
  device.dispose();
});

Deno.test("convolutions of several images multiply no zeros around them", async () => {
  // Only the last tap lies on the image in the first corner: others would make NaN of its zeros.
  const device = openCpu({ threads: 1 });
  const next = numbers(3);
  const x = tensor(values(next, [7, 1, 5, 5, 8]), { shape: [7, 1, 5, 5, 8] });
  const weights = values(next, [1, 3, 3, 8, 5]).map((value, at) =>
    at < 8 * 8 * 5 ? Infinity : value
  );
  const kernel = tensor(weights, { shape: [1, 3, 3, 8, 5] });
  const window = {
    strides: triple(() => 1),
    before: [0, 2, 2] as Triple,
    after: [0, 2, 2] as Triple,
    dilation: triple(() => 1),
    inputDilation: triple(() => 1),
    groups: 1,
  };
  const [y] = await evaluateTensors([convolution(x, kernel, window)], device);
  device.dispose();
  for (let image = 0; image < 7; image++) {
    const corner = Array.from(y.slice(image * 49 * 5, image * 49 * 5 + 5));
    assert.ok(corner.every(Number.isFinite), `image ${image}: ${corner}`);
  }
});
