import assert from "node:assert/strict";
import { lastValueFrom, take, toArray } from "rxjs";
import { hyperparameter, sgd } from "../../../../core/nn/mod.ts";
import {
  findLearningRate,
  type FindLearningRateOptions,
  type LearningRateTrial,
} from "../../../../core/stream/operators/mod.ts";
import { backward } from "../../../../core/stream/backward.ts";
import { forward } from "../../../../core/stream/forward.ts";
import { loss } from "../../../../core/stream/loss.ts";
import { miniBatches } from "../../../../core/stream/mini_batches.ts";
import type { DeviceOptions } from "../../../../core/stream/open_device.ts";
import { update } from "../../../../core/stream/update.ts";
import { testOnDevices } from "../../../devices.ts";
import { onePole, points, smallModel, steps, weightsOf } from "../../../training/pipes.ts";
import { captureErrors } from "../fake_epoch.ts";

const cpu: DeviceOptions = { device: "cpu", threads: 1 };

/** A search on one weight w with the loss w²; a step makes it (1 − 2·rate)·w. */
async function search(options: FindLearningRateOptions, device: DeviceOptions = cpu) {
  const { model, data, loss } = onePole();
  const rate = hyperparameter(0.01);
  const pipe = steps(
    model,
    data,
    sgd({ learningRate: rate }),
    { epochs: Infinity, ...device },
    loss,
  );
  const tried: number[] = [];
  const watching = rate.subscribe((value) => tried.push(value));
  const trials = await lastValueFrom(pipe.pipe(findLearningRate(rate, options), toArray()));
  watching.unsubscribe();
  return { trials, tried, rate: rate.value, weight: (await weightsOf(model))["dense_1/kernel"][0] };
}

/** What the sources say, written out again. */
function expected(rates: readonly number[], smoothing = 0.98) {
  let [weight, mean] = [1, 0];
  return rates.map((rate, at) => {
    const loss = weight * weight;
    weight *= 1 - 2 * rate;
    mean = smoothing * mean + (1 - smoothing) * loss;
    return { loss, smoothedLoss: mean / (1 - smoothing ** (at + 1)) };
  });
}

function assertTrials(trials: readonly LearningRateTrial[], rates: readonly number[]): void {
  assert.equal(trials.length, rates.length);
  expected(rates).forEach(({ loss, smoothedLoss }, at) => {
    assert.equal(trials[at].step, at + 1);
    assert.ok(Math.abs(trials[at].learningRate / rates[at] - 1) < 1e-12);
    assert.ok(Math.abs(trials[at].loss - loss) <= 1e-5 * loss, `loss ${at}`);
    assert.ok(Math.abs(trials[at].smoothedLoss - smoothedLoss) <= 1e-5 * smoothedLoss);
  });
}

await testOnDevices(
  "findLearningRate goes from tiny to large rates, and puts all back",
  async (device) => {
    const { trials, tried, rate, weight } = await search({ from: 1e-5, steps: 60 }, device);
    // Losses are known late: no step goes on beyond the last rate.
    assert.deepEqual(tried, [0.01, ...trials.map(({ learningRate }) => learningRate), 0.01]);
    assertTrials(trials, Array.from({ length: 60 }, (_, at) => 1e-5 * 1e5 ** ((at + 1) / 60)));
    assert.equal(weight, 1);
    assert.equal(rate, 0.01);
    const smoothed = trials.map(({ smoothedLoss }) => smoothedLoss).slice(10, 59);
    const slopes = smoothed.map((_, at) =>
      at === 0
        ? smoothed[1] - smoothed[0]
        : at === 48
        ? smoothed[48] - smoothed[47]
        : (smoothed[at + 1] - smoothed[at - 1]) / 2
    );
    const steepest = slopes.indexOf(Math.min(...slopes)) + 10;
    assert.equal(trials.at(-1)!.suggestion, trials[steepest].learningRate);
    assert.equal(trials[10].suggestion, undefined);
  },
);

Deno.test("findLearningRate watches the loss above it, whatever its name", async () => {
  const { model, data, loss: lossFunction } = onePole();
  const rate = hyperparameter(0.01);
  const pipe = miniBatches(data, { epochs: Infinity, ...cpu }).pipe(
    forward(model),
    loss(lossFunction, { name: "judge_loss" }),
    backward(),
    update(sgd({ learningRate: rate })),
  );
  const search = findLearningRate(rate, { from: 0.1, to: 0.5, steps: 4, spacing: "linear" });
  assertTrials(await lastValueFrom(pipe.pipe(search, toArray())), [0.2, 0.3, 0.4, 0.5]);
});

Deno.test("findLearningRate: rates that lie evenly", async () => {
  const { trials } = await search({ from: 0.1, to: 0.5, steps: 4, spacing: "linear" });
  assertTrials(trials, [0.2, 0.3, 0.4, 0.5]);
  assert.equal(trials.at(-1)!.suggestion, undefined);
});

Deno.test("findLearningRate ends at four times the best loss, or when the loss is NaN", async () => {
  const options = { from: 1, to: 1e6, steps: 90, smoothing: 0 };
  const { trials, weight } = await search({ ...options, steps: 300 });
  const losses = trials.map(({ loss }) => loss);
  assert.ok(losses.at(-1)! > 4 * Math.min(...losses));
  assert.ok(
    losses.slice(0, -1).every((loss, at) => loss <= 4 * Math.min(...losses.slice(0, at + 1))),
  );
  assert.equal(weight, 1);
  const said = await captureErrors(async () => {
    const endless = await search({ ...options, stopFactor: null });
    assert.ok(endless.trials.length > 15 && endless.trials.length < 25);
    assert.equal(endless.weight, 1);
    assert.equal(endless.rate, 0.01);
  });
  assert.deepEqual(said, []);
});

Deno.test("findLearningRate ends with its source, and puts all back when it is left", async () => {
  const rate = hyperparameter(0.5);
  const model = smallModel();
  const before = await weightsOf(model);
  const pipe = steps(model, points(64), sgd({ learningRate: rate }), { batchSize: 16, ...cpu });
  const all = await lastValueFrom(pipe.pipe(findLearningRate(rate), toArray()));
  assert.equal(all.length, 4);
  await lastValueFrom(pipe.pipe(findLearningRate(rate), take(2)));
  assert.equal(rate.value, 0.5);
  assert.deepEqual(await weightsOf(model), before);
});

Deno.test("findLearningRate refuses options out of range when it is made", () => {
  const refused: [FindLearningRateOptions, RegExp][] = [
    [{ from: 0 }, /from of findLearningRate/],
    [{ from: 1, to: 0.5 }, /to must be above from, which is 1: received 0.5/],
    [{ steps: 2 }, /steps of findLearningRate/],
    [{ spacing: "log" as "linear" }, /"exponential" or "linear": received "log"/],
    [{ stopFactor: 1 }, /stopFactor must be above 1/],
    [{ smoothing: 1 }, /smoothing must be from 0 to below 1/],
  ];
  for (const [options, message] of refused) {
    assert.throws(() => findLearningRate(hyperparameter(1), options), message);
  }
});
