import assert from "node:assert/strict";
import { from, lastValueFrom, map, tap, toArray } from "rxjs";
import { TestScheduler } from "rxjs/testing";
import { withClock } from "../../../clock.ts";
import type { Epoch } from "../../../../core/stream/epoch.ts";
import { maxTime, throughput } from "../../../../core/stream/operators/mod.ts";
import { fakeEpoch, fakeEpochs, FakeRun, fakeStep, runOf } from "../fake_epoch.ts";

Deno.test("maxTime ends with the first event after the time", () =>
  withClock((clock) => {
    new TestScheduler((actual, expected) => assert.deepEqual(actual, expected)).run(
      ({ cold, expectObservable }) => {
        const run = new FakeRun();
        const values = {
          a: fakeStep(1, { run }),
          b: fakeStep(2, { run }),
          c: fakeStep(3, { run }),
        };
        clock.now = 100_000;
        const steps = cold("-a-b-c-|", values).pipe(
          tap(() => void (clock.now += 45_000)),
          maxTime({ minutes: 1, seconds: 30 }),
        );
        // The time begins with the run, which is known by the first step.
        expectObservable(steps).toBe("-a-b-(c|)", values);
      },
    );
  }));

Deno.test("maxTime says why", () =>
  withClock(async (clock) => {
    const run = new FakeRun();
    const epochs = from(fakeEpochs([1, 1, 1], "val_loss", run)).pipe(
      tap(() => void (clock.now += 10_000)),
      maxTime({ seconds: 10 }),
    );
    assert.equal((await lastValueFrom(epochs)).epoch, 2);
    assert.equal(run.reason, "early_stopping");
    assert.equal(run.explanation, "training has taken 10 seconds");
  }));

Deno.test("maxTime adds the time before a resume", () =>
  withClock(async (clock) => {
    const tick = tap<Epoch>(() => void (clock.now += 10_000));
    const first = new FakeRun();
    const epochs = fakeEpochs([1, 1, 1], "val_loss", first);
    await lastValueFrom(runOf(first, epochs.slice(0, 2)).pipe(tick, maxTime({ seconds: 25 })));
    assert.equal(first.reason, undefined);
    const second = new FakeRun(first.states);
    await lastValueFrom(
      runOf(second, fakeEpochs([1, 1], "val_loss", second)).pipe(
        tick,
        maxTime<Epoch>({ seconds: 25 }),
      ),
    );
    assert.equal(second.reason, "early_stopping");
  }));

Deno.test("maxTime refuses no time, and a negative one", () => {
  assert.throws(() => maxTime({}), /seconds, minutes or hours must be above 0: received none/);
  assert.throws(() => maxTime({ seconds: -1 }), /seconds of maxTime/);
  assert.throws(() => maxTime({ hours: NaN }), /hours of maxTime/);
});

Deno.test("throughput adds times to the logs, and goes on after a resume", async () => {
  const times = async (run: FakeRun, seconds: number[]) => {
    const epochs = seconds.map((seconds, at) => ({
      ...fakeEpoch(at + 1, { loss: 1 }, run),
      seconds,
    }));
    const seen = await lastValueFrom(runOf(run, epochs).pipe(throughput(), toArray()));
    return seen.map(({ logs }) => logs);
  };
  const first = new FakeRun();
  const rate = { loss: 1, samples_per_second: 240000 };
  assert.deepEqual(await times(first, [0.5, 0.25]), [
    { ...rate, seconds: 0.5, total_seconds: 0.5 },
    { ...rate, seconds: 0.25, total_seconds: 0.75 },
  ]);
  assert.deepEqual(await times(new FakeRun(first.states), [1]), [
    { ...rate, seconds: 1, total_seconds: 1.75 },
  ]);
});

Deno.test("throughput passes each epoch as it comes", () =>
  new TestScheduler((actual, expected) => assert.deepEqual(actual, expected)).run(
    ({ cold, expectObservable, expectSubscriptions }) => {
      const above = cold("-a-b-#", { a: fakeEpoch(1), b: fakeEpoch(2) });
      const totals = above.pipe(throughput(), map(({ logs }) => logs.total_seconds));
      expectObservable(totals).toBe("-x-y-#", { x: 0.25, y: 0.5 });
      expectObservable(totals, "--^-!").toBe("---x", { x: 0.25 });
      expectSubscriptions(above.subscriptions).toBe(["^----!", "--^-!"]);
    },
  ));
