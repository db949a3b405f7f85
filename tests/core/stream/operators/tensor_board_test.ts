import assert from "node:assert/strict";
import { concat, from, lastValueFrom, map, NEVER, of, tap, throwError } from "rxjs";
import { TestScheduler } from "rxjs/testing";
import { tensorBoard } from "../../../../core/stream/operators/mod.ts";
import type { Updated } from "../../../../core/stream/stages.ts";
import {
  fakeEpoch,
  FakeRun,
  fakeStep,
  inFolder,
  names,
  runOf,
  type Weights,
} from "../fake_epoch.ts";
import { eventsIn, scalarsIn } from "./event_file.ts";
import { OpenFiles } from "./open_files.ts";

const numbers = [1, 2, 3];

/** Epochs whose numbers float32 holds. */
const epochsOf = (run: FakeRun) =>
  numbers.map((number) =>
    fakeEpoch(number, { loss: 1 / 2 ** number, val_loss: number, learning_rate: 0.125 }, run)
  );

Deno.test("tensorBoard writes logs as Keras does: two runs, tags epoch_loss", () =>
  inFolder(async (folder) => {
    const before = Date.now() / 1000;
    await lastValueFrom(from(epochsOf(new FakeRun())).pipe(tensorBoard(folder)));
    assert.deepEqual(names(folder), ["train", "validation"]);
    assert.deepEqual(
      scalarsIn(`${folder}/train`),
      numbers.map((
        number,
      ) => [number, { epoch_loss: 1 / 2 ** number, epoch_learning_rate: 0.125 }]),
    );
    assert.deepEqual(
      scalarsIn(`${folder}/validation`),
      numbers.map((number) => [number, { epoch_loss: number }]),
    );
    for (const run of names(folder)) {
      const [first, ...events] = eventsIn(`${folder}/${run}`);
      assert.equal(first.version, "brain.Event:2");
      for (const { wallTime } of [first, ...events]) {
        assert.ok(wallTime >= before && wallTime <= Date.now() / 1000);
      }
    }
  }));

Deno.test("tensorBoard has no validation where there is none, and NaN is NaN", () =>
  inFolder(async (folder) => {
    const logs = { loss: NaN, accuracy: -Infinity };
    await lastValueFrom(of(fakeEpoch(1, logs)).pipe(tensorBoard(folder)));
    assert.deepEqual(names(folder), ["train"]);
    assert.deepEqual(scalarsIn(`${folder}/train`), [[1, {
      epoch_loss: NaN,
      epoch_accuracy: -Infinity,
    }]]);
  }));

Deno.test("tensorBoard hands over each event when it comes, and makes the folder on subscription", () =>
  inFolder(async (folder) => {
    const path = `${folder}/deep/er`;
    const run = new FakeRun();
    let seen = 0;
    const training = runOf(run, epochsOf(run)).pipe(
      tap(() => assert.equal(eventsIn(`${path}/train`).length, 1 + seen)),
      tensorBoard(path),
      tap(() => assert.equal(eventsIn(`${path}/train`).length, 1 + ++seen)),
    );
    assert.deepEqual(names(folder), []);
    await lastValueFrom(training);
    assert.equal(seen, 3);
  }));

Deno.test("tensorBoard among steps writes every so many, by their numbers", () =>
  inFolder(async (folder) => {
    const steps = Array.from({ length: 20 }, (_, at) => {
      return fakeStep(at + 1, { values: Promise.resolve({ loss: at, learning_rate: 0.5 }) });
    });
    for (const [frequency, every] of [["batch", 1], [1, 1], [7, 7], [20, 20]] as const) {
      const path = `${folder}/${frequency}`;
      await lastValueFrom(from(steps).pipe(tensorBoard(path, { updateFrequency: frequency })));
      await Promise.resolve();
      const due = steps.filter(({ step }) => step % every === 0);
      assert.deepEqual(
        scalarsIn(`${path}/train`),
        due.map(({ step }) => [step, { batch_loss: step - 1, batch_learning_rate: 0.5 }]),
      );
    }
  }));

Deno.test("values that come late are written, those that never come are not, and no step waits", () =>
  inFolder(async (folder) => {
    const run = new FakeRun();
    const late = [1, 2, 3].map(() => Promise.withResolvers<Record<string, number>>());
    const steps = late.map(({ promise }, at) => fakeStep(at + 1, { run, values: promise }));
    const marbles = new TestScheduler((actual, expected) => assert.deepEqual(actual, expected));
    marbles.run(({ cold, expectObservable }) => {
      const values = { a: steps[0], b: steps[1], c: steps[2] };
      const logged = cold<Updated>("-a-b-(c|)", values).pipe(
        tensorBoard(folder, { updateFrequency: 1 }),
      );
      expectObservable(logged).toBe("-a-b-(c|)", values);
    });
    assert.deepEqual(run.holds, []);
    late[0].resolve({ loss: 4 });
    late[1].reject(new Error("The run has ended"));
    // The pipe has completed; the file is open for this one.
    await Promise.resolve();
    late[2].resolve({ loss: 8 });
    await new Promise((resolve) => setTimeout(resolve, 0));
    assert.deepEqual(scalarsIn(`${folder}/train`), [[1, { batch_loss: 4 }], [3, {
      batch_loss: 8,
    }]]);
  }));

Deno.test("tensorBoard among steps and one among epochs write to the same file", () =>
  inFolder(async (folder) => {
    const run = new FakeRun();
    const steps = numbers.map((step) => fakeStep(step, { run }));
    const training = runOf(run, steps).pipe(
      tensorBoard(folder, { updateFrequency: 2 }),
      map(({ step }) => fakeEpoch(step, { loss: 0.25 }, run)),
      tensorBoard(folder, { updateFrequency: "batch" }),
    );
    await lastValueFrom(training);
    await Promise.resolve();
    const epochs = numbers.map((epoch) => [epoch, { epoch_loss: 0.25 }]);
    assert.deepEqual(scalarsIn(`${folder}/train`), [...epochs, [2, { batch_loss: 0.5 }]]);
    assert.deepEqual([...run.kept.keys()], ["tensorBoard"]);
  }));

Deno.test("histograms of the weights come every so many epochs, and the next epoch waits", () =>
  inFolder(async (folder) => {
    const run = new FakeRun();
    const reading: PromiseWithResolvers<Weights>[] = [];
    run.weights = () => {
      reading.push(Promise.withResolvers<Weights>());
      return reading.at(-1)!.promise;
    };
    let completed = false;
    from(epochsOf(run)).pipe(tensorBoard(folder, { histogramFrequency: 3 }))
      .subscribe({ complete: () => completed = true });
    assert.deepEqual([reading.length, run.holds.length, completed], [1, 1, false]);
    const data = Float32Array.of(-1, 0.5, 2, 2);
    reading[0].resolve(
      new Map([
        ["dense_1/kernel", { shape: [2, 2], data }],
        ["dense_1/bias", { shape: [1], data: Float32Array.of(NaN) }],
      ]),
    );
    await Promise.all(run.holds);
    await Promise.resolve();
    assert.ok(completed, "after all is written");
    const { step, histograms } = eventsIn(`${folder}/train`).at(-1)!;
    assert.equal(step, 3);
    assert.deepEqual(Object.keys(histograms), ["dense_1/kernel/histogram"]);
    const { numbers, counts } = histograms["dense_1/kernel/histogram"];
    assert.deepEqual(numbers, [-1, 2, 4, 3.5, 9.25]);
    assert.deepEqual([counts[0], counts[15], counts[29]], [1, 1, 2]);
  }));

Deno.test("tensorBoard opens its files when it meets the run, and closes them on every end", () =>
  inFolder(async (folder) => {
    using open = new OpenFiles();
    const run = new FakeRun();
    const waiting = concat(runOf(run, []), NEVER).pipe(tensorBoard(folder)).subscribe();
    assert.equal(open.count, 1);
    waiting.unsubscribe();
    assert.equal(open.count, 0);
    const failing = concat(from(epochsOf(run)), throwError(() => new Error("lost")));
    await assert.rejects(lastValueFrom(failing.pipe(tensorBoard(folder))), /lost/);
    assert.equal(open.count, 0);
    await lastValueFrom(from(epochsOf(run)).pipe(tensorBoard(folder)));
    assert.equal(open.count, 0);
    // Each run has a file of its own, though they began in one second.
    assert.equal(names(`${folder}/train`).length, 3);
    assert.equal(names(`${folder}/validation`).length, 2);
  }));

Deno.test("tensorBoard writes nothing in a rehearsal", () =>
  inFolder(async (folder) => {
    const run = Object.assign(new FakeRun(), { isRehearsal: true });
    await lastValueFrom(from(epochsOf(run)).pipe(tensorBoard(folder, { histogramFrequency: 1 })));
    assert.deepEqual([names(folder), run.holds], [[], []]);
  }));
