import assert from "node:assert/strict";
import { from, map, type OperatorFunction } from "rxjs";
import { TestScheduler } from "rxjs/testing";
import {
  hyperband,
  type HyperbandOptions,
  medianPruning,
  type MedianPruningOptions,
  type PruningOperator,
  successiveHalving,
  type SuccessiveHalvingOptions,
  type TrialEpoch,
  type TrialRecord,
} from "../../../core/search/mod.ts";
import { bracketShares } from "../../../core/search/hyperband.ts";
import { captureErrors, fakeEpochs, FakeRun } from "../stream/fake_epoch.ts";
import { after, all, losses, trialOf } from "./helpers.ts";

/** The epoch at which a trial with these losses is pruned; `undefined` when it is not. */
async function prunedAt(
  prune: PruningOperator,
  values: readonly number[],
): Promise<number | undefined> {
  // One epoch more, to tell an end at the last one.
  const passed = await all(from(losses([...values, 1])).pipe(prune));
  return passed.length > values.length ? undefined : passed.length;
}

interface Case<Options> {
  readonly what: string;
  readonly options?: Options;
  readonly others: readonly TrialRecord[];
  readonly values: readonly number[];
  readonly at?: number;
  readonly direction?: "max";
}

// Medians of the complete ones by epoch: 5, 4, 3.
const five = [
  trialOf(1, [1, 9, 3]),
  trialOf(2, [5, 4, 3]),
  trialOf(3, [9, 1, 1]),
  trialOf(4, [4, 3, 9]),
  trialOf(5, [6, 6, 8]),
];
const medianCases: Case<MedianPruningOptions>[] = [
  { what: "fewer than five are complete", others: five.slice(1), values: [99, 99] },
  { what: "worse than the median at once", others: five, values: [5.1], at: 1 },
  { what: "as good as the median", others: five, values: [5, 4, 3] },
  { what: "the best so far counts", others: five, values: [4, 99, 99], at: 3 },
  { what: "worse at the second epoch", others: five, values: [5, 4.5], at: 2 },
  { what: "NaN alone", others: five, values: [NaN], at: 1 },
  { what: "NaN after a number", others: five, values: [3, NaN, NaN] },
  { what: "past all others", others: five, values: [3, 3, 3, 99, 99] },
  { what: "no trial at all", options: { startupTrials: 0 }, others: [], values: [99] },
  {
    what: "pruned, failed and running ones do not count",
    options: { startupTrials: 1 },
    others: [
      trialOf(1, [9, 9]),
      trialOf(2, [1, 1], { state: "pruned" }),
      trialOf(3, [1, 1], { state: "failed" }),
      trialOf(4, [1, 1], { state: "running" }),
    ],
    values: [8, 8],
  },
  {
    what: "an even number of trials: the mean of the two in the middle",
    options: { startupTrials: 4 },
    others: five.slice(0, 4),
    values: [4.4, 4.4, 4.4],
    at: 2, // 4.5, 3.5
  },
  {
    what: "NaN is left out of the median",
    options: { startupTrials: 1 },
    others: [trialOf(1, [NaN, 2]), trialOf(2, [3, NaN])],
    values: [3, 2.5],
    at: 2,
  },
  { what: "warm-up", options: { warmupEpochs: 2 }, others: five, values: [99, 99, 99], at: 3 },
  { what: "interval", options: { interval: 2 }, others: five, values: [5, 99, 99], at: 3 },
  {
    what: "warm-up and interval",
    options: { warmupEpochs: 1, interval: 2 },
    others: five,
    values: [99, 4, 99, 99],
  },
  { what: "larger is better", others: five, values: [4.9], at: 1, direction: "max" },
  { what: "larger is better, and it is", others: five, values: [5, 5, 5], direction: "max" },
];

for (const { what, options, others, values, at, direction = "min" } of medianCases) {
  Deno.test(`medianPruning: ${what}`, async () => {
    assert.equal(await prunedAt(medianPruning(options)(after(others, { direction })), values), at);
  });
}

// At epoch 1: 1 to 6; at epoch 3: 3, 4.
const rung = [
  trialOf(1, [1, 1, 3], { state: "running" }),
  trialOf(2, [2, 2, 4]),
  ...[3, 4, 5, 6].map((value) => trialOf(value, [value], { state: "pruned" })),
];
const halvingCases: Case<SuccessiveHalvingOptions>[] = [
  { what: "the first one goes on", others: [], values: [99, 99, 99] },
  { what: "the second, if it is the best", others: rung.slice(0, 1), values: [0.5, 9, 2] },
  { what: "the second, if it is not", others: rung.slice(0, 1), values: [1.5], at: 1 },
  // With seven at the rung two go on.
  { what: "the second of seven", others: rung, values: [1.5, 9, 2] },
  { what: "as good as the second of seven", others: rung, values: [2, 9, 2] },
  { what: "the third of seven", others: rung, values: [2.5], at: 1 },
  { what: "the second of six", others: rung.toSpliced(1, 1), values: [1.5, 9, 2] },
  { what: "the second of five", others: rung.toSpliced(1, 2), values: [1.5], at: 1 },
  { what: "it fails at the next rung", others: rung, values: [1.5, 0, 3.5], at: 3 },
  { what: "NaN at a rung", others: [], values: [NaN], at: 1 },
  { what: "NaN between rungs", others: [], values: [1, NaN, 1] },
  {
    what: "NaN of others does not compete",
    others: [trialOf(1, [NaN]), trialOf(2, [NaN])],
    values: [99],
  },
  { what: "rungs at 2, 4, 8", options: { minResource: 2, reductionFactor: 2 }, ...twos(), at: 4 },
  {
    what: "rungs at 3, 9",
    options: { minEarlyStoppingRate: 1 },
    others: rung,
    values: [99, 9, 4],
    at: 3,
  },
  { what: "larger is better", others: rung, values: [4.5], at: 1, direction: "max" },
  { what: "larger is better, and it is", others: rung, values: [5.5, 0, 5], direction: "max" },
];

function twos(): { others: TrialRecord[]; values: number[] } {
  return { others: [trialOf(1, [1, 5, 5, 1, 1, 1, 1, 1])], values: [9, 4, 9, 4] };
}

for (const { what, options, others, values, at, direction = "min" } of halvingCases) {
  Deno.test(`successiveHalving: ${what}`, async () => {
    const prune = successiveHalving(options)(after(others, { direction, number: 99 }));
    assert.equal(await prunedAt(prune, values), at);
  });
}

Deno.test("hyperband: the shares of the brackets, by the paper's formula", () => {
  // R = 81, factor 3, five brackets: the table of the paper has 81, 34, 15, 8, 5 at its start.
  assert.deepEqual(bracketShares(1, 81, 3), [81, 34, 15, 8, 5]);
  assert.deepEqual(bracketShares(1, 243, 3).length, 6);
  assert.deepEqual(
    bracketShares(2, 17, 2),
    [8, 6, 4, 4].map((_, s) => Math.ceil(4 * 2 ** (3 - s) / (4 - s))),
  );
  assert.deepEqual(bracketShares(1, 1, 3), [1]);
});

Deno.test("hyperband: trials are judged within their bracket alone, and not at the end", async () => {
  const options: HyperbandOptions = { maxResource: 9 };
  // Better than anything: whoever is compared with it is pruned at its first rung.
  const rungs = new Map<number | undefined, number>();
  const good = Array.from({ length: 300 }, (_, place) => trialOf(place + 1, Array(9).fill(0)));
  for (let number = 301; number <= 700; number++) {
    const trial = after(good, { number, seed: 5 });
    const at = await prunedAt(hyperband(options)(trial), Array(9).fill(1));
    rungs.set(at, (rungs.get(at) ?? 0) + 1);
  }
  // Shares 9, 5 and 3 of 17.
  const counts = [1, 3, undefined].map((at) => rungs.get(at)!);
  assert.equal(rungs.size, 3);
  counts.forEach((count, place) => {
    const p = [9, 5, 3][place] / 17;
    assert.ok(Math.abs(count - 400 * p) < 4 * Math.sqrt(400 * p * (1 - p)), counts.join());
  });
  // Those of other brackets do not compete, however good they are.
  const rungOf = (number: number, others: readonly TrialRecord[]) =>
    prunedAt(hyperband(options)(after(others, { number, seed: 5 })), Array(9).fill(1));
  const brackets = await Promise.all(good.map(({ number }) => rungOf(number, good)));
  const foreign = (at: number | undefined) => good.filter((_, place) => brackets[place] !== at);
  for (let number = 301; number <= 320; number++) {
    const at = await rungOf(number, good);
    assert.equal(await rungOf(number, foreign(at)), undefined);
  }
  // The bracket of each hangs on seed and number.
  const at = (seed: number) =>
    Promise.all(
      Array.from({ length: 20 }, (_, place) =>
        prunedAt(hyperband(options)(after(good, { number: 301 + place, seed })), Array(9).fill(1))),
    );
  assert.deepEqual(await at(5), await at(5));
  assert.notDeepEqual(await at(5), await at(6));
});

Deno.test("pruners are operators: marbles", () => {
  const values = { a: epoch(1, 1), b: epoch(2, 4), c: epoch(3, 1), d: epoch(4, 1) };
  const others = [trialOf(1, [5, 5, 5, 5])];
  const worst: OperatorFunction<TrialEpoch, TrialEpoch> = map(({ logs, ...rest }) => (
    { ...rest, logs: { loss: logs.loss * 9 } }
  ));
  const pruners = [
    medianPruning({ startupTrials: 1 })(after(others)),
    successiveHalving({ reductionFactor: 2 })(after(others)),
  ];
  for (const prune of pruners) {
    const scheduler = new TestScheduler((actual, expected) => assert.deepEqual(actual, expected));
    scheduler.run(({ cold, expectObservable, expectSubscriptions }) => {
      const whole = cold("-a-b-c-|", values);
      expectObservable(whole.pipe(prune)).toBe("-a-b-c-|", values);
      expectSubscriptions(whole.subscriptions).toBe("^------!");
      const failing = cold("-a-#", values);
      expectObservable(failing.pipe(prune)).toBe("-a-#", values);
      // At the first epoch: 9 against 5. What is above is unsubscribed.
      const hopeless = cold("-a-b-|", values);
      expectObservable(hopeless.pipe(worst, prune)).toBe("-(a|)", { a: epoch(1, 9) });
      expectSubscriptions(hopeless.subscriptions).toBe("^!");
      // Each subscription is a trial of its own.
      const early = cold("-a-b-c-|", values);
      expectObservable(early.pipe(prune), "^--!").toBe("-a", values);
    });
  }

  function epoch(number: number, loss: number): TrialEpoch {
    return { epoch: number, logs: { loss } };
  }
});

Deno.test("a run that is pruned was stopped early; its epochs keep their type", async () => {
  const run = new FakeRun();
  const prune = medianPruning({ startupTrials: 0 })(after([trialOf(1, [1, 1])]));
  const passed = await all(from(fakeEpochs([9, 9, 9], "loss", run)).pipe(prune));
  assert.equal(passed.length, 1);
  assert.equal(passed[0].run.reason, "early_stopping");
  assert.equal(passed[0].samplesPerSecond, 240000);
});

Deno.test("without the log nothing is judged, and a warning says so", async () => {
  const prune = medianPruning({ startupTrials: 0 })(after([trialOf(1, [0, 0])]));
  const warnings = await captureErrors(async () => {
    const epochs = [1, 2].map((epoch) => ({ epoch, logs: { other: 1 } }));
    assert.deepEqual(await all(from(epochs).pipe(prune)), epochs);
  });
  assert.equal(warnings.length, 1);
  assert.match(warnings[0], /medianPruning: the logs of epoch 1 hold no "loss"/);
});

Deno.test("options out of range are refused", () => {
  const table: [() => unknown, RegExp][] = [
    [() => medianPruning({ startupTrials: -1 }), /startupTrials of medianPruning .*received -1/],
    [() => medianPruning({ warmupEpochs: 0.5 }), /warmupEpochs of medianPruning .*received 0.5/],
    [() => medianPruning({ interval: 0 }), /the interval of medianPruning .*received 0/],
    [() => successiveHalving({ minResource: 0 }), /minResource of successiveHalving .*received 0/],
    [() => successiveHalving({ reductionFactor: 1 }), /reductionFactor of .*received 1/],
    [() => successiveHalving({ minEarlyStoppingRate: -1 }), /minEarlyStoppingRate .*received -1/],
    [() => hyperband({ maxResource: 0 }), /maxResource of hyperband .*received 0/],
    [() => hyperband({ maxResource: 2, minResource: 3 }), /at most maxResource: received 3 and 2/],
    [() => hyperband({ maxResource: 9, reductionFactor: 1.5 }), /reductionFactor .*received 1.5/],
  ];
  for (const [make, message] of table) assert.throws(make, { name: "RangeError", message });
});
