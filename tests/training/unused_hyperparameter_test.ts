// A hyperparameter that an operator changes, and that was given to nothing else.
import assert from "node:assert/strict";
import { lastValueFrom, map, type Observable } from "rxjs";
import {
  arrays,
  backward,
  dense,
  dropout,
  dropoutSchedule,
  type Epoch,
  epochs,
  findLearningRate,
  forward,
  type Hyperparameter,
  hyperparameter,
  input,
  learningRateSchedule,
  loss,
  meanSquaredError,
  miniBatches,
  reduceOnPlateau,
  type ScalarSource,
  sequential,
  sgd,
  stochasticWeightAveraging,
  update,
  type Updated,
} from "../../mod.ts";
import { warningsOf } from "../warnings.ts";

const data = arrays([[1], [2], [3], [4]], [[2], [4], [6], [8]]);

/** Steps of a network whose optimizer and dropout are given `used`. */
function training(used: ScalarSource): Observable<Updated> {
  const model = sequential([input([1]), dense(2), dropout(used), dense(1)], { seed: 1 });
  return miniBatches(data, { batchSize: 2, epochs: 4, device: "cpu", threads: 1 }).pipe(
    forward(model),
    loss(meanSquaredError()),
    backward(),
    update(sgd({ learningRate: used })),
  );
}

const onEpochs =
  (operator: (rate: Hyperparameter) => (source: Observable<Epoch>) => unknown) =>
  (steps: Observable<Updated>, rate: Hyperparameter) =>
    operator(rate)(steps.pipe(epochs())) as Observable<unknown>;

const operators: Record<
  string,
  (steps: Observable<Updated>, rate: Hyperparameter) => Observable<unknown>
> = {
  learningRateSchedule: onEpochs((rate) => learningRateSchedule(rate, () => 0.01)),
  dropoutSchedule: onEpochs((rate) => dropoutSchedule(rate, () => 0.02)),
  reduceOnPlateau: onEpochs((rate) => reduceOnPlateau(rate, { monitor: "loss" })),
  findLearningRate: (steps, rate) => steps.pipe(findLearningRate(rate, { steps: 5, to: 0.01 })),
  stochasticWeightAveraging: (steps, rate) =>
    steps.pipe(stochasticWeightAveraging(rate, { swaLearningRate: 0.01 })),
};

for (const [name, operator] of Object.entries(operators)) {
  Deno.test(`${name} says once when nothing listens to what it changes`, async () => {
    const rate = hyperparameter(0.01, { name: "rate" });
    const run = (used: ScalarSource) =>
      warningsOf(() => lastValueFrom(operator(training(used), rate)));
    assert.deepEqual(await run(0.01), [
      `Warning: ${name} changes nothing, as nothing listens to its rate: give the same one to what ` +
      `is to use it, as in sgd({ learningRate: rate }) or dropout(rate)`,
    ]);
    assert.deepEqual(await run(rate), []);
    assert.deepEqual(await run(rate.pipe(map((value) => value / 2))), [], "by way of a stream");
  });
}

Deno.test("learningRateSchedule for each step says so, too", async () => {
  const run = (used: ScalarSource, rate: Hyperparameter) => {
    const model = sequential([input([1]), dense(1)], { seed: 1 });
    const steps = miniBatches(data, { batchSize: 2, epochs: 4, device: "cpu", threads: 1 }).pipe(
      learningRateSchedule(rate, () => 0.01, { every: "step" }),
      forward(model),
      loss(meanSquaredError()),
      backward(),
      update(sgd({ learningRate: used })),
    );
    return warningsOf(() => lastValueFrom(steps));
  };
  const rate = hyperparameter(0.01);
  assert.deepEqual(await run(rate, rate), []);
  assert.match((await run(0.01, rate)).join(), /^Warning: learningRateSchedule changes nothing/);
});
