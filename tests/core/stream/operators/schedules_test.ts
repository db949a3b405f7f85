import assert from "node:assert/strict";
import { from, lastValueFrom, of } from "rxjs";
import { dropoutSchedule, learningRateSchedule } from "../../../../core/stream/operators/mod.ts";
import { fakeEpoch, fakeEpochs, fakeStep, usedHyperparameter } from "../fake_epoch.ts";

Deno.test("learningRateSchedule asks for the first epoch, and after each for the next", () => {
  const rate = usedHyperparameter(1);
  const asked: [number, number][] = [];
  const training = from(fakeEpochs([1, 1, 1])).pipe(
    learningRateSchedule(rate, ({ epoch, learningRate }) => {
      asked.push([epoch, learningRate]);
      return epoch < 2 ? learningRate : learningRate / 2;
    }),
  );
  const rates: number[] = [];
  assert.deepEqual(asked, []);
  training.subscribe(() => rates.push(rate.value));
  assert.deepEqual(asked, [[0, 1], [1, 1], [2, 1], [3, 0.5]]);
  assert.deepEqual(rates, [1, 0.5, 0.25]);
});

Deno.test("dropoutSchedule follows a formula, and begins anew for a second run", () => {
  const rate = usedHyperparameter(0.9);
  const training = from(fakeEpochs([1, 1])).pipe(
    dropoutSchedule(rate, ({ epoch }) => 0.5 * 0.5 ** epoch),
  );
  for (let run = 0; run < 2; run++) {
    const changes: number[] = [];
    const subscription = rate.subscribe((value) => changes.push(value));
    training.subscribe();
    subscription.unsubscribe();
    assert.deepEqual(changes.slice(1), [0.5, 0.25, 0.125]);
  }
});

Deno.test("a schedule that goes out of range or throws fails the stream, and the rate stays", async () => {
  const rate = usedHyperparameter(0.5);
  const epoch = of(fakeEpoch(1));
  const after = (value: number) => ({ epoch }: { epoch: number }) => epoch === 0 ? 0.5 : value;
  for (const value of [1, -0.1, NaN, Infinity]) {
    const failing = epoch.pipe(dropoutSchedule(rate, after(value)));
    await assert.rejects(lastValueFrom(failing), /after epoch 1 .* from 0 to below 1: received/);
  }
  for (const value of [-0.1, NaN, Infinity]) {
    const failing = epoch.pipe(learningRateSchedule(rate, after(value)));
    await assert.rejects(lastValueFrom(failing), RangeError);
  }
  const thrown = epoch.pipe(learningRateSchedule(rate, () => {
    throw new Error("no such epoch");
  }));
  await assert.rejects(lastValueFrom(thrown), /no such epoch/);
  assert.equal(rate.value, 0.5);
});

Deno.test("learningRateSchedule goes by steps if asked, and each step has its rate", () => {
  const rate = usedHyperparameter(1);
  const asked: unknown[] = [];
  const training = from([1, 2, 3, 4].map((step) => fakeStep(step, { stepsPerEpoch: 2 }))).pipe(
    learningRateSchedule(rate, ({ epoch, step, learningRate }) => {
      asked.push([epoch, step, learningRate]);
      return 1 / (2 + step);
    }, { every: "step" }),
  );
  const rates: number[] = [];
  training.subscribe(() => rates.push(rate.value));
  assert.deepEqual(rates, [1 / 2, 1 / 3, 1 / 4, 1 / 5]);
  assert.deepEqual(asked, [[0, 0, 1], [0, 1, 1 / 2], [1, 2, 1 / 3], [1, 3, 1 / 4]]);
  assert.throws(
    () => learningRateSchedule(rate, () => 1, { every: "batch" as "step" }),
    /every must be "epoch" or "step": received "batch"/,
  );
});
