// F2: h = θ₀ + θ₁x₁ + θ₂x₂, J = 1/(2m) Σ (ŷ − y)², θ ← θ − α ∂J/∂θ.
import assert from "node:assert/strict";
import { map, pairwise, takeWhile } from "rxjs";
import {
  arrays,
  dense,
  type DeviceOptions,
  evaluate,
  exponentialDecay,
  fit,
  type FitOptions,
  halfMeanSquaredError,
  input,
  type Model,
  predict,
  sequential,
  sgd,
} from "../../mod.ts";
import { assertClose } from "../core/nn/close.ts";
import { testOnDevices } from "../devices.ts";
import { train } from "./networks.ts";

// No plane goes through these four points. With x₁ and x₂ in all four combinations the normal
// equations part: θ₁ = 4 − 1.5 (means of y where x₁ is 1 and 0), θ₂ = 3.5 − 2, θ₀ = 2.75 − θ₁/2 − θ₂/2.
const corners = [[0, 0], [1, 0], [0, 1], [1, 1]];
const heights = [[1], [3], [2], [5]];
const points = arrays(corners, heights);
const leastSquares = { kernel: [2.5, 1.5], bias: [0.75] };
// The four errors are ±1/4: J = 4 · (1/16) / 8.
const leastCost = 1 / 32;

function plane(): Model {
  return sequential([input([2]), dense(1, { kernelInitializer: "zeros" })]);
}

function descend(model: Model, device: DeviceOptions, options: Partial<FitOptions>) {
  const loss = halfMeanSquaredError();
  return fit(model, points, { loss, optimizer: sgd(), batchSize: 4, ...device, ...options });
}

function repeat(rows: number[][], times: number): number[][] {
  return new Array<number[][]>(times).fill(rows).flat();
}

function assertLeastSquares(model: Model, tolerance: number): void {
  const [kernel, bias] = model.parameters;
  assertClose(kernel.value, leastSquares.kernel, tolerance, "θ₁, θ₂");
  assertClose(bias.value, leastSquares.bias, tolerance, "θ₀");
}

await testOnDevices("F2: the cost at θ = 0 is (1 + 9 + 4 + 25) / 8", async (options) => {
  const loss = halfMeanSquaredError();
  assert.deepEqual(await evaluate(plane(), points, { loss, ...options }), { loss: 4.875 });
});

await testOnDevices("F2: one step goes from 0 to α times the mean of x · y", async (options) => {
  const model = plane();
  const optimizer = sgd({ learningRate: 0.1 });
  await train(model, descend(model, options, { optimizer }));
  // −∂J/∂θ at 0 is (3 + 5)/4, (2 + 5)/4 and, for the bias, 11/4.
  assertClose(model.parameters[0].value, [0.2, 0.175], 1e-6);
  assertClose(model.parameters[1].value, [0.275], 1e-6);
});

await testOnDevices("F2: batch gradient descent converges to least squares", async (options) => {
  const model = plane();
  const training = descend(model, options, {
    optimizer: sgd({ learningRate: 1 }),
    epochs: Infinity,
    shuffle: false,
  }).pipe(
    pairwise(),
    takeWhile(([before, after]) => before.logs.loss - after.logs.loss > 1e-7, true),
    map(([, epoch]) => epoch),
  );
  const { epoch: passes } = await train(model, training);
  // The slowest direction shrinks by 1 − 0.157 a step, its cost by the square.
  assert(passes > 20 && passes < 80, `converged after ${passes} passes`);
  assertLeastSquares(model, 2e-3);
  const { loss } = await evaluate(model, points, { loss: halfMeanSquaredError(), ...options });
  assertClose([loss], [leastCost], 1e-5);
  const { data } = await predict(model, points.x, options);
  assertClose(data, [0.75, 3.25, 2.25, 4.75], 2e-3);
});

await testOnDevices("F2: mini-batches of two come there with a falling rate", async (options) => {
  const model = plane();
  // At a constant rate every batch would pull to its own plane, and θ would never rest.
  const learningRate = exponentialDecay({
    initialLearningRate: 0.5,
    decaySteps: 100,
    decayRate: 0.5,
  });
  // Each point fifty times: the same least squares, and pairs of all kinds.
  const many = arrays(repeat(corners, 50), repeat(heights, 50));
  const training = fit(model, many, {
    loss: halfMeanSquaredError(),
    optimizer: sgd({ learningRate }),
    batchSize: 2,
    epochs: 8,
    seed: 3,
    ...options,
  });
  await train(model, training);
  assertLeastSquares(model, 0.02);
});
