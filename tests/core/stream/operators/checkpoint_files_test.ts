/** Which files `checkpoint` keeps, and when it writes them. */
import assert from "node:assert/strict";
import { concat, from, lastValueFrom, take, tap, throwError } from "rxjs";
import { withClock } from "../../../clock.ts";
import type { Epoch } from "../../../../core/stream/epoch.ts";
import { checkpoint, type CheckpointOptions } from "../../../../core/stream/operators/mod.ts";
import { fileName } from "../../../../core/stream/operators/file_name.ts";
import { decodeSafetensors } from "../../../../core/state/mod.ts";
import { epochs, type MiniBatchesOptions, sgd } from "../../../../mod.ts";
import { points, smallModel, steps, weightsOf } from "../../../training/pipes.ts";
import { fakeEpochs, FakeRun, fakeStep, inFolder, names, runOf, training } from "../fake_epoch.ts";

function metadataOf(path: string): Record<string, string> {
  return decodeSafetensors(Deno.readFileSync(path), path).metadata;
}

/** The files after epochs with these values. */
async function filesAfter(
  values: readonly number[],
  options: CheckpointOptions,
  name = "{epoch}-{val_loss:.2f}.st",
): Promise<string[]> {
  let found: string[] = [];
  await inFolder(async (folder) => {
    await lastValueFrom(training(values).pipe(checkpoint(`${folder}/${name}`, options)));
    found = names(folder);
  });
  return found;
}

Deno.test("checkpoint keeps the k best files, and removes those that fall behind", async () => {
  const values = [3, 1, 2, 0.5, 4, 1.5];
  assert.deepEqual(await filesAfter(values, { keep: 1 }), ["4-0.50.st"]);
  assert.deepEqual(await filesAfter(values, { keep: 2 }), ["2-1.00.st", "4-0.50.st"]);
  assert.deepEqual(
    await filesAfter(values, { keep: 3 }),
    ["2-1.00.st", "4-0.50.st", "6-1.50.st"],
  );
  assert.deepEqual(await filesAfter(values, { keep: Infinity }), [
    "1-3.00.st",
    "2-1.00.st",
    "3-2.00.st",
    "4-0.50.st",
    "5-4.00.st",
    "6-1.50.st",
  ]);
  assert.deepEqual(
    await filesAfter(values, { keep: 2, mode: "max" }),
    ["1-3.00.st", "5-4.00.st"],
  );
  assert.deepEqual(
    await filesAfter(values, { keep: 9, initialValueThreshold: 1.5 }),
    ["2-1.00.st", "4-0.50.st"],
  );
});

Deno.test("checkpoint keeps the last k files", async () => {
  const last = (options: CheckpointOptions) =>
    filesAfter([1, 2, NaN, 3], { save: "last", ...options });
  assert.deepEqual(await last({}), ["4-3.00.st"]);
  assert.deepEqual(await last({ keep: 2 }), ["3-NaN.st", "4-3.00.st"]);
  assert.deepEqual(await last({ keep: 2, everyEpochs: 2 }), ["2-2.00.st", "4-3.00.st"]);
});

Deno.test("checkpoint keeps the last one beside the best", () =>
  inFolder(async (folder) => {
    const saving = checkpoint<Epoch>(`${folder}/a.st`, { saveLast: true });
    await lastValueFrom(training([1, 2]).pipe(saving));
    assert.deepEqual(names(folder), ["a.last.st", "a.st"]);
    assert.equal(metadataOf(`${folder}/a.st`).epoch, "1");
    assert.equal(metadataOf(`${folder}/a.last.st`).epoch, "2");
  }));

Deno.test("names are written as Python writes them", () => {
  const values = { epoch: 7, val_loss: 0.012345, big: 1e21, bad: NaN };
  assert.equal(fileName("w-{epoch:03d}.st", values), "w-007.st");
  assert.equal(fileName("{epoch}-{val_loss}", values), "7-0.012345");
  assert.equal(
    fileName("{val_loss:.4f}|{val_loss:.2e}|{val_loss:08.3f}", values),
    "0.0123|1.23e-2|0000.012",
  );
  assert.equal(fileName("{epoch:4d}{bad:.2f}", values), "   7NaN");
  assert.throws(
    () => fileName("{loss}", values),
    /no number "loss": received epoch, val_loss, big/,
  );
  assert.throws(() => checkpoint("{epoch:x}.st"), /\{epoch:x\} must be written as .*format "x"/);
  assert.throws(
    () => checkpoint("{epoch}/a.st"),
    /folder must have one name: received "\{epoch\}\/"/,
  );
});

Deno.test("a log that a file's name wants and that is missing ends the run", () =>
  inFolder(async (folder) => {
    const saving = training([1]).pipe(checkpoint(`${folder}/{val_accuracy}.st`));
    await assert.rejects(lastValueFrom(saving), /there is no number "val_accuracy"/);
  }));

Deno.test("checkpoint saves every n steps, and the weights are those after the step", () =>
  inFolder(async (folder) => {
    const model = smallModel();
    const data = points(40);
    const pipe = steps(model, data, sgd({ learningRate: 0.5 }), {
      batchSize: 8,
      device: "cpu",
      epochs: 2,
    });
    const options = { save: "last", everySteps: 3, keep: Infinity } as const;
    await lastValueFrom(pipe.pipe(checkpoint(`${folder}/{step:02d}.st`, options)));
    assert.deepEqual(names(folder), ["03.st", "06.st", "09.st"]);
    // The same steps again, ended there.
    for (const step of [3, 6, 9]) {
      const path = `${folder}/0${step}.st`;
      assert.equal(metadataOf(path).step, `${step}`);
      const again = smallModel();
      await lastValueFrom(
        steps(again, data, sgd({ learningRate: 0.5 }), { batchSize: 8, device: "cpu", epochs: 2 })
          .pipe(take(step)),
      );
      const { tensors } = decodeSafetensors(Deno.readFileSync(path), path);
      for (const [name, values] of Object.entries(await weightsOf(again))) {
        assert.deepEqual(Array.from(tensors.get(name)!.data as Float32Array), values);
      }
    }
  }));

Deno.test("checkpoint saves by time", () =>
  inFolder(async (folder) => {
    await withClock(async (clock) => {
      const saving = checkpoint<Epoch>(`${folder}/{epoch}.st`, {
        save: "last",
        keep: Infinity,
        everySeconds: 60,
      });
      const timed = training([1, 1, 1, 1, 1]).pipe(tap(() => void (clock.now += 25_000)));
      await lastValueFrom(timed.pipe(saving));
    });
    // After 75 seconds, and not 60 seconds later before the end.
    assert.deepEqual(names(folder), ["3.st"]);
  }));

Deno.test("checkpoint saves a run that fails, if asked, and passes the error on", () =>
  inFolder(async (folder) => {
    for (const onException of [false, true]) {
      const run = new FakeRun();
      const failing = concat(
        from(fakeEpochs([1, 2], "val_loss", run)),
        throwError(() => new Error("the disk is on fire")),
      ).pipe(checkpoint(`${folder}/a.st`, { onException }));
      await assert.rejects(lastValueFrom(failing), /the disk is on fire/);
      await Promise.all(run.holds);
      assert.deepEqual(names(folder), onException ? ["a.exception.st", "a.st"] : ["a.st"]);
    }
    const { epoch, reason, message } = metadataOf(`${folder}/a.exception.st`);
    assert.deepEqual([epoch, reason, message], ["2", "error", "the disk is on fire"]);
  }));

Deno.test("a real run that fails is saved as it is then, and goes on from there", () =>
  inFolder(async (folder) => {
    const optimizer = () => sgd({ learningRate: 0.5, momentum: 0.9 });
    const pipe = (options: MiniBatchesOptions = {}) =>
      steps(again, points(40), optimizer(), { batchSize: 8, device: "cpu", ...options });
    let again = smallModel();
    const failing = pipe().pipe(
      tap(({ step }) => {
        if (step === 4) throw new Error("a callback of mine");
      }),
      checkpoint(`${folder}/a.st`, { save: "last", onException: true }),
    );
    await assert.rejects(lastValueFrom(failing), /a callback of mine/);
    again = smallModel();
    await lastValueFrom(pipe().pipe(take(4)));
    const path = `${folder}/a.exception.st`;
    const { tensors } = decodeSafetensors(Deno.readFileSync(path), path);
    // The step had been staged as a whole.
    for (const [name, values] of Object.entries(await weightsOf(again))) {
      assert.deepEqual(Array.from(tensors.get(name)!.data as Float32Array), values);
    }
    again = smallModel();
    await lastValueFrom(pipe());
    const whole = await weightsOf(again);
    again = smallModel();
    const resume = path;
    const goingOn = pipe({ resume }).pipe(checkpoint(`${folder}/b.st`, { save: "last" }));
    await lastValueFrom(goingOn);
    assert.deepEqual(await weightsOf(again), whole);
  }));

Deno.test("a folder that cannot be written is noticed before the first step", async () => {
  let steps = 0;
  const run = new FakeRun();
  const source = runOf(run, [1, 2].map((step) => fakeStep(step, { run }))).pipe(
    tap(() => void steps++),
  );
  const saving = source.pipe(checkpoint("deno.json/folder/a.st", { save: "last" }));
  await assert.rejects(
    lastValueFrom(saving),
    /"deno.json" is not a folder: name a file in a folder/,
  );
  assert.equal(steps, 0);
  assert.equal(run.reason, "error");
});

Deno.test("checkpoint goes on with the files that it keeps", () =>
  inFolder(async (folder) => {
    const saving = () => checkpoint<Epoch>(`${folder}/{epoch}.st`, { keep: 2 });
    const first = new FakeRun();
    const values = [3, 1, 2, 0.5];
    await lastValueFrom(
      runOf(first, fakeEpochs(values, "val_loss", first).slice(0, 2)).pipe(saving()),
    );
    assert.deepEqual(names(folder), ["1.st", "2.st"]);
    const second = new FakeRun(first.states);
    await lastValueFrom(
      runOf(second, fakeEpochs(values, "val_loss", second).slice(2)).pipe(saving()),
    );
    assert.deepEqual(names(folder), ["2.st", "4.st"]);
  }));

Deno.test("weightsOnly files hold no run, others do", () =>
  inFolder(async (folder) => {
    for (const weightsOnly of [true, false]) {
      const path = `${folder}/a.st`;
      const pipe = steps(smallModel(), points(40), sgd({ momentum: 0.9 }), { device: "cpu" });
      const saving = checkpoint<Epoch>(path, { monitor: "loss", weightsOnly });
      await lastValueFrom(pipe.pipe(epochs(), saving));
      assert.equal(metadataOf(path).run === undefined, weightsOnly);
      assert.deepEqual(metadataOf(path).epoch, "1");
    }
  }));

Deno.test("checkpoint refuses options that do not go together", async () => {
  assert.throws(() => checkpoint("a.st", { keep: 2 }), /must have a place for a number/);
  assert.throws(() => checkpoint("a.st", { keep: 0 }), /keep of checkpoint/);
  assert.throws(
    () => checkpoint("a.st", { everyEpochs: 1, everySteps: 2 }),
    /at most one of .* received everyEpochs, everySteps/,
  );
  assert.throws(() => checkpoint("a.st", { everySteps: 0 }), /everySteps of checkpoint/);
  assert.throws(() => checkpoint("a.st", { everySeconds: 0 }), /everySeconds of checkpoint/);
  await inFolder(async (folder) => {
    const best = from([fakeStep(10)]).pipe(checkpoint(`${folder}/a.st`));
    await assert.rejects(lastValueFrom(best), /among steps .* set save to "last"/);
  });
});

Deno.test("every file of checkpoint holds the caller's texts, whatever made it be written", () =>
  inFolder(async (folder) => {
    const metadata = { words: JSON.stringify(["a", "b"]) };
    const options = { saveLast: true, metadata };
    await lastValueFrom(training([2, 1, 3]).pipe(checkpoint(`${folder}/a.st`, options)));
    const failing = concat(training([2]), throwError(() => new Error("Broken")));
    const saving = checkpoint<Epoch>(`${folder}/b.st`, { metadata, onException: true });
    await assert.rejects(lastValueFrom(failing.pipe(saving)), /Broken/);
    const lean = checkpoint<Epoch>(`${folder}/c.st`, { metadata, weightsOnly: true });
    await lastValueFrom(training([1]).pipe(lean));
    const files = ["a.last.st", "a.st", "b.exception.st", "b.st", "c.st"];
    assert.deepEqual(names(folder), files);
    for (const file of files) assert.equal(metadataOf(`${folder}/${file}`).words, metadata.words);
    assert.equal(metadataOf(`${folder}/b.exception.st`).message, "Broken");
  }));
