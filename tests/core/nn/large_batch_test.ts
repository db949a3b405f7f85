/**
 * Samples of real sizes, where kernels go other ways than in small tests: a batch gives what each sample
 * gives alone, and gradients of weights are the sums of theirs.
 */
import assert from "node:assert/strict";
import { evaluateTensors } from "../../../core/cpu/evaluate.ts";
import type { Device } from "../../../core/graph/device.ts";
import type { TensorData } from "../../../core/graph/dtype.ts";
import { sizeOf } from "../../../core/graph/shape.ts";
import * as nn from "../../../core/nn/mod.ts";
import { gradients, sum, tensor } from "../../../core/ops/mod.ts";
import { deviceTest } from "../../training/devices.ts";
import { mulberry32 } from "../ops/generator.ts";
import { constantContext } from "./context.ts";

const cases: [shape: number[], layer: nn.Layer][] = [
  [[32, 32, 64], nn.globalMaxPooling2d()],
  [[32, 32, 64], nn.globalAveragePooling2d()],
  [[500, 180], nn.globalAveragePooling1d()],
  [[9, 27, 13, 24], nn.globalMaxPooling3d()],
  [[33, 31, 40], nn.maxPooling2d(3, { strides: 2, padding: "same" })],
  [[33, 31, 40], nn.averagePooling2d(3, { strides: 2, padding: "same" })],
  [[20, 18, 64], nn.conv2d(64, 3, { padding: "same" })],
  [[33, 30, 24], nn.conv2d(40, 3, { strides: 2, padding: "same" })],
  [[28, 28, 100], nn.conv2d(70, 1)],
  [[40, 40, 3], nn.conv2d(32, 7, { strides: 2, padding: "same" })],
  [[24, 24, 16], nn.conv2d(24, 3, { dilationRate: 2, padding: "same" })],
  [[16, 16, 48], nn.conv2d(64, 3, { groups: 4, padding: "same" })],
  [[33, 33, 50], nn.depthwiseConv2d(3, { padding: "same" })],
  [[33, 33, 50], nn.depthwiseConv2d(5, { strides: 2, padding: "same" })],
  [[20, 20, 30], nn.separableConv2d(44, 3, { padding: "same" })],
  [[12, 13, 40], nn.conv2dTranspose(24, 4, { strides: 2, padding: "same" })],
  [[300, 40], nn.conv1d(64, 5, { padding: "causal", dilationRate: 4 })],
  [[8, 10, 12, 16], nn.conv3d(20, 3, { padding: "same" })],
  [[1000], nn.dense(513, { activation: "gelu" })],
  [[200, 100], nn.dense(130, { activation: "tanh" })],
  [[100, 300], nn.layerNormalization()],
  [[24, 24, 64], nn.groupNormalization({ groups: 8 })],
  [[50, 500], nn.rmsNormalization()],
  [[60, 70], nn.lstm(90, { returnSequences: true })],
  [[60, 70], nn.gru(90)],
  [[40, 40], nn.bidirectional(nn.simpleRnn(33, { returnSequences: true }))],
  [[6, 12, 12, 5], nn.convLstm2d(9, 3, { padding: "same" })],
  [[300, 70], nn.softmaxLayer({ axis: 1 })],
  [[20, 20, 30], nn.upSampling2d(2, { interpolation: "bilinear" })],
  [[30, 40, 50], nn.permute([3, 1, 2])],
];

const samples = 3;

/** Outputs, then the gradients by the inputs and by each weight, for some of the samples. */
async function compute(
  device: Device,
  layer: nn.Layer,
  shape: readonly number[],
  from: number,
  count: number,
): Promise<TensorData[]> {
  const random = mulberry32(11);
  const draw = (size: number, scale: number) =>
    Float32Array.from({ length: size }, () => scale * (2 * random() - 1));
  /** Those of the samples, of numbers for all. */
  const numbers = (of: readonly number[]) => {
    const size = sizeOf(of);
    const data = draw(samples * size, 1).subarray(from * size, (from + count) * size);
    return tensor(data, { shape: [count, ...of] });
  };
  const model = nn.sequential([nn.input(shape), layer]);
  const x = numbers(shape);
  const weights = model.parameters.map((weight) =>
    [weight, tensor(draw(sizeOf(weight.shape), 0.2), { shape: weight.shape })] as const
  );
  const y = model.apply(new Map(weights), x, constantContext());
  const loss = sum(y.mul(numbers(y.shape.slice(1))));
  const found = gradients(loss, [x, ...weights.map(([, weight]) => weight)]);
  // Apart, as in a prediction: together with gradients, outputs may come from other loops.
  const [outputs] = await evaluateTensors([y], device);
  return [outputs, ...await evaluateTensors(found, device)];
}

function assertClose(found: ArrayLike<number>, expected: ArrayLike<number>, name: string): void {
  assert.equal(found.length, expected.length, name);
  let largest = 0;
  for (let at = 0; at < found.length; at++) largest = Math.max(largest, Math.abs(expected[at]));
  for (let at = 0; at < found.length; at++) {
    if (Math.abs(found[at] - expected[at]) <= 1e-5 * largest) continue;
    assert.fail(`${name}: element ${at} is ${found[at]} and not ${expected[at]}`);
  }
}

function joined(parts: readonly TensorData[]): Float32Array {
  const all = new Float32Array(parts.length * parts[0].length);
  parts.forEach((part, place) => all.set(part, place * part.length));
  return all;
}

await deviceTest(
  "a batch of large samples gives what each gives alone",
  async (device) => {
    for (const [shape, layer] of cases) {
      const together = await compute(device, layer, shape, 0, samples);
      const alone = await Promise.all(
        Array.from({ length: samples }, (_, sample) => compute(device, layer, shape, sample, 1)),
      );
      together.forEach((found, place) => {
        const parts = alone.map((results) => results[place]);
        const name = `${layer.type} of ${shape}, ${
          ["outputs", "by inputs"][place] ?? `by weight ${place - 2}`
        }`;
        const expected = place < 2
          ? joined(parts)
          : Array.from(found, (_, at) => parts.reduce((total, part) => total + part[at], 0));
        assertClose(found, expected, name);
      });
    }
  },
  "cpu, 2",
);
