/** Layers that normalise, against PyTorch: forward, gradients and moving averages, on every device. */
import assert from "node:assert/strict";
import { lastValueFrom } from "rxjs";
import { gradients, tensor } from "../../../core/ops/mod.ts";
import * as nn from "../../../core/nn/mod.ts";
import {
  arrays,
  backward,
  batchNormalization,
  connect,
  dense,
  evaluate,
  forward,
  freeze,
  frozen,
  functional,
  input,
  loss,
  meanSquaredError,
  miniBatches,
  predict,
  sequential,
  sgd,
  update,
} from "../../../mod.ts";
import golden from "../../golden/normalization.json" with { type: "json" };
import { mulberry32 } from "../ops/generator.ts";
import { evaluateOn, testOnDevices } from "../../devices.ts";
import { assertClose } from "./close.ts";
import { TestContext } from "./context.ts";
import { type GoldenCase, goldenLeaf } from "./golden.ts";

interface Case extends GoldenCase {
  layer: "batchNormalization";
  options: Record<string, never>;
  training: boolean;
}

const cases = golden.cases as unknown as Record<string, Case>;

for (const [name, given] of Object.entries(cases)) {
  const layer = nn[given.layer](given.options);
  Deno.test(`${name} makes weights of PyTorch's shapes`, () => {
    const made = layer.init(given.input.shape.slice(1), nn.namedKey(1, "layer"));
    assert.deepEqual(made.outputShape, given.output.shape.slice(1));
    for (const { name, shape } of made.parameters) {
      if (name in given.weights) assert.deepEqual(shape, given.weights[name].shape);
      else assert.ok(given.training && name.startsWith("moving_"), name);
    }
  });

  await testOnDevices(`${name} gives PyTorch's outputs and gradients`, async (device) => {
    const x = goldenLeaf(given.input);
    const weights = Object.fromEntries(
      Object.entries(given.weights).map(([role, value]) => [role, goldenLeaf(value)]),
    );
    // Moving averages that training does not read, only moves.
    const features = given.weights.gamma?.shape[0] ?? 1;
    const unused = tensor(new Float32Array(features));
    const states = { moving_mean: unused, moving_variance: unused };
    const context = new TestContext(given.training);
    const y = layer.apply({ ...states, ...weights }, x, context);
    const roles = Object.keys(given.gradients);
    const sources = roles.map((role) => role === "input" ? x : weights[role]);
    const slopes = gradients(y, sources, goldenLeaf(given.upstream));
    const [output, ...found] = await evaluateOn(device, [y, ...slopes]);
    assertClose(output, given.output.data, 5e-6, "output");
    roles.forEach((role, place) =>
      assertClose(found[place], given.gradients[role].data, 2e-5, `gradient of ${role}`)
    );
  });
}

await testOnDevices("moving averages follow PyTorch's over several steps", async (device) => {
  const { input: inputs, batchSize, momentum, mean, variance } = golden.moving;
  const model = sequential([input([5]), batchNormalization({ momentum })]);
  const data = arrays(Float32Array.from(inputs.data), inputs.data.map(() => 0).slice(0, 48), {
    inputShape: [5],
  });
  const wide = { ...data, y: { data: new Float32Array(240), shape: [48, 5] } };
  await lastValueFrom(
    miniBatches(wide, { batchSize, shuffle: false, ...device }).pipe(
      forward(model),
      loss(meanSquaredError()),
      backward(),
      update(sgd({ learningRate: 0.1 })),
    ),
  );
  const weights = Object.fromEntries(model.parameters.map(({ name, value }) => [name, value]));
  assertClose(weights["batch_normalization_1/moving_mean"], mean.data, 2e-6, "mean");
  assertClose(weights["batch_normalization_1/moving_variance"], variance.data, 5e-6, "variance");
});

const random = mulberry32(8);
const rows = Array.from({ length: 64 }, () => [random() * 9 + 4, random() - 7]);
const data = arrays(rows, rows.map(([a, b]) => [a * 0.3 - b + random()]));
const start = input([2]);
const cpu = { device: "cpu", threads: 1 } as const;

const network = (options: Parameters<typeof batchNormalization>[0] = {}) =>
  sequential([input([2]), batchNormalization({ momentum: 0.8, ...options }), dense(1)]);

async function train(model: nn.Model, epochs = 20, frozen?: string) {
  const differentiated = miniBatches(data, { batchSize: 16, epochs, ...cpu }).pipe(
    forward(model),
    loss(meanSquaredError()),
    backward(),
  );
  const held = frozen ? differentiated.pipe(freeze(frozen)) : differentiated;
  await lastValueFrom(held.pipe(update(sgd({ learningRate: 0.05 }))));
  return Object.fromEntries(
    model.parameters.map(({ name, value }) => [name.replace(/^.*\//, ""), Array.from(value)]),
  );
}

Deno.test("with normalised inputs a network learns, and inference agrees with training", async () => {
  const model = network();
  const { moving_mean, moving_variance } = await train(model);
  for (const place of [0, 1]) {
    const mean = rows.reduce((sum, row) => sum + row[place] / 64, 0);
    const variance = rows.reduce((sum, row) => sum + (row[place] - mean) ** 2 / 64, 0);
    assert.ok(Math.abs(moving_mean[place] - mean) < 0.15 * Math.sqrt(variance) + 0.05);
    assert.ok(Math.abs(moving_variance[place] / variance - 1) < 0.25);
  }
  const { loss: value } = await evaluate(model, data, { loss: meanSquaredError(), ...cpu });
  assert.ok(value < 0.3, `${value}`);
});

Deno.test("inference of a sample does not hang on the others", async () => {
  const model = network();
  await train(model, 3);
  const all = await predict(model, data.x, cpu);
  const one = await predict(model, { data: data.x.data.subarray(0, 2), shape: [1, 2] }, cpu);
  assert.ok(Math.abs(one.data[0] - all.data[0]) < 1e-5);
});

Deno.test("a frozen layer stands still: it takes its moving averages in training too", async () => {
  const model = network({ trainable: false });
  const { gamma, beta, moving_mean, moving_variance, kernel } = await train(model, 2);
  assert.deepEqual([gamma, beta, moving_mean, moving_variance], [[1, 1], [0, 0], [0, 0], [1, 1]]);
  assert.notDeepEqual(kernel, Array.from(network().parameters[4].value));
});

Deno.test("in a frozen model, or frozen by itself, the averages stand still", async () => {
  const inner = sequential([input([2]), batchNormalization({ momentum: 0.8 })], { name: "inner" });
  for (const layer of [frozen(inner), frozen(batchNormalization({ momentum: 0.8 }))] as const) {
    const model = functional({ inputs: start, outputs: connect(connect(start, layer), dense(1)) });
    const { gamma, moving_mean, moving_variance, kernel } = await train(model, 2);
    assert.deepEqual([gamma, moving_mean, moving_variance], [[1, 1], [0, 0], [1, 1]]);
    assert.equal(kernel.length, 2);
  }
  // The original goes on learning.
  const model = functional({ inputs: start, outputs: connect(connect(start, inner), dense(1)) });
  assert.notDeepEqual((await train(model, 2)).moving_mean, [0, 0]);
});

Deno.test("frozen within another layer, the averages stand still", async () => {
  const still = () => frozen(batchNormalization({ momentum: 0.8 }));
  for (
    const layer of [
      nn.timeDistributed(still()),
      nn.timeDistributed(nn.timeDistributed(still())),
      nn.bidirectional(nn.timeDistributed(still())),
      nn.residual([still()]),
    ]
  ) {
    const model = sequential([start, nn.reshapeLayer([1, 1, 2]), layer, nn.flatten(), dense(1)]);
    const moving = Object.entries(await train(model, 2)).filter(([role]) => /moving/.test(role));
    assert.ok(moving.length >= 2);
    for (const [role, value] of moving) {
      assert.deepEqual(value, /mean/.test(role) ? [0, 0] : [1, 1], `${layer.type}: ${role}`);
    }
  }
});

Deno.test("under freeze() gamma and beta stand still, and the averages go on", async () => {
  const weights = await train(network(), 2, "batch_normalization_1");
  assert.deepEqual([weights.gamma, weights.beta], [[1, 1], [0, 0]]);
  assert.notDeepEqual(weights.moving_mean, [0, 0]);
});

Deno.test("a batch of equal samples gives beta, and finite slopes", async () => {
  const same = arrays([[3, 3], [3, 3]], [[1], [1]]);
  const model = network();
  await lastValueFrom(
    miniBatches(same, { epochs: 5, ...cpu }).pipe(
      forward(model),
      loss(meanSquaredError()),
      backward(),
      update(sgd()),
    ),
  );
  assert.ok(model.parameters.every(({ value }) => value.every(Number.isFinite)));
});

Deno.test("wrong axes, groups and constants are refused", () => {
  const build = (layer: nn.Layer, shape = [4, 6]) => () => sequential([input(shape), layer]);
  assert.throws(
    build(nn.batchNormalization({ axis: 0 })),
    /batch_normalization_1: expected axes from 1 to 2 .* got 0/,
  );
  assert.throws(build(nn.layerNormalization({ axis: [1, -2] })), /each once, .* got 1, -2/);
  assert.throws(build(nn.layerNormalization({ axis: [] })), /got none/);
  assert.throws(build(nn.unitNormalization({ axis: 3 })), /got 3/);
  assert.throws(build(nn.prelu({ sharedAxes: [5] })), /p_re_lu_1: expected axes/);
  assert.throws(build(nn.groupNormalization()), /expected features that 32 groups divide, got 6/);
  assert.throws(() => nn.groupNormalization({ groups: 0 }), /whole number from 1: received 0/);
  assert.throws(
    () => nn.batchNormalization({ momentum: 1.5 }),
    /momentum of batchNormalization .* received 1.5/,
  );
  assert.throws(() => nn.rmsNormalization({ epsilon: 0 }), /epsilon of rmsNormalization/);
  assert.throws(() => nn.activityRegularization({ l1: -1 }), /l1 of activityRegularization/);
});

Deno.test("a shared layer goes on from what its first place in the model has assigned", async () => {
  const shared = batchNormalization({ momentum: 0.5, name: "shared" });
  const x = input([2]);
  const first = connect(x, shared);
  const model = functional({ inputs: x, outputs: connect(first, shared) });
  const still = sgd({ learningRate: 0 });
  await lastValueFrom(
    miniBatches({ ...data, y: { data: new Float32Array(128), shape: [64, 2] } }, {
      batchSize: 64,
      ...cpu,
    }).pipe(forward(model), loss(meanSquaredError()), backward(), update(still)),
  );
  const { value } = model.parameters.find(({ name }) => name === "shared/moving_mean")!;
  // Half of the batch's mean, and half of that again with the mean of normalised values, 0.
  for (const place of [0, 1]) {
    const mean = rows.reduce((sum, row) => sum + row[place] / 64, 0);
    assert.ok(Math.abs(value[place] - mean / 4) < 1e-5, `${value[place]} for ${mean / 4}`);
  }
});
