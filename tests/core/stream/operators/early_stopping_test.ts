import assert from "node:assert/strict";
import { concat, from, lastValueFrom, NEVER, tap, throwError, toArray } from "rxjs";
import { earlyStopping, type EarlyStoppingOptions } from "../../../../core/stream/operators/mod.ts";
import type { Epoch } from "../../../../core/stream/epoch.ts";
import { captureErrors, fakeEpoch, fakeEpochs, FakeRun } from "../fake_epoch.ts";

interface Case {
  readonly what: string;
  readonly options: EarlyStoppingOptions;
  readonly values: readonly number[];
  /** The epoch at which training stops; `undefined` when it ends normally. */
  readonly stops?: number;
  /** The epoch whose weights come back with `restoreBest`. */
  readonly best: number;
}

const accuracy = "val_accuracy";
const cases: Case[] = [
  { what: "no patience", options: {}, values: [1, 0.5, 0.6, 0.4], stops: 3, best: 2 },
  {
    what: "patience",
    options: { patience: 2 },
    values: [1, 0.5, 0.6, 0.6, 0.4],
    stops: 4,
    best: 2,
  },
  { what: "an equal value is no improvement", options: {}, values: [1, 1], stops: 2, best: 1 },
  { what: "it keeps improving", options: {}, values: [4, 3, 2, 1], best: 4 },
  { what: "patience outlasts training", options: { patience: 5 }, values: [1, 0.5, 0.6], best: 2 },
  {
    what: "an improvement starts the patience anew",
    options: { patience: 2 },
    values: [1, 1.1, 0.9, 1, 1],
    stops: 5,
    best: 3,
  },
  { what: "the first epoch never stops", options: {}, values: [NaN, 0.5, 0.6], stops: 3, best: 2 },
  { what: "NaN is no improvement", options: {}, values: [NaN, NaN], stops: 2, best: 1 },
  { what: "infinity is no improvement", options: {}, values: [Infinity, 1, 2], stops: 3, best: 2 },
  {
    what: "minDelta is not reached",
    options: { minDelta: 0.1, patience: 1 },
    values: [1, 0.95, 0.5],
    stops: 2,
    best: 1,
  },
  {
    what: "minDelta is reached, not passed",
    options: { minDelta: 0.25, patience: 1 },
    values: [1, 0.75],
    stops: 2,
    best: 1,
  },
  {
    what: "the sign of minDelta does not matter",
    options: { minDelta: -0.25, patience: 1 },
    values: [1, 0.75],
    stops: 2,
    best: 1,
  },
  {
    what: "small steps add up against the best",
    options: { minDelta: 0.25, patience: 3 },
    values: [1, 0.875, 0.75, 0.625],
    best: 4,
  },
  {
    what: "accuracy should rise",
    options: { monitor: accuracy },
    values: [0.5, 0.6, 0.6],
    stops: 3,
    best: 2,
  },
  {
    what: "mode overrides the name",
    options: { monitor: accuracy, mode: "min" },
    values: [0.5, 0.6],
    stops: 2,
    best: 1,
  },
  {
    what: "mode max with minDelta",
    options: { monitor: "reward", mode: "max", minDelta: 0.25 },
    values: [0, 0.5, 0.75],
    stops: 3,
    best: 2,
  },
  {
    what: "the first epoch misses the baseline",
    options: { baseline: 0.5, patience: 2 },
    values: [1, 1.1, 1.2],
    stops: 2,
    best: 1,
  },
  {
    what: "improvements above the baseline go on, and use up the patience",
    options: { baseline: 0.5, patience: 2 },
    values: [1, 0.9, 0.8, 0.8],
    stops: 4,
    best: 3,
  },
  {
    what: "the baseline is beaten by no more than minDelta",
    options: { baseline: 0.5, minDelta: 0.25, patience: 2 },
    values: [1, 0.4, 0.2, 0.3, 0.1],
    stops: 3,
    best: 2,
  },
  {
    what: "the baseline is beaten",
    options: { baseline: 0.95, patience: 2 },
    values: [1, 0.9, 1, 1],
    stops: 4,
    best: 2,
  },
  {
    what: "the first epochs are not watched",
    options: { startFromEpoch: 2, patience: 1 },
    values: [1, 2, 3, 4, 5],
    stops: 4,
    best: 3,
  },
  {
    what: "better than a threshold",
    options: { patience: 9, stoppingThreshold: 0.5 },
    values: [1, 0.5, 0.4, 0.3],
    stops: 3,
    best: 3,
  },
  {
    what: "worse than a threshold, at once",
    options: { patience: 9, divergenceThreshold: 2 },
    values: [1, 2, 2.5, 1],
    stops: 3,
    best: 1,
  },
  {
    what: "thresholds of what should rise",
    options: { patience: 9, monitor: accuracy, stoppingThreshold: 0.9, divergenceThreshold: 0.2 },
    values: [0.5, 0.2, 0.9, 0.1],
    stops: 4,
    best: 3,
  },
  {
    what: "not finite in the first epoch",
    options: { patience: 9, checkFinite: true },
    values: [NaN, 1],
    stops: 1,
    best: 1,
  },
  {
    what: "infinite",
    options: { patience: 9, checkFinite: true },
    values: [1, -Infinity, 1],
    stops: 2,
    best: 2,
  },
];

for (const { what, options, values, stops, best } of cases) {
  Deno.test(`earlyStopping as in Keras: ${what}`, async () => {
    for (const restoreBest of [false, true]) {
      const run = new FakeRun();
      const source = from(fakeEpochs(values, options.monitor, run)).pipe(
        tap(({ epoch }) => void (run.weight = epoch)),
      );
      const stopping = earlyStopping<Epoch>({ ...options, restoreBest });
      const seen = await lastValueFrom(source.pipe(stopping, toArray()));
      assert.equal(seen.length, stops ?? values.length);
      assert.equal(run.reason, stops === undefined ? undefined : "early_stopping");
      assert.equal(run.weight, restoreBest ? best : seen.length);
      assert.equal(run.snapshots.length > 0, restoreBest);
      assert.ok(run.snapshots.every(({ disposed }) => disposed));
    }
  });
}

Deno.test("earlyStopping keeps one snapshot, and frees it without restoring on error and leaving", () => {
  for (const end of [throwError(() => new Error("disk on fire")), NEVER]) {
    const run = new FakeRun();
    const subscription = concat(from(fakeEpochs([3, 2, 1], "val_loss", run)), end)
      .pipe(earlyStopping({ restoreBest: true })).subscribe({
        next: () => assert.equal(run.snapshots.filter(({ disposed }) => !disposed).length, 1),
        error: () => {},
      });
    run.weight = 7;
    subscription.unsubscribe();
    assert.equal(run.snapshots.length, 3);
    assert.ok(run.snapshots.every(({ disposed }) => disposed));
    assert.equal(run.weight, 7);
  }
});

Deno.test("earlyStopping sets the reason before the last epoch, and restores after it", () => {
  const run = new FakeRun();
  const seen: unknown[] = [];
  from(fakeEpochs([1, 2], "val_loss", run)).pipe(
    tap(({ epoch }) => void (run.weight = epoch)),
    earlyStopping({ restoreBest: true }),
  ).subscribe({
    next: ({ run: { reason } }) => seen.push([reason, run.weight]),
    complete: () => seen.push(run.weight),
  });
  assert.deepEqual(seen, [[undefined, 1], ["early_stopping", 2], 1]);
});

Deno.test("earlyStopping leaves an interrupted run where it stood", () => {
  // Also where it is out of patience at the same epoch.
  for (const patience of [5, 0]) {
    const run = new FakeRun();
    from(fakeEpochs([1, 2], "val_loss", run)).pipe(
      tap(({ epoch }) => void (run.weight = epoch)),
      tap(({ epoch }) => void (run.reason = epoch === 2 ? "interrupted" : undefined)),
      earlyStopping({ restoreBest: true, patience }),
    ).subscribe();
    assert.equal(run.weight, 2);
    assert.equal(run.reason, "interrupted");
  }
});

Deno.test("earlyStopping warns once of a missing log, and has no effect", async () => {
  const run = new FakeRun();
  const epochs = [1, 2, 3].map((number) => fakeEpoch(number, { loss: 1, accuracy: 0.5 }, run));
  let seen: Epoch[] = [];
  const said = await captureErrors(async () => {
    seen = await lastValueFrom(from(epochs).pipe(earlyStopping(), toArray()));
  });
  assert.equal(seen.length, 3);
  assert.deepEqual(said, [
    'earlyStopping: the logs of epoch 1 hold no "val_loss", so it does nothing after such an epoch (available: loss, ' +
    "accuracy)",
  ]);
});

Deno.test("earlyStopping refuses options out of range when it is made", () => {
  assert.throws(() => earlyStopping({ patience: -1 }), RangeError);
  assert.throws(() => earlyStopping({ patience: 1.5 }), RangeError);
  assert.throws(() => earlyStopping({ startFromEpoch: -1 }), RangeError);
  assert.throws(() => earlyStopping({ minDelta: NaN }), RangeError);
  assert.throws(() => earlyStopping({ baseline: Infinity }), RangeError);
  assert.throws(() => earlyStopping({ mode: "down" as "min" }), /"auto", "min" or "max"/);
});

Deno.test("earlyStopping explains why", () => {
  const explained = (values: readonly number[], options: EarlyStoppingOptions) => {
    const run = new FakeRun();
    from(fakeEpochs(values, "val_loss", run)).pipe(earlyStopping(options)).subscribe();
    return run.explanation;
  };
  assert.equal(
    explained([1, 2, 2, 2], { patience: 3 }),
    "val_loss has not improved on 1 for 3 epochs at epoch 4",
  );
  assert.equal(explained([1, 2], {}), "val_loss has not improved on 1 for 1 epoch at epoch 2");
  assert.equal(
    explained([1, 0.5], { stoppingThreshold: 0.75 }),
    "val_loss is 0.5, better than the stoppingThreshold 0.75, at epoch 2",
  );
  assert.equal(
    explained([1, 3], { patience: 2, divergenceThreshold: 2 }),
    "val_loss is 3, worse than the divergenceThreshold 2, at epoch 2",
  );
  assert.equal(explained([1, NaN], { checkFinite: true }), "val_loss is NaN at epoch 2");
  assert.equal(explained([3, 2, 1], {}), undefined);
});

Deno.test("earlyStopping fails without the log if it is strict", async () => {
  const epochs = from([fakeEpoch(1, { loss: 1, accuracy: 0.5 })]);
  await assert.rejects(
    lastValueFrom(epochs.pipe(earlyStopping({ strict: true }))),
    /the logs of epoch 1 must hold "val_loss": received loss, accuracy/,
  );
});
