// Operators below a `concat` or `repeat` of runs.
import assert from "node:assert/strict";
import { concat, concatMap, from, lastValueFrom } from "rxjs";
import { checkpoint } from "../../../../core/stream/operators/mod.ts";
import { fakeEpochs, FakeRun, fakeStep, inFolder, training } from "../fake_epoch.ts";
import { decodeSafetensors } from "../../../../core/state/mod.ts";

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
