import assert from "node:assert/strict";
import { from, lastValueFrom, toArray } from "rxjs";
import {
  reduceOnPlateau,
  type ReduceOnPlateauOptions,
} from "../../../../core/stream/operators/mod.ts";
import { captureErrors, fakeEpoch, fakeEpochs, usedHyperparameter } from "../fake_epoch.ts";

interface Case {
  readonly what: string;
  readonly options: ReduceOnPlateauOptions;
  readonly values: readonly number[];
  /** The rate after each epoch; it begins at 1 and is halved. */
  readonly rates: readonly number[];
}

const cases: Case[] = [
  { what: "patience 1", options: { patience: 1 }, values: [1, 1, 1], rates: [1, 0.5, 0.25] },
  {
    what: "the patience begins anew after a cut",
    options: { patience: 2 },
    values: [1, 1, 1, 1, 1],
    rates: [1, 1, 0.5, 0.5, 0.25],
  },
  { what: "no patience", options: { patience: 0 }, values: [1, 1], rates: [1, 0.5] },
  {
    what: "an improvement starts the patience anew",
    options: { patience: 2 },
    values: [1, 1, 0.5, 0.6, 0.6],
    rates: [1, 1, 1, 1, 0.5],
  },
  {
    what: "the default patience",
    options: {},
    values: Array(11).fill(1),
    rates: [...Array(10).fill(1), 0.5],
  },
  {
    what: "the patience is frozen while cooling down",
    options: { patience: 1, cooldown: 2 },
    values: [1, 1, 1, 1, 1, 1],
    rates: [1, 0.5, 0.5, 0.25, 0.25, 0.125],
  },
  {
    what: "an improvement counts while cooling down",
    options: { patience: 1, cooldown: 1 },
    values: [1, 1, 0.5, 0.6],
    rates: [1, 0.5, 0.5, 0.25],
  },
  {
    what: "the default minDelta",
    options: { patience: 1 },
    values: [1, 0.99995, 0.9998],
    rates: [1, 0.5, 0.5],
  },
  {
    what: "no minDelta",
    options: { patience: 1, minDelta: 0 },
    values: [1, 0.99995],
    rates: [1, 1],
  },
  {
    what: "the least rate",
    options: { patience: 1, minLearningRate: 0.3 },
    values: [1, 1, 1, 1],
    rates: [1, 0.5, 0.3, 0.3],
  },
  {
    what: "NaN is no improvement",
    options: { patience: 1 },
    values: [NaN, NaN],
    rates: [0.5, 0.25],
  },
  {
    what: "accuracy should rise",
    options: { patience: 1, monitor: "val_accuracy" },
    values: [0.5, 0.6, 0.5],
    rates: [1, 1, 0.5],
  },
];

for (const { what, options, values, rates } of cases) {
  Deno.test(`reduceOnPlateau as in Keras: ${what}`, () => {
    const rate = usedHyperparameter(1);
    const seen: number[] = [];
    const cutting = reduceOnPlateau(rate, { factor: 0.5, ...options });
    from(fakeEpochs(values, options.monitor)).pipe(cutting).subscribe(() => seen.push(rate.value));
    assert.deepEqual(seen, rates);
  });
}

Deno.test("reduceOnPlateau warns once of a missing log, and has no effect", async () => {
  const rate = usedHyperparameter(1);
  const epochs = from([1, 2, 3].map((number) => fakeEpoch(number, {})));
  const said = await captureErrors(async () => {
    await lastValueFrom(epochs.pipe(reduceOnPlateau(rate, { patience: 0 }), toArray()));
  });
  assert.equal(rate.value, 1);
  assert.deepEqual(said, [
    'reduceOnPlateau: the logs of epoch 1 hold no "val_loss", so it does nothing after such an epoch (available: none)',
  ]);
});

Deno.test("reduceOnPlateau refuses options out of range when it is made", () => {
  const rate = usedHyperparameter(1);
  for (const factor of [1, 1.5, -0.1, NaN]) {
    assert.throws(() => reduceOnPlateau(rate, { factor }), /from 0 to below 1/);
  }
  assert.throws(() => reduceOnPlateau(rate, { patience: -1 }), RangeError);
  assert.throws(() => reduceOnPlateau(rate, { cooldown: 0.5 }), RangeError);
  assert.throws(() => reduceOnPlateau(rate, { minLearningRate: -1 }), RangeError);
  assert.throws(() => reduceOnPlateau(rate, { mode: "down" as "min" }), /"auto", "min" or "max"/);
});
