/** Layers that keep state, penalties and constraints: what training, validation and logs make of them. */
import assert from "node:assert/strict";
import { lastValueFrom, toArray } from "rxjs";
import {
  arrays,
  type Constraint,
  dense,
  type DeviceOptions,
  epochs,
  evaluate,
  fit,
  input,
  type Layer,
  maximum,
  mean,
  meanSquaredError,
  predict,
  type Regularizer,
  sequential,
  sgd,
} from "../../mod.ts";
import { mulberry32 } from "../core/ops/generator.ts";
import { testOnDevices } from "../devices.ts";
import { steps, weightsOf } from "./pipes.ts";

/** The sum of squares, times `factor`. */
const squares = (factor: number): Regularizer => ({
  name: "squares",
  apply: (weight) => weight.square().sum().mul(factor),
});

const atLeast = (least: number): Constraint => ({
  name: "at_least",
  apply: (weight) => maximum(weight, least),
});

/** Subtracts a moving mean of its inputs, as they were before the batch. */
function centering(momentum: number, transform = (x: ReturnType<typeof mean>) => x): Layer {
  return {
    type: "Centering",
    name: "",
    init: (shape) => ({
      outputShape: shape,
      parameters: [{
        name: "moving_mean",
        shape,
        values: new Float32Array(shape[0]).fill(0.5),
        trainable: false,
      }],
    }),
    apply({ moving_mean }, x, context) {
      const next = moving_mean.mul(momentum).add(mean(transform(x), 0).mul(1 - momentum));
      context.assign("moving_mean", next);
      return x.sub(moving_mean);
    },
  };
}

const random = mulberry32(11);
const xs = Array.from({ length: 12 }, () => [random() * 2 - 1, random() * 3]);
const ys = xs.map(([a, b]) => [a - 2 * b]);
const data = arrays(xs, ys);

function close(actual: ArrayLike<number>, expected: ArrayLike<number>, within = 1e-5): void {
  assert.equal(actual.length, expected.length);
  for (let index = 0; index < expected.length; index++) {
    const error = Math.abs(actual[index] - expected[index]);
    assert.ok(
      error <= within * (1 + Math.abs(expected[index])),
      `${[...Array.from(actual)]} for ${Array.from(expected)}`,
    );
  }
}

await testOnDevices(
  "a layer's own weight takes what the layer assigns, in training alone",
  async (options) => {
    const model = sequential([input([2]), centering(0.9), dense(1)]);
    const expected = [0.5, 0.5];
    for (let epoch = 0; epoch < 3; epoch++) {
      for (let start = 0; start < 12; start += 4) {
        const batch = xs.slice(start, start + 4);
        for (const place of [0, 1]) {
          const average = batch.reduce((sum, row) => sum + row[place] / 4, 0);
          expected[place] = expected[place] * 0.9 + average * 0.1;
        }
      }
    }
    const pipe = steps(model, data, sgd({ learningRate: 0.01 }), {
      batchSize: 4,
      epochs: 3,
      shuffle: false,
      ...options,
    }, meanSquaredError()).pipe(epochs({ validation: data }));
    await lastValueFrom(pipe);
    close((await weightsOf(model))["centering_1/moving_mean"], expected);
    // Inference uses the weight and leaves it.
    const before = await weightsOf(model);
    const { data: outputs } = await predict(model, data.x, options);
    const { loss: measured } = await evaluate(model, data, {
      loss: meanSquaredError(),
      ...options,
    });
    assert.deepEqual(await weightsOf(model), before);
    const { "dense_1/kernel": kernel, "dense_1/bias": bias } = before;
    const predicted = xs.map(([a, b]) =>
      (a - expected[0]) * kernel[0] + (b - expected[1]) * kernel[1] + bias[0]
    );
    close(outputs, predicted, 1e-4);
    const errors = predicted.reduce((sum, y, place) => sum + (y - ys[place][0]) ** 2 / 12, 0);
    close([measured], [errors], 1e-4);
  },
);

await testOnDevices(
  "a value that is not finite never enters a layer's own weight",
  async (options) => {
    // The logarithm of a negative number is NaN: some batches have one in the first column.
    const model = sequential([input([2]), centering(0.5, (x) => x.log()), dense(1)]);
    const expected = [0.5, 0.5];
    for (let start = 0; start < 12; start += 2) {
      for (const place of [0, 1]) {
        const next = expected[place] * 0.5 +
          (Math.log(xs[start][place]) + Math.log(xs[start + 1][place])) / 4;
        if (Number.isFinite(next)) expected[place] = next;
      }
    }
    const settings = { batchSize: 2, shuffle: false, ...options };
    await lastValueFrom(steps(model, data, sgd(), settings, meanSquaredError()));
    close((await weightsOf(model))["centering_1/moving_mean"], expected);
  },
);

Deno.test("of two values assigned to a weight in one step the last holds", async () => {
  const shared: Layer = {
    type: "Twice",
    name: "twice",
    init: (shape) => ({
      outputShape: shape,
      parameters: [{ name: "count", shape: [1], values: Float32Array.of(0), trainable: false }],
    }),
    apply({ count }, x, context) {
      context.assign("count", count.add(1));
      context.assign("count", count.add(2));
      return x;
    },
  };
  const model = sequential([input([2]), shared, dense(1)]);
  const settings = { batchSize: 4, device: "cpu", threads: 1 } as const;
  await lastValueFrom(steps(model, data, sgd(), settings, meanSquaredError()));
  assert.deepEqual((await weightsOf(model))["twice/count"], [6]);
});

for (
  const [what, layer, message] of [
    ["a weight that is not there", "nothing", /stateful_1: expected a weight to assign to/],
    ["another shape", "own", /stateful_1: expected a value of shape \[1\] to assign to/],
    ["a trainable weight", "slope", /stateful_1: .*stateful_1\/slope.* is trainable/],
  ] as const
) {
  Deno.test(`a layer cannot assign ${what}`, async () => {
    const stateful: Layer = {
      type: "Stateful",
      name: "",
      init: (shape) => ({
        outputShape: shape,
        parameters: ["own", "slope"].map((name) => ({
          name,
          shape: [1],
          values: Float32Array.of(1),
          trainable: name === "slope",
        })),
      }),
      apply(_weights, x, context) {
        context.assign(layer, layer === "own" ? x : mean(x).reshape([1]));
        return x;
      },
    };
    const model = sequential([input([2]), stateful, dense(1)]);
    const settings = { batchSize: 4, device: "cpu", threads: 1 } as const;
    await assert.rejects(
      lastValueFrom(steps(model, data, sgd(), settings, meanSquaredError())),
      message,
    );
  });
}

/** One step from known weights over `data` in one batch, and the logs with validation. */
async function oneStep(
  layer: Parameters<typeof dense>[1],
  options: DeviceOptions,
  rate = 0.05,
) {
  const model = sequential([input([2]), dense(1, { kernelInitializer: "ones", ...layer })]);
  const bias = 0.25;
  model.parameters[1].set([bias]);
  const pipe = fit(model, data, {
    loss: meanSquaredError(),
    optimizer: sgd({ learningRate: rate }),
    batchSize: 12,
    validation: data,
    ...options,
  });
  const [{ logs }] = await lastValueFrom(pipe.pipe(toArray()));
  return { logs, weights: await weightsOf(model) };
}

/** Mean squared error of y = x·w + b over `data`, and its slopes. */
function error([first, second]: number[], bias: number) {
  const outputs = xs.map(([a, b]) => a * first + b * second + bias);
  const errors = outputs.map((y, place) => y - ys[place][0]);
  const average = (values: number[]) => values.reduce((sum, value) => sum + value / 12, 0);
  return {
    outputs,
    value: average(errors.map((e) => e * e)),
    slopes: [0, 1].map((place) => average(errors.map((e, row) => 2 * e * xs[row][place]))),
    slopeOfBias: average(errors.map((e) => 2 * e)),
  };
}

await testOnDevices(
  "penalties of weights are differentiated, logged and validated",
  async (options) => {
    const { logs, weights } = await oneStep(
      { kernelRegularizer: squares(0.1), biasRegularizer: squares(3) },
      options,
    );
    const { value, slopes, slopeOfBias } = error([1, 1], 0.25);
    close([logs.loss], [value + 0.1 * 2 + 3 * 0.0625]);
    const kernel = slopes.map((slope) => 1 - 0.05 * (slope + 0.2));
    const bias = 0.25 - 0.05 * (slopeOfBias + 6 * 0.25);
    close(weights["dense_1/kernel"], kernel);
    close(weights["dense_1/bias"], [bias]);
    const after = error(kernel, bias);
    const penalty = 0.1 * (kernel[0] ** 2 + kernel[1] ** 2) + 3 * bias ** 2;
    close([logs.val_loss], [after.value + penalty]);
  },
);

await testOnDevices(
  "a penalty on outputs is divided by the batch, and slopes flow through it",
  async (options) => {
    const { logs, weights } = await oneStep({ activityRegularizer: squares(0.3) }, options);
    const { value, outputs, slopeOfBias } = error([1, 1], 0.25);
    const average = (values: number[]) => values.reduce((sum, each) => sum + each / 12, 0);
    close([logs.loss], [value + 0.3 * average(outputs.map((y) => y * y))]);
    const slope = slopeOfBias + 0.6 * average(outputs);
    close(weights["dense_1/bias"], [0.25 - 0.05 * slope]);
  },
);

await testOnDevices("a constraint holds after every update", async (options) => {
  const { weights } = await oneStep({
    kernelConstraint: atLeast(0.95),
    biasConstraint: atLeast(-0.1),
  }, options);
  const { slopes, slopeOfBias } = error([1, 1], 0.25);
  const plain = slopes.map((slope) => 1 - 0.05 * slope);
  assert.ok(plain.some((value) => value < 0.95), "one of them is held back");
  close(weights["dense_1/kernel"], plain.map((value) => Math.max(value, 0.95)));
  close(weights["dense_1/bias"], [Math.max(0.25 - 0.05 * slopeOfBias, -0.1)]);
});

await testOnDevices(
  "weights of a layer that is not trainable stay, and have no penalty",
  async (options) => {
    const { logs, weights } = await oneStep(
      { trainable: false, kernelRegularizer: squares(1) },
      options,
    );
    const { value } = error([1, 1], 0.25);
    close([logs.loss, logs.val_loss], [value, value]);
    assert.deepEqual(weights, { "dense_1/kernel": [1, 1], "dense_1/bias": [0.25] });
  },
);
