import assert from "node:assert/strict";
import {
  concat,
  concatMap,
  EMPTY,
  from,
  lastValueFrom,
  map,
  NEVER,
  Observable,
  of,
  type OperatorFunction,
  take,
  tap,
  throwError,
  toArray,
} from "rxjs";
import type { Epoch } from "../../../../core/stream/epoch.ts";
import { earlyStopping, jsonLines, stopOnNaN } from "../../../../core/stream/operators/mod.ts";
import { runListeners } from "../../../../core/stream/run_listeners.ts";
import type { Updated } from "../../../../core/stream/stages.ts";
import { asRun, fakeEpoch, fakeEpochs, FakeRun, fakeStep, FakeWriter } from "../fake_epoch.ts";

/** The lines of a run; `end` without its seconds, which no test can know. */
function lines(writer: FakeWriter): string[] {
  assert.match(writer.text, /^$|\n$/);
  return writer.text.split("\n").slice(0, -1).map((line) =>
    line.replace(/("event":"end".*"seconds":)\d+(\.\d{1,3})?/, "$1S")
  );
}

const start = '{"event":"start","model":"mlp","parameters":24790,"device":{"type":"cpu",' +
  '"name":"a processor","threads":2},"seed":42,"samples":{"train":60000,"validation":10000}}';

/** Gathers two steps into an epoch, as `epochs` does: later than the steps. */
function pairs(run: FakeRun): OperatorFunction<Updated, Epoch> {
  return (source) =>
    source.pipe(
      concatMap(({ step }) =>
        step % 2 === 0 ? of(fakeEpoch(step / 2, { loss: 1 / step }, run)) : EMPTY
      ),
    );
}

Deno.test("jsonLines writes what a run prints, key by key", async () => {
  const writer = new FakeWriter();
  const run = new FakeRun();
  const steps = from([100, 150, 200]).pipe(map((step) =>
    fakeStep(step, {
      run,
      stepsPerEpoch: 150,
      values: Promise.resolve({ loss: 1.02, learning_rate: 0.1 }),
    })
  ));
  await lastValueFrom(steps.pipe(jsonLines(writer), toArray()));
  const logs = { loss: 0.41, accuracy: 0.88, val_loss: 1e-7, learning_rate: 0.1 };
  await lastValueFrom(of(fakeEpoch(1, logs, run)).pipe(jsonLines(writer)));
  assert.deepEqual(lines(writer), [
    start,
    '{"event":"step","epoch":1,"step":100,"loss":1.02,"learning_rate":0.1}',
    '{"event":"step","epoch":2,"step":200,"loss":1.02,"learning_rate":0.1}',
    '{"event":"epoch","epoch":1,"step":10,"loss":0.41,"accuracy":0.88,"val_loss":1e-7,' +
    '"learning_rate":0.1,"seconds":0.25,"samples_per_second":240000}',
    '{"event":"end","reason":"completed","epochs":1,"seconds":S}',
  ]);
});

Deno.test("jsonLines writes numbers that are not finite as strings, on one line", async () => {
  const writer = new FakeWriter();
  const run = new FakeRun();
  run.announced = true;
  const logs = { loss: NaN, a: Infinity, b: -Infinity, "x\ny": 1 };
  await lastValueFrom(of(fakeEpoch(1, logs, run)).pipe(jsonLines(writer)));
  assert.match(lines(writer)[0], /"loss":"NaN","a":"Infinity","b":"-Infinity","x\\ny":1,"seconds"/);
});

Deno.test("jsonLines keeps the order of steps and epochs, though steps are known late", async () => {
  const writer = new FakeWriter();
  const run = new FakeRun();
  const late = (step: number) =>
    new Promise<Record<string, number>>((resolve) => {
      if (step < 3) setTimeout(() => resolve({ loss: step }), 3);
    });
  const source = from([1, 2, 3, 4]).pipe(
    concatMap(async (step) => {
      // Long enough, on a busy machine too, for the first two to be known.
      if (step === 3) await new Promise((resolve) => setTimeout(resolve, 200));
      return fakeStep(step, { run, stepsPerEpoch: 2, values: late(step) });
    }),
  );
  const training = source.pipe(jsonLines(writer, { every: 1 }), pairs(run), jsonLines(writer));
  const seen = await lastValueFrom(training.pipe(toArray()));
  assert.equal(seen.length, 2);
  const events = writer.events.map(({ event, step, reason }) => `${event} ${step ?? reason ?? ""}`);
  // The last two steps are never known: the run is over.
  assert.deepEqual(events, ["start ", "step 1", "step 2", "epoch 10", "epoch 20", "end completed"]);
});

Deno.test("jsonLines waits for values that are known when the run ends", async () => {
  const writer = new FakeWriter();
  const run = new FakeRun();
  const steps = from([1, 2, 3, 4].map((step) => fakeStep(step, { run, stepsPerEpoch: 2 })));
  await lastValueFrom(
    steps.pipe(jsonLines(writer, { every: 1 }), pairs(run), jsonLines(writer)),
  );
  assert.deepEqual(
    writer.events.map(({ event }) => event),
    ["start", "step", "step", "epoch", "step", "step", "epoch", "end"],
  );
});

Deno.test("jsonLines writes no step for 0, and none whose values fail", async () => {
  for (const every of [0, 1]) {
    const writer = new FakeWriter();
    const failed = Promise.reject<Record<string, number>>(new Error("the run has ended"));
    failed.catch(() => {});
    const steps = from([1, 2].map((step) => fakeStep(step, { values: failed })));
    await lastValueFrom(steps.pipe(take(1), jsonLines(writer, { every })));
    await new Promise((resolve) => setTimeout(resolve, 0));
    assert.deepEqual(lines(writer), [start]);
  }
});

Deno.test("jsonLines tells the reason of the end", async () => {
  const epochs = (run: FakeRun) => from(fakeEpochs([1, 1, 1], "val_loss", run));
  const end = async (training: (writer: FakeWriter) => Observable<Epoch>) => {
    const writer = new FakeWriter();
    await lastValueFrom(training(writer)).catch(() => {});
    return lines(writer).at(-1);
  };
  const run = new FakeRun();
  assert.equal(
    await end((writer) => epochs(run).pipe(jsonLines(writer), take(2))),
    '{"event":"end","reason":"interrupted","epochs":2,"seconds":S}',
  );
  assert.equal(
    await end((writer) =>
      concat(epochs(run), throwError(() => new Error('no "room"'))).pipe(jsonLines(writer))
    ),
    '{"event":"end","reason":"error","epochs":3,"seconds":S,"message":"no \\"room\\""}',
  );
  assert.equal(
    await end((writer) => throwError(() => "text").pipe(jsonLines<Epoch>(writer))),
    '{"event":"end","reason":"error","epochs":0,"seconds":S,"message":"text"}',
  );
  run.reason = "early_stopping";
  assert.equal(
    await end((writer) => epochs(run).pipe(jsonLines(writer))),
    '{"event":"end","reason":"early_stopping","epochs":3,"seconds":S}',
  );
});

Deno.test("jsonLines among epochs writes the end of a run that fails in its first epoch", async () => {
  const writer = new FakeWriter();
  const run = new FakeRun();
  const steps = concat(of(fakeStep(1, { run })), throwError(() => new Error("out of memory")));
  const training = steps.pipe(jsonLines(writer), pairs(run), jsonLines(writer));
  await assert.rejects(lastValueFrom(training), /out of memory/);
  assert.deepEqual(lines(writer), [
    start,
    '{"event":"end","reason":"error","epochs":0,"seconds":S,"message":"out of memory"}',
  ]);
});

Deno.test("jsonLines writes one end for a run that fails before its first step", async () => {
  const writer = new FakeWriter();
  const steps = throwError(() => new Error("no device")).pipe(jsonLines<Updated>(writer));
  const training = steps.pipe(pairs(new FakeRun()), jsonLines(writer));
  await assert.rejects(lastValueFrom(training), /no device/);
  assert.deepEqual(lines(writer), [
    '{"event":"end","reason":"error","epochs":0,"seconds":S,"message":"no device"}',
  ]);
});

Deno.test("jsonLines writes one end for a run that is left, also while it waits for values", async () => {
  for (const rest of [NEVER, EMPTY]) {
    const writer = new FakeWriter();
    const run = new FakeRun();
    const steps = concat(of(fakeStep(100, { run, values: new Promise(() => {}) })), rest);
    steps.pipe(jsonLines(writer), pairs(run), jsonLines(writer)).subscribe().unsubscribe();
    await new Promise((resolve) => setTimeout(resolve));
    assert.deepEqual(
      lines(writer).filter((line) => line.includes("end")),
      ['{"event":"end","reason":"interrupted","epochs":1,"seconds":S}'],
    );
  }
});

Deno.test("operators on epochs hear of the run from its source, before the first epoch", async () => {
  const writer = new FakeWriter();
  const run = new FakeRun();
  const source = new Observable<Epoch>((subscriber) => {
    const listeners = runListeners();
    queueMicrotask(() => {
      for (const listener of listeners) listener(asRun(run));
      run.reason = "interrupted";
      subscriber.complete();
    });
  });
  const training = source.pipe(stopOnNaN(), jsonLines(writer), toArray());
  assert.deepEqual(await lastValueFrom(training), []);
  assert.deepEqual(lines(writer), [
    start,
    '{"event":"end","reason":"interrupted","epochs":0,"seconds":S}',
  ]);
  assert.deepEqual(runListeners(), []);
});

Deno.test("jsonLines writes whole lines to a writer that takes a few bytes at once", async () => {
  const writer = new FakeWriter(7);
  await lastValueFrom(from(fakeEpochs([1, 2])).pipe(jsonLines(writer)));
  assert.deepEqual(writer.events.map(({ event }) => event), ["start", "epoch", "epoch", "end"]);
});

Deno.test("jsonLines waits for a reader that is slow", async () => {
  let refusals = 3;
  const inner = new FakeWriter();
  const writer = {
    writeSync(bytes: Uint8Array): number {
      if (refusals-- > 0) throw new Deno.errors.WouldBlock("full");
      return inner.writeSync(bytes);
    },
  };
  await lastValueFrom(of(fakeEpoch(1)).pipe(jsonLines(writer)));
  assert.equal(inner.events.length, 3);
});

Deno.test("a closed pipe ends the stream quietly, and leaves the source", async () => {
  const writer = new FakeWriter();
  const run = new FakeRun();
  let left = false;
  const training = concat(from(fakeEpochs([1, 2, 3], "val_loss", run)), NEVER).pipe(
    tap({ unsubscribe: () => left = true, complete: () => left = true }),
    jsonLines(writer),
    tap(() => writer.failure = new Deno.errors.BrokenPipe("closed")),
  );
  assert.equal((await lastValueFrom(training)).epoch, 1);
  assert.equal(run.reason, "interrupted");
  assert.ok(left);
  assert.deepEqual(writer.events.map(({ event }) => event), ["start", "epoch"]);
});

Deno.test("a pipe that closes while a step's values are read ends the stream quietly", async () => {
  const writer = new FakeWriter();
  const run = new FakeRun();
  const steps = concat(of(fakeStep(1, { run })), NEVER).pipe(
    jsonLines(writer, { every: 1 }),
    tap(() => writer.failure = new Deno.errors.BrokenPipe("closed")),
  );
  const training = steps.pipe(pairs(run), jsonLines(writer), toArray());
  assert.deepEqual(await lastValueFrom(training), []);
  assert.deepEqual(lines(writer), [start]);
});

Deno.test("another failure of the writer fails the stream", async () => {
  const writer = new FakeWriter();
  writer.failure = new Error("a broken wire");
  const run = new FakeRun();
  const training = of(fakeEpoch(1, {}, run)).pipe(jsonLines(writer));
  await assert.rejects(lastValueFrom(training), (error: Error) => {
    assert.equal(
      error.message,
      "Cannot write the lines of jsonLines as its writer refused: a broken wire",
    );
    return error.cause === writer.failure;
  });
  assert.equal(run.reason, "error");
  await assert.rejects(
    lastValueFrom(of(fakeEpoch(1)).pipe(jsonLines({ writeSync: () => 0 }))),
    (error: Error) => error.cause instanceof Deno.errors.WriteZero,
  );
});

Deno.test("two runs on one writer write an end each", async () => {
  const writer = new FakeWriter();
  const training = from(fakeEpochs([1])).pipe(jsonLines(writer));
  await Promise.all([lastValueFrom(training), lastValueFrom(training)]);
  const events = writer.events.map(({ event }) => event);
  assert.equal(events.filter((event) => event === "end").length, 2);
});

Deno.test("jsonLines refuses options out of range when it is made", () => {
  assert.throws(() => jsonLines(new FakeWriter(), { every: -1 }), RangeError);
  assert.throws(() => jsonLines(new FakeWriter(), { every: 0.5 }), RangeError);
});

Deno.test("the end says why an operator has stopped the run", async () => {
  const run = new FakeRun();
  const writer = new FakeWriter();
  const training = from([1, 2].map((number) => fakeEpoch(number, { val_loss: number }, run)));
  await lastValueFrom(training.pipe(earlyStopping(), jsonLines(writer)));
  const { seconds: _, ...end } = writer.events.at(-1)!;
  assert.deepEqual(end, {
    event: "end",
    reason: "early_stopping",
    epochs: 2,
    message: "val_loss has not improved on 1 for 1 epoch at epoch 2",
  });
});
