/** What tensorBoard refuses, and what it says when its files cannot be written. */
import assert from "node:assert/strict";
import { concat, from, lastValueFrom, NEVER, of, tap } from "rxjs";
import { tensorBoard, type TensorBoardOptions } from "../../../../core/stream/operators/mod.ts";
import { fakeEpoch, FakeRun, fakeStep, inFolder, runOf } from "../fake_epoch.ts";

const epoch = fakeEpoch(1);

Deno.test("tensorBoard refuses options that are none", () => {
  const bad: [TensorBoardOptions, RegExp][] = [
    [{ updateFrequency: 0 }, /"epoch", "batch" or a whole number of steps from 1: received 0/],
    [{ updateFrequency: 1.5 }, /received 1.5/],
    [{ updateFrequency: NaN }, /received/],
    [{ updateFrequency: "step" as "batch" }, /received "step"/],
    [{ histogramFrequency: -1 }, /histogramFrequency of tensorBoard .* from 0: received -1/],
    [{ histogramFrequency: 0.5 }, /received 0.5/],
  ];
  for (const [options, message] of bad) {
    assert.throws(() => tensorBoard("logs", options), { name: "RangeError", message });
  }
});

Deno.test("options that leave nothing to write are an error, and say where to put them", () =>
  inFolder(async (folder) => {
    await assert.rejects(
      lastValueFrom(of(fakeStep(1)).pipe(tensorBoard(folder))),
      /among steps as its updateFrequency must not be "epoch" there: put it below epochs, or set/,
    );
    await assert.rejects(
      lastValueFrom(of(epoch).pipe(tensorBoard(folder, { updateFrequency: 5 }))),
      /among epochs with updateFrequency 5 .*: put another one for ".*" among steps/,
    );
  }));

Deno.test("a folder that cannot be is told before the first step", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "");
    const run = new FakeRun();
    let stepped = false;
    const training = runOf(run, [epoch]).pipe(
      tap(() => void (stepped = true)),
      tensorBoard(`${folder}/file/logs`),
    );
    await assert.rejects(
      lastValueFrom(training),
      /Cannot write ".*\/file\/logs.*" as ".*\/file" is a file: name a folder that is in none/,
    );
    assert.deepEqual([stepped, run.reason], [false, "error"]);
  }));

Deno.test({
  name: "without permission tensorBoard names the flag",
  permissions: { read: true, write: false },
  fn: async () => {
    await assert.rejects(
      lastValueFrom(of(epoch).pipe(tensorBoard("logs/one"))),
      /Cannot write "logs\/one.*" as .* --allow-write="logs\/one.*" \(to append or to resume, also --/,
    );
  },
});

/** The file of training on a full disk: after its first event it takes nothing. */
async function onFullDisk(test: () => Promise<void>): Promise<void> {
  const original = Deno.openSync;
  Deno.openSync = (path, options) => {
    const file = original(path, options);
    const full = original("/dev/full", { write: true });
    const [write, close] = [file.writeSync.bind(file), file.close.bind(file)];
    let count = 0;
    file.writeSync = (bytes) => count++ === 0 ? write(bytes) : full.writeSync(bytes);
    file.close = () => (full.close(), close());
    return file;
  };
  try {
    await test();
  } finally {
    Deno.openSync = original;
  }
}

const noSpace = /Cannot write ".*" as the disk is full: free some space/;

Deno.test({
  name: "a full disk is an error, of an epoch, of a step whose values come late, of histograms",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    inFolder((folder) =>
      onFullDisk(async () => {
        const run = new FakeRun();
        const epochs = from([epoch, fakeEpoch(2)]);
        await assert.rejects(lastValueFrom(epochs.pipe(tensorBoard(folder))), noSpace);

        const steps = concat(runOf(run, [fakeStep(1, { run })]), NEVER);
        const late = steps.pipe(tensorBoard(folder, { updateFrequency: "batch" }));
        await assert.rejects(lastValueFrom(late), noSpace);
        assert.equal(run.reason, "error");

        const logless = fakeEpoch(1, {}, run);
        const weighed = of(logless).pipe(tensorBoard(folder, { histogramFrequency: 1 }));
        await assert.rejects(lastValueFrom(weighed), noSpace);
        await assert.rejects(Promise.all(run.holds), noSpace, "the next epoch would not come");
      })
    ),
});
