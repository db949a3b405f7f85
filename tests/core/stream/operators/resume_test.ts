/** Operators that are resumed do what they would have done without the break. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { lastValueFrom, map, type Observable, toArray } from "rxjs";
import { earlyStopping, history, reduceOnPlateau } from "../../../../core/stream/operators/mod.ts";
import type { Epoch } from "../../../../core/stream/epoch.ts";
import { fakeEpochs, FakeRun, runOf, usedHyperparameter } from "../fake_epoch.ts";

/** What an operator does, epoch by epoch, in one run and in one that is resumed in the middle. */
async function assertResumes<Seen>(
  start: (epochs: Observable<Epoch>, before: Seen | undefined) => Observable<Seen>,
): Promise<void> {
  const seen = (run: FakeRun, epochs: Epoch[], before?: Seen) =>
    lastValueFrom(start(runOf(run, epochs), before).pipe(toArray()));
  const values = fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 2, maxLength: 30 });
  await fc.assert(fc.asyncProperty(values, fc.nat(), async (values, cut) => {
    const whole = await seen(new FakeRun(), fakeEpochs(values));
    const first = new FakeRun();
    const at = cut % whole.length;
    const before = await seen(first, fakeEpochs(values, "val_loss", first).slice(0, at));
    const second = new FakeRun(first.states);
    const rest = fakeEpochs(values, "val_loss", second).slice(at);
    assert.deepEqual([...before, ...await seen(second, rest, before.at(-1))], whole);
  }));
}

Deno.test("earlyStopping goes on where it was", () =>
  assertResumes<string | undefined>((epochs) =>
    epochs.pipe(
      earlyStopping({ patience: 2, minDelta: 1, startFromEpoch: 2 }),
      map(({ run }) => run.explanation),
    )
  ));

Deno.test("reduceOnPlateau goes on where it was", () =>
  assertResumes<number>((epochs, before) => {
    // The run itself keeps the values of hyperparameters.
    const rate = usedHyperparameter(before ?? 1);
    return epochs.pipe(
      reduceOnPlateau(rate, { patience: 2, cooldown: 2, factor: 0.5 }),
      map(() => rate.value),
    );
  }));

Deno.test("history goes on with the epochs before", async () => {
  const values = [3, 1, 2, 0.5];
  const whole = await lastValueFrom(runOf(new FakeRun(), fakeEpochs(values)).pipe(history()));
  const first = new FakeRun();
  await lastValueFrom(
    runOf(first, fakeEpochs(values, "val_loss", first).slice(0, 3)).pipe(history()),
  );
  const second = new FakeRun(first.states);
  const rest = runOf(second, fakeEpochs(values, "val_loss", second).slice(3));
  assert.deepEqual(await lastValueFrom(rest.pipe(history())), whole);
  assert.deepEqual(whole.history.val_loss, values);
});
