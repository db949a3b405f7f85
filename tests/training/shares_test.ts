/** Threads share a step wherever their shares are cut: to the same bits. */
import assert from "node:assert/strict";
import {
  adam,
  arrays,
  averagePooling2d,
  batchNormalization,
  conv1d,
  conv2d,
  dense,
  depthwiseConv2d,
  dropout,
  embedding,
  flatten,
  globalAveragePooling1d,
  gru,
  input,
  type Layer,
  layerNormalization,
  maxPooling2d,
  reshapeLayer,
  sequential,
  transformerEncoder,
} from "../../mod.ts";
import { mulberry32 } from "../core/ops/generator.ts";
import { TestCpu } from "../core/cpu/test_cpu.ts";
import { lossesOf, steps, weightsOf } from "./pipes.ts";

const relu = { activation: "relu" } as const;

const networks: Record<string, () => Layer[]> = {
  "dense layers of odd widths": () => [dense(37, relu), dropout(0.3), dense(130, relu)],
  "many zeros": () => [dropout(0.9), dense(33, relu), dense(64, relu)],
  "convolutions of few channels": () => [
    reshapeLayer([8, 8, 1]),
    conv2d(5, 3, relu),
    maxPooling2d(2),
    depthwiseConv2d(3),
    flatten(),
  ],
  "convolutions of many channels": () => [
    reshapeLayer([8, 8, 1]),
    conv2d(16, 3, { ...relu, padding: "same" }),
    conv2d(16, 3, relu),
    batchNormalization(),
    averagePooling2d(2),
    flatten(),
  ],
  "recurrence":
    () => [reshapeLayer([8, 8]), gru(13, { returnSequences: true }), conv1d(9, 3), gru(7)],
  "attention": () => [reshapeLayer([8, 8]), transformerEncoder(12, 2), globalAveragePooling1d()],
  "embedding": () => [embedding(5, 6), layerNormalization(), globalAveragePooling1d()],
};

const random = mulberry32(8);
const rows = (values: () => number) =>
  Array.from({ length: 140 }, () => Array.from({ length: 64 }, values));
const labels = Array.from({ length: 140 }, () => Math.floor(random() * 3));
const numbers = arrays(rows(() => random() - 0.3), labels, { classes: 3 });
const ids = arrays(rows(() => Math.floor(random() * 5)), labels, { classes: 3 });

for (const [name, layers] of Object.entries(networks)) {
  Deno.test(`${name}: wherever the shares of threads are cut, the bits are those of one`, async () => {
    const data = name === "embedding" ? ids : numbers;
    const train = async (device: TestCpu) => {
      const model = sequential([input([64]), ...layers(), dense(3)], { seed: 4 });
      const losses = await lossesOf(
        steps(model, data, adam(), { batchSize: 35, device, epochs: 4 }),
      );
      return { losses, weights: await weightsOf(model) };
    };
    using one = new TestCpu(1);
    using three = new TestCpu(3);
    const expected = await train(one);
    await three.ready();
    await train(three); // its modules are loaded
    await three.ready();
    for (let turn = 0; turn < 3; turn++) {
      three.moved = () => {
        const [one, other] = [random(), random()].map((at) => Math.floor(at * 65536));
        return [Math.min(one, other) - 21845, Math.max(one, other) - 43690];
      };
      assert.deepEqual(await train(three), expected);
    }
    assert.ok(three.together >= 3 * 16);
  });
}
