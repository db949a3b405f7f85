/** What a resumed run does with files: its own checkpoints and logs, and those that are damaged. */
import assert from "node:assert/strict";
import { lastValueFrom, type MonoTypeOperatorFunction, take, tap, toArray } from "rxjs";
import {
  adam,
  backward,
  checkpoint,
  csvLog,
  dense,
  earlyStopping,
  type Epoch,
  epochs,
  findLearningRate,
  fit,
  forward,
  hyperparameter,
  input,
  loadWeights,
  loss,
  miniBatches,
  type MiniBatchesOptions,
  type Model,
  sequential,
  sgd,
  update,
} from "../../mod.ts";
import { captureErrors, FakeRun, inFolder, names, runOf } from "../core/stream/fake_epoch.ts";
import { mulberry32 } from "../core/ops/generator.ts";
import { crossentropy, points, smallModel } from "./pipes.ts";

const data = points(40);
const settings = { batchSize: 8, epochs: 6, seed: 2, device: "cpu", threads: 1 } as const;

function train(
  options: MiniBatchesOptions,
  ...callbacks: MonoTypeOperatorFunction<Epoch>[]
): Promise<Epoch[]> {
  const steps = miniBatches(data, { ...settings, ...options }).pipe(
    forward(smallModel()),
    loss(crossentropy),
    backward(),
    update(sgd({ learningRate: 0.3, momentum: 0.5 })),
    epochs({ validation: data }),
  );
  return lastValueFrom(
    callbacks.reduce((stream, callback) => stream.pipe(callback), steps).pipe(toArray()),
  );
}

/** A file for every epoch. */
const every = (folder: string) =>
  checkpoint<Epoch>(`${folder}/{epoch}.run`, { save: "last", keep: Infinity });

Deno.test("csvLog of a resumed run has each row once, whatever came after the save", () =>
  inFolder(async (folder) => {
    const path = `${folder}/log.csv`;
    await Deno.writeTextFile(path, "epoch,loss\n99,1\n");
    // The validation of a later epoch adds columns.
    const later = tap<Epoch>((epoch) => {
      if (epoch.epoch >= 4) Object.assign(epoch.logs, { late: epoch.epoch });
    });
    for (const append of [false, true]) {
      await train({}, later, csvLog(path, { append }), every(folder));
      const whole = await Deno.readTextFile(path);
      assert.equal(whole.split("\n").length, 6 + 2 + (append ? 3 : 0));
      for (const [epoch, torn] of [[2, "7,0."], [5, ""], [6, "7,1,1,1,1\n8,"]] as const) {
        await Deno.writeTextFile(path, torn, { append: true });
        const resume = `${folder}/${epoch}.run`;
        await train({ resume }, later, csvLog(path, { append }), every(folder));
        assert.equal(await Deno.readTextFile(path), whole, `after epoch ${epoch}`);
      }
      await train(
        { resume: `${folder}/2.run`, epochs: 3 },
        later,
        csvLog(path, { append }),
        every(folder),
      );
      const rows = (await Deno.readTextFile(path)).split("\n");
      assert.equal(rows.length, 3 + 2 + (append ? 3 : 0), "later rows are gone");
    }
    await Deno.remove(path);
    const said = await captureErrors(async () => {
      await train({ resume: `${folder}/2.run` }, later, csvLog(path), every(folder));
    });
    assert.match(
      said.join(),
      /csvLog: .* does not hold the .* rows that the resumed run had written/,
    );
    assert.match(await Deno.readTextFile(path), /^epoch,.*\n3,/);
  }));

Deno.test("the files that are kept are the same after a resume, and those of another path stay", () =>
  inFolder(async (folder) => {
    const best = (name: string) =>
      checkpoint<Epoch>(`${folder}/${name}-{epoch}.best`, { keep: 2, monitor: "loss" });
    await train({}, best("a"), every(folder));
    const whole = names(folder);
    for (const epoch of [1, 3, 6]) {
      // As the process leaves it when it is killed before it has removed an old file.
      const resume = `${folder}/${epoch}.run`;
      for (const name of names(folder).filter((name) => name.endsWith(".best"))) {
        if (epoch < 6) await Deno.remove(`${folder}/${name}`);
      }
      await train({ resume }, best("a"), every(folder));
      assert.deepEqual(names(folder), whole, `after epoch ${epoch}`);
    }
    await train({ resume: `${folder}/4.run` }, best("b"), every(folder));
    const kept = names(folder).filter((name) => name.endsWith(".best"));
    assert.deepEqual(kept, ["a-5.best", "a-6.best", "b-5.best", "b-6.best"]);
  }));

Deno.test("a checkpoint that was asked for and not written is written by the run that goes on", () =>
  inFolder(async (folder) => {
    const path = `${folder}/best.run`;
    const state = `${folder}/state`;
    // The first file that is written holds the state of the second checkpoint, whose file is not there.
    let saving: Promise<void> | undefined;
    const first = (saved: boolean) =>
      tap<Epoch>((epoch) => {
        if (!saved || epoch.epoch !== 2) return;
        saving = epoch.run.save({}, ({ bytes }) => Deno.writeFile(state, bytes));
      });
    await train({ epochs: 2 }, first(true), checkpoint(path, { monitor: "loss" }), take(2));
    await saving;
    await Deno.remove(path);
    await train({ resume: state, epochs: 2 }, first(false), checkpoint(path, { monitor: "loss" }));
    assert.ok(names(folder).includes("best.run"));
    const [epoch] = await train(
      { resume: path, epochs: 3 },
      first(false),
      checkpoint(path, { monitor: "loss" }),
    );
    assert.equal(epoch.epoch, 3);
  }));

Deno.test("checkpoint removes what a killed process was writing, by its own names alone", () =>
  inFolder(async (folder) => {
    const left = ["1.run.tmp-4", "123.run.tmp-4-1", ".last.run.tmp-9", "{epoch}.run.tmp-3"];
    const others = ["other.bin.tmp-4", "1.run.tmp", "1.run.tmp-x"];
    for (const name of [...left, ...others]) await Deno.writeTextFile(`${folder}/${name}`, "half");
    await train({ epochs: 1 }, every(folder));
    assert.deepEqual(names(folder), [...others, "1.run"].toSorted());
  }));

Deno.test({
  name: "checkpoint writes where a link leads, and removes there what a killed process was writing",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder(async (folder) => {
      await Deno.mkdir(`${folder}/volume`);
      await Deno.symlink("volume/a.run", `${folder}/latest.run`);
      await Deno.writeTextFile(`${folder}/volume/a.run.tmp-4`, "half");
      const path = `${folder}/latest.run`;
      const latest = () => checkpoint(path, { save: "last" });
      await train({ epochs: 1 }, latest());
      assert.deepEqual(names(folder), ["latest.run", "volume"]);
      assert.deepEqual(names(`${folder}/volume`), ["a.run"]);
      const [epoch] = await train({ resume: path, epochs: 2 }, latest());
      assert.equal(epoch.epoch, 2);
    }),
});

Deno.test("a damaged file is refused with a message, and the older one stays as it is", async () => {
  await inFolder(async (folder) => {
    await train({ epochs: 2 }, every(folder));
    const bytes = await Deno.readFile(`${folder}/2.run`);
    const older = await Deno.readFile(`${folder}/1.run`);
    const path = `${folder}/bad.run`;
    const refused = (message: RegExp) =>
      assert.rejects(train({ resume: path }, every(folder)), (error: Error) => {
        assert.equal(error.name, "DataError");
        assert.match(error.message, message);
        assert.ok(error.message.includes(path), error.message);
        return true;
      });
    const random = mulberry32(5);
    for (let count = 0; count < 25; count++) {
      await Deno.writeFile(path, bytes.slice(0, Math.floor(random() * bytes.length)));
      await refused(/truncated|empty|takes 8 bytes/);
      const flipped = bytes.slice();
      flipped[Math.floor(random() * bytes.length)] ^= 1 << Math.floor(8 * random());
      await Deno.writeFile(path, flipped);
      await refused(/./);
    }
    // In a weight, where no rule of the format tells.
    bytes[bytes.length - 3] ^= 1;
    await Deno.writeFile(path, bytes);
    await refused(
      /it is damaged: its bytes have the checksum [0-9a-f]{8}, "[0-9a-f]{8}" was written/,
    );
    await assert.rejects(loadWeights(smallModel(), path), /it is damaged/);
    assert.deepEqual(await Deno.readFile(`${folder}/1.run`), older);
    await train({ resume: `${folder}/1.run` }, every(folder));
  });
});

Deno.test("options that were given then and are not now, and a rehearsal, are refused", () =>
  inFolder(async (folder) => {
    await train({ epochs: 1, stepsPerEpoch: 3 }, every(folder));
    const resume = `${folder}/1.run`;
    await assert.rejects(
      train({ resume }, every(folder)),
      /stepsPerEpoch must be what it was, 3: received none/,
    );
    await assert.rejects(
      train({ resume, stepsPerEpoch: 3, limitBatches: 2 }, every(folder)),
      /limitBatches must be what it was, not given: received 2/,
    );
    assert.throws(
      () => miniBatches(data, { resume, fastDevRun: true }),
      /fastDevRun must be left out when a run is resumed: received true/,
    );
  }));

Deno.test('a layer may be named "run", as the tensors of a file that are no weights', () =>
  inFolder(async (folder) => {
    const run = async (name: string, options: MiniBatchesOptions, ending = "run") => {
      const model = sequential([input([2]), dense(4, { name }), dense(3)], { seed: 5 });
      const path = `${folder}/{epoch}.${ending}`;
      const steps = miniBatches(data, { ...settings, epochs: 3, ...options }).pipe(
        forward(model),
        loss(crossentropy),
        backward(),
        update(adam({ learningRate: 0.01 })),
        epochs(),
        checkpoint(path, { save: "last", keep: Infinity }),
      );
      await lastValueFrom(steps);
      return model;
    };
    const valuesOf = (model: Model) => model.parameters.map(({ value }) => value);
    const whole = await run("run", {});
    const resumed = await run("run", { resume: `${folder}/1.run` }, "resumed");
    assert.deepEqual(valuesOf(resumed), valuesOf(whole));
    const other = sequential([input([2]), dense(4, { name: "run" }), dense(3)]);
    await loadWeights(other, `${folder}/3.resumed`);
    assert.deepEqual(valuesOf(other), valuesOf(whole));
  }));

Deno.test("fit resumes as a pipe does", () =>
  inFolder(async (folder) => {
    const run = (options: MiniBatchesOptions) =>
      lastValueFrom(
        fit(smallModel(), data, {
          ...settings,
          ...options,
          loss: crossentropy,
          optimizer: sgd({ learningRate: hyperparameter(0.3), momentum: 0.5 }),
          callbacks: [every(folder)],
        }),
      );
    const whole = await run({});
    const resumed = await run({ resume: `${folder}/4.run` });
    assert.deepEqual(resumed.logs, whole.logs);
  }));

Deno.test("a run that had stopped early goes on when it is given more patience", () =>
  inFolder(async (folder) => {
    const patient = (patience: number) =>
      earlyStopping<Epoch>({ patience, minDelta: 9, restoreBest: true });
    const stopped = await train({}, patient(1), every(folder));
    assert.equal(stopped.length, 2);
    const resume = `${folder}/2.run`;
    assert.equal((await train({ resume }, patient(1), every(folder))).length, 0);
    const more = await train({ resume }, patient(3), every(folder));
    assert.deepEqual(more.map(({ epoch }) => epoch), [3, 4]);
  }));

Deno.test("findLearningRate is not resumed, and says so", () =>
  inFolder(async (folder) => {
    await train({ epochs: 1 }, every(folder));
    const rate = hyperparameter(0.3);
    const search = miniBatches(data, { ...settings, resume: `${folder}/1.run` }).pipe(
      forward(smallModel()),
      loss(crossentropy),
      backward(),
      update(sgd({ learningRate: rate })),
      findLearningRate(rate),
    );
    await assert.rejects(lastValueFrom(search), /each search begins anew: leave out resume/);
  }));

Deno.test("weights that no run can go on from do not take the place of a run", () =>
  inFolder(async (folder) => {
    const path = `${folder}/digits.run`;
    const run = new FakeRun();
    // As a GPU's run that is interrupted within a validation.
    run.save = async (_metadata, write) => {
      await write({ bytes: new Uint8Array([1]), complete: false });
    };
    await Deno.writeTextFile(path, "a run");
    const interrupted = runOf<Epoch>(run, []).pipe(
      tap({ complete: () => void (run.reason = "interrupted") }),
      checkpoint(path, { save: "last" }),
    );
    await lastValueFrom(interrupted, { defaultValue: null });
    assert.equal(await Deno.readTextFile(path), "a run");
    assert.deepEqual(names(folder), ["digits.run", "digits.weights.run"]);
  }));
