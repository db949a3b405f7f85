// F12: how weights start, and what that does to the gradients of a deep network.
import assert from "node:assert/strict";
import { lastValueFrom, map, mergeMap, type OperatorFunction } from "rxjs";
import {
  type ActivationName,
  arrays,
  backward,
  dense,
  type DeviceOptions,
  type Differentiated,
  forward,
  glorotNormal,
  glorotUniform,
  heNormal,
  type Initializer,
  input,
  lecunNormal,
  loss,
  meanSquaredError,
  miniBatches,
  namedKey,
  randomNormal,
  sequential,
  sgd,
  type Tensor,
  update,
} from "../../mod.ts";
import { testOnDevices } from "../devices.ts";
import { seededNumbers } from "./networks.ts";

const statistics = (values: Float32Array) => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, deviation: Math.sqrt(variance), largest: Math.max(...values.map(Math.abs)) };
};

// For a kernel of 784 inputs and 30 units.
const spreads: [name: string, initializer: Initializer, deviation: number, largest: number][] = [
  ["randomNormal of 0.05", randomNormal({ standardDeviation: 0.05 }), 0.05, 1],
  // √(6 / 814) is the limit, and a uniform's deviation is that over √3.
  ["glorotUniform", glorotUniform(), 0.049568, 0.085855],
  // √(2 / 814), √(2 / 784) and √(1 / 784); Keras cuts these off at two deviations of the uncut one.
  ["glorotNormal", glorotNormal(), 0.049568, 0.049568 * 2 / 0.87962566],
  ["heNormal", heNormal(), 0.050508, 0.050508 * 2 / 0.87962566],
  ["lecunNormal", lecunNormal(), 0.035714, 0.035714 * 2 / 0.87962566],
];

for (const [name, initializer, expected, bound] of spreads) {
  Deno.test(`F12: ${name} starts with the spread of its formula`, () => {
    const values = initializer.values([784, 30], namedKey(7, "dense_1/kernel"));
    const { mean, deviation, largest } = statistics(values);
    // Four standard errors of 23,520 draws.
    assert(Math.abs(mean) < 4 * expected / Math.sqrt(values.length), `mean ${mean}`);
    assert(Math.abs(deviation / expected - 1) < 0.02, `deviation ${deviation}`);
    assert(largest <= bound * 1.00001, `largest ${largest}`);
    assert.equal(new Set(values).size > 20_000, true, "units that start alike would stay alike");
  });
}

/** The norm of each layer's kernel gradient, first layer first: an operator like any other. */
function gradientNorms(): OperatorFunction<Differentiated, number[]> {
  return (steps) =>
    steps.pipe(
      map(({ gradients }) =>
        [...gradients].filter(([{ name }]) => name.endsWith("/kernel"))
          .map(([, gradient]) => normOf(gradient).data())
      ),
      mergeMap((norms) => Promise.all(norms)),
      map((norms) => norms.map(([norm]) => norm)),
    );
}

const normOf = (gradient: Tensor) => gradient.square().sum().sqrt();

const rows = Array.from({ length: 16 }, (_, row) => seededNumbers(16, row + 1));
const data = arrays(rows, rows.map(([first, second]) => [first * second]));

/** Ten layers of sixteen units and one of one, and the gradient norms of all at the first step. */
function normsOf(
  activation: ActivationName,
  kernelInitializer: Initializer,
  options: DeviceOptions,
): Promise<number[]> {
  const layer = () => dense(16, { activation, kernelInitializer });
  const model = sequential([input([16]), ...Array.from({ length: 10 }, layer), dense(1)], {
    seed: 3,
  });
  const steps = miniBatches(data, { batchSize: 16, ...options }).pipe(
    forward(model),
    loss(meanSquaredError()),
    backward(),
    gradientNorms(),
  );
  return lastValueFrom(steps);
}

await testOnDevices(
  "F12: ten sigmoid layers with small weights: gradients vanish",
  async (options) => {
    const norms = await normsOf("sigmoid", randomNormal({ standardDeviation: 0.05 }), options);
    assert.equal(norms.length, 11);
    // Every layer on the way takes a factor of about ¼ · 0.05 · √16.
    assert(norms[0] > 0 && norms[0] < 1e-9 * norms[10], `${norms}`);
    for (let layer = 1; layer < 10; layer++) {
      assert(
        norms[layer - 1] < norms[layer] / 3,
        `${norms}`,
      );
    }
  },
);

await testOnDevices(
  "F12: relu with He's weights: every layer hears of the error",
  async (options) => {
    const norms = await normsOf("relu", heNormal(), options);
    const [least, most] = [Math.min(...norms), Math.max(...norms)];
    assert(least > 0 && most / least < 20, `${norms}`);
  },
);

await testOnDevices("F12: relu with weights of deviation 1: gradients explode", async (options) => {
  const [calm, wild] = [
    await normsOf("relu", heNormal(), options),
    await normsOf("relu", randomNormal({ standardDeviation: 1 }), options),
  ];
  // Each of ten layers multiplies by √8 more than He's, on the way there and on the way back.
  assert(Math.min(...wild) > 1e4 * Math.max(...calm), `${wild} against ${calm}`);
});

await testOnDevices(
  "F12: the norms are a stream, one value for every step of a training",
  async (options) => {
    const model = sequential([
      input([16]),
      dense(8, { activation: "tanh", kernelInitializer: "glorotUniform" }),
      dense(1),
    ], { seed: 3 });
    const seen: number[][] = [];
    const steps = miniBatches(data, { batchSize: 8, epochs: 3, ...options }).pipe(
      forward(model),
      loss(meanSquaredError()),
      backward(),
      map((step) => {
        // Reading does not stop the step, which goes on to its update.
        const norms = [...step.gradients.values()].map((gradient) => normOf(gradient).data());
        step.hold(Promise.all(norms).then((values) => seen.push(values.map(([norm]) => norm))));
        return step;
      }),
      update(sgd({ learningRate: 0.1 })),
    );
    await lastValueFrom(steps);
    assert.equal(seen.length, 6);
    assert(seen.flat().every((norm) => norm > 0));
    assert.equal(new Set(seen.map(([first]) => first)).size, 6, "every step has its own");
  },
);
