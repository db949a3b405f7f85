/** Two operators of a pipe that write to one file. */
import assert from "node:assert/strict";
import { firstValueFrom, from, last, lastValueFrom, of, Subject } from "rxjs";
import type { Epoch } from "../../../../core/stream/epoch.ts";
import { checkpoint, csvLog } from "../../../../core/stream/operators/mod.ts";
import { decodeSafetensors } from "../../../../core/state/mod.ts";
import { fakeEpoch, FakeRun, inFolder, names, training } from "../fake_epoch.ts";

Deno.test("two checkpoints of a pipe save to one file where both save the last, else to two", () =>
  inFolder(async (folder) => {
    const [path, other] = [`${folder}/a.st`, `${folder}/b.st`];
    const [best, last] = [{ save: "best" }, { save: "last" }] as const;
    const message =
      /Cannot use checkpoint as another operator of the pipe writes to ".*a\.st", too/;
    for (const [one, two] of [[best, best], [best, last], [last, best]]) {
      const twice = training([1, 2]).pipe(checkpoint(path, one), checkpoint(path, two));
      await assert.rejects(lastValueFrom(twice), { name: "RangeError", message });
    }
    await lastValueFrom(training([1]).pipe(checkpoint(path, last), checkpoint(path, last)));
    await lastValueFrom(training([1]).pipe(checkpoint(path, best), checkpoint(other, best)));
    assert.deepEqual(names(folder), ["a.st", "b.st"]);
  }));

Deno.test("a file is free for others when the checkpoint that saved to it has been left", () =>
  inFolder(async (folder) => {
    const run = new FakeRun();
    for (const epoch of [1, 2]) {
      const epochs = from([fakeEpoch(epoch, { val_loss: 1 / epoch }, run)]);
      await lastValueFrom(epochs.pipe(checkpoint(`${folder}/a.st`)));
    }
    assert.equal(
      decodeSafetensors(Deno.readFileSync(`${folder}/a.st`), "a.st").metadata.epoch,
      "2",
    );
  }));

Deno.test("two csvLog of a pipe that write to one file are refused", () =>
  inFolder(async (folder) => {
    const path = `${folder}/log.csv`;
    const [first, second] = [fakeEpoch(1), fakeEpoch(2)];
    for (const same of [path, `${folder}/./log.csv`, `${folder}//log.csv`]) {
      const append = same !== path;
      const twice = of(first, second).pipe(csvLog(path, { append }), csvLog(same, { append }));
      await assert.rejects(lastValueFrom(twice), {
        name: "RangeError",
        message:
          /Cannot use csvLog as another operator of the pipe writes to ".*log\.csv", too: name/,
      });
    }
    await lastValueFrom(of(first).pipe(csvLog(path), csvLog(`${path}.2`)));
    assert.equal(await Deno.readTextFile(path), await Deno.readTextFile(`${path}.2`));
  }));

Deno.test("a csvLog whose file another run writes at the same time is refused, and later is not", () =>
  inFolder(async (folder) => {
    const path = `${folder}/log.csv`;
    const runs = [new FakeRun(), new FakeRun()];
    const sources = runs.map(() => new Subject<Epoch>());
    const [rows, late] = [path, `${folder}/./log.csv`].map((same, place) =>
      firstValueFrom(sources[place].pipe(csvLog(same), last()))
    );
    const refused = assert.rejects(late, {
      name: "RangeError",
      message: /Cannot use csvLog as another run writes to ".*log\.csv" at the same time: name a/,
    });
    sources.forEach((source, place) => source.next(fakeEpoch(1, { loss: 0.5 }, runs[place])));
    await refused;
    sources[0].next(fakeEpoch(2, { loss: 0.25 }, runs[0]));
    sources[0].complete();
    await rows;
    assert.equal(Deno.readTextFileSync(path), "epoch,loss\n1,0.5\n2,0.25\n");
    await lastValueFrom(of(fakeEpoch(1, { loss: 2 }, new FakeRun())).pipe(csvLog(path)));
    assert.equal(Deno.readTextFileSync(path), "epoch,loss\n1,2\n");
  }));
