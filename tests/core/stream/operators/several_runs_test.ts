// Operators below a `concat`, `repeat` or `merge` of runs.
import assert from "node:assert/strict";
import { concat, concatMap, from, lastValueFrom, merge, tap } from "rxjs";
import { withClock } from "../../../clock.ts";
import type { KeptState } from "../../../../core/stream/kept_state.ts";
import { checkpoint, earlyStopping, maxTime } from "../../../../core/stream/operators/mod.ts";
import { fakeEpochs, FakeRun, fakeStep, inFolder, training } from "../fake_epoch.ts";
import { decodeSafetensors } from "../../../../core/state/mod.ts";

/** A run that notes how often operators make a state a part of its files. */
class CountingRun extends FakeRun {
  kinds: string[] = [];

  override keep(kind: string, state: KeptState): string {
    this.kinds.push(kind);
    return super.keep(kind, state);
  }
}

function saved(path: string): { weight: number; epoch: string } {
  const { tensors, metadata } = decodeSafetensors(Deno.readFileSync(path), path);
  return { weight: tensors.get("dense_1/kernel")!.data[0] as number, epoch: metadata.epoch };
}

for (const options of [{ save: "last" }, { save: "last", everyEpochs: 2 }] as const) {
  Deno.test(`checkpoint saves the epochs of each run, one behind the other: ${JSON.stringify(options)}`, () =>
    inFolder(async (folder) => {
      const path = `${folder}/a.safetensors`;
      const runs = concat(training([1, 1, 1, 1]), training([1, 1]));
      await lastValueFrom(runs.pipe(checkpoint(path, options)));
      assert.deepEqual(saved(path), { weight: 2, epoch: "2" });
    }));
}

Deno.test("checkpoint among steps counts those of each run", () =>
  inFolder(async (folder) => {
    const path = `${folder}/a.safetensors`;
    const stepsOf = (run: FakeRun) =>
      from([1, 2, 3, 4]).pipe(concatMap(async (step) => {
        await Promise.all(run.holds);
        return fakeStep(step, { run });
      }));
    const [first, second] = [new FakeRun(), new FakeRun()];
    [first.weight, second.weight] = [1, 2];
    const steps = concat(stepsOf(first), stepsOf(second));
    await lastValueFrom(steps.pipe(checkpoint(path, { save: "last", everySteps: 3 })));
    assert.equal(saved(path).weight, 2);
  }));

Deno.test("what a run has not written yet is not written with the weights of the next", () =>
  inFolder(async (folder) => {
    const written: string[] = [];
    const runs = ["first", "second"].map((name) => {
      const run = new FakeRun();
      const save = run.save.bind(run);
      run.save = (metadata, write) => {
        written.push(`${name} ${metadata.epoch}`);
        return save(metadata, write);
      };
      return run;
    });
    // Neither waits until a file is there.
    const values = [[1, 1], [1]];
    const epochs = concat(
      ...runs.map((run, place) => from(fakeEpochs(values[place], "val_loss", run))),
    );
    const options = { save: "last" } as const;
    await lastValueFrom(epochs.pipe(checkpoint(`${folder}/a.safetensors`, options)));
    assert.deepEqual(written, ["first 1", "first 2", "second 1"]);
  }));

Deno.test("the best of all runs stays in the file", () =>
  inFolder(async (folder) => {
    const path = `${folder}/a.safetensors`;
    const runs = concat(training([3, 1]), training([2, 2, 0.5]));
    await lastValueFrom(runs.pipe(checkpoint(path)));
    assert.deepEqual(saved(path), { weight: 3, epoch: "3" });
  }));

Deno.test("maxTime ends two runs at once, and meets each of them once", () =>
  withClock(async (clock) => {
    const runs = [new CountingRun(), new CountingRun()];
    const turns = [1, 2, 3, 4, 5].flatMap((epoch) =>
      runs.map((run) => fakeEpochs(new Array(epoch).fill(1), "val_loss", run).at(-1)!)
    );
    const ended = from(turns).pipe(tap(() => void (clock.now += 1000)), maxTime({ seconds: 6 }));
    assert.equal((await lastValueFrom(ended)).epoch, 4);
    assert.deepEqual(runs.map(({ kinds }) => kinds), [["maxTime"], ["maxTime"]]);
  }));

Deno.test("checkpoint meets each of two runs at once one time", () =>
  inFolder(async (folder) => {
    const runs = [new CountingRun(), new CountingRun()];
    const both = merge(...runs.map((run) => training([3, 2, 1], "val_loss", run)));
    await lastValueFrom(both.pipe(checkpoint(`${folder}/a.safetensors`)));
    assert.deepEqual(runs.map(({ kinds }) => kinds), [["checkpoint"], ["checkpoint"]]);
  }));

Deno.test("earlyStopping watches each run from its beginning, and puts the best of the last back", async () => {
  const [first, second] = [new FakeRun(), new FakeRun()];
  const runs = concat(
    training([1, 2, 0.1], "val_loss", first),
    training([5, 4, 6, 6, 1], "val_loss", second),
  );
  const ended = runs.pipe(earlyStopping({ patience: 2, restoreBest: true }));
  assert.equal((await lastValueFrom(ended)).epoch, 4);
  assert.equal(second.reason, "early_stopping");
  assert.deepEqual([first.weight, second.weight], [3, 2]);
  assert.ok([first, second].every(({ snapshots }) => snapshots.every(({ disposed }) => disposed)));
});
