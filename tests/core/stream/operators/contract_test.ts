import assert from "node:assert/strict";
import {
  from,
  lastValueFrom,
  map,
  type MonoTypeOperatorFunction,
  range,
  share,
  take,
  takeUntil,
  toArray,
} from "rxjs";
import { TestScheduler } from "rxjs/testing";
import type { Epoch } from "../../../../core/stream/epoch.ts";
import * as operators from "../../../../core/stream/operators/mod.ts";
import type { Updated } from "../../../../core/stream/stages.ts";
import { fakeEpoch, FakeRun, fakeStep, FakeWriter, usedHyperparameter } from "../fake_epoch.ts";

/** What every operator that passes its events on is held to; `make` gives a fresh one. */
interface Contract<Event> {
  readonly name: string;
  make(): MonoTypeOperatorFunction<Event>;
}

const logFolder = Deno.makeTempDirSync();
let logs = 0;
/** A file for an operator alone. */
const ownFile = () => `${logFolder}/${++logs}`;
const boardFolder = Deno.makeTempDirSync();
globalThis.addEventListener("unload", () => {
  Deno.removeSync(logFolder, { recursive: true });
  Deno.removeSync(boardFolder, { recursive: true });
});

const onEpochs: Contract<Epoch>[] = [
  { name: "earlyStopping", make: () => operators.earlyStopping({ restoreBest: true }) },
  { name: "reduceOnPlateau", make: () => operators.reduceOnPlateau(usedHyperparameter(0.1)) },
  {
    name: "learningRateSchedule",
    make: () => operators.learningRateSchedule(usedHyperparameter(0.1), () => 0.2),
  },
  {
    name: "dropoutSchedule",
    make: () => operators.dropoutSchedule(usedHyperparameter(0.1), () => 0),
  },
  { name: "stopOnNaN", make: () => operators.stopOnNaN() },
  { name: "jsonLines on epochs", make: () => operators.jsonLines(new FakeWriter()) },
  { name: "csvLog", make: () => operators.csvLog(ownFile()) },
  { name: "tensorBoard", make: () => operators.tensorBoard(boardFolder) },
  {
    // Saving takes time: its own tests show what that changes.
    name: "checkpoint with nothing to save",
    make: () => operators.checkpoint(ownFile(), { initialValueThreshold: -1 }),
  },
  {
    name: "remoteMonitor",
    make: () =>
      operators.remoteMonitor("http://localhost:9", {
        fetch: () => Promise.resolve(new Response()),
      }),
  },
  { name: "maxTime", make: () => operators.maxTime({ hours: 1 }) },
  { name: "stopOnSignal on epochs", make: () => operators.stopOnSignal() },
];

const onSteps: Contract<Updated>[] = [
  { name: "jsonLines on steps", make: () => operators.jsonLines(new FakeWriter(), { every: 1 }) },
  {
    name: "tensorBoard on steps",
    make: () => operators.tensorBoard(boardFolder, { updateFrequency: 2 }),
  },
  { name: "profile", make: () => operators.profile({ output: new FakeWriter() }) },
  { name: "progressBar", make: () => operators.progressBar(new FakeWriter()) },
  {
    name: "progressBar without a terminal",
    make: () => operators.progressBar(new FakeWriter(1, false)),
  },
  { name: "maxTime on steps", make: () => operators.maxTime({ minutes: 1, seconds: 1 }) },
  {
    name: "learningRateSchedule on steps",
    make: () =>
      operators.learningRateSchedule(usedHyperparameter(0.1), () => 0.2, { every: "step" }),
  },
  {
    name: "checkpoint on steps with nothing to save",
    make: () => operators.checkpoint(ownFile(), { save: "last", everySteps: 1000 }),
  },
  { name: "stopOnNaN on steps", make: () => operators.stopOnNaN() },
  { name: "stopOnSignal", make: () => operators.stopOnSignal(["SIGINT", "SIGTERM"]) },
];

function marbles(test: Parameters<TestScheduler["run"]>[0]): void {
  new TestScheduler((actual, expected) => assert.deepEqual(actual, expected)).run(test);
}

function hold<Event>({ name, make }: Contract<Event>, event: (number: number) => Event): void {
  const values = { a: event(1), b: event(2), c: event(3) };
  const cases = [
    {
      what: "completes with its source",
      source: "-a-b-c-|",
      expected: "-a-b-c-|",
      left: "^------!",
    },
    { what: "completes without any event", source: "--|", expected: "--|", left: "^-!" },
    { what: "passes an error", source: "-a-b-#", expected: "-a-b-#", left: "^----!" },
    { what: "passes an error before any event", source: "-#", expected: "-#", left: "^!" },
  ];
  for (const { what, source, expected, left } of cases) {
    Deno.test(`${name} ${what}`, () =>
      marbles(({ cold, expectObservable, expectSubscriptions }) => {
        const above = cold(source, values);
        expectObservable(above.pipe(make())).toBe(expected, values);
        expectSubscriptions(above.subscriptions).toBe(left);
      }));
  }

  Deno.test(`${name} leaves its source when it is unsubscribed`, () =>
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const above = hot("-a-b-c-|", values);
      expectObservable(above.pipe(make()), "^---!").toBe("-a-b-", values);
      expectSubscriptions(above.subscriptions).toBe("^---!");
    }));

  Deno.test(`${name} with take`, () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const above = cold("-a-b-c-|", values);
      expectObservable(above.pipe(make(), take(2))).toBe("-a-(b|)", values);
      expectSubscriptions(above.subscriptions).toBe("^--!");
    }));

  Deno.test(`${name} with takeUntil`, () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const above = cold("-a-b-c-|", values);
      expectObservable(above.pipe(make(), takeUntil(cold("----x")))).toBe("-a-b|", values);
      expectObservable(above.pipe(takeUntil(cold("----x")), make())).toBe("-a-b|", values);
      expectSubscriptions(above.subscriptions).toBe(["^---!", "^---!"]);
    }));

  Deno.test(`${name} with share`, () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const above = cold("-a-b-c-|", values);
      const shared = above.pipe(make(), share());
      expectObservable(shared).toBe("-a-b-c-|", values);
      expectObservable(shared, "--^--!").toBe("---b--", values);
      expectSubscriptions(above.subscriptions).toBe("^------!");
    }));

  Deno.test(`${name} begins anew for each subscriber`, () =>
    marbles(({ cold, expectObservable }) => {
      const training = cold("-a-b-c-|", values).pipe(make());
      expectObservable(training).toBe("-a-b-c-|", values);
      expectObservable(training, "--^-----").toBe("---a-b-c-|", values);
    }));

  Deno.test(`${name} stops a source that never lets go`, async () => {
    const endless = range(1, Infinity).pipe(map(event));
    const taken = await lastValueFrom(endless.pipe(make(), take(2), toArray()));
    assert.equal(taken.length, 2);
  });
}

const run = new FakeRun();
for (const contract of onEpochs) hold(contract, (number) => fakeEpoch(number, undefined, run));
for (const contract of onSteps) hold(contract, (number) => fakeStep(number, { run }));

Deno.test("every operator is held to its contract", () => {
  const held = [...onEpochs, ...onSteps].map(({ name }) => name.split(" ")[0]);
  // These give no events of their source: their tests are their own.
  const others = ["history", "findLearningRate", "throughput"];
  assert.deepEqual([...new Set([...held, ...others])].sort(), Object.keys(operators).sort());
});

Deno.test("operators on epochs work one after another", async () => {
  const epochs = from([1, 2, 3].map((number) => fakeEpoch(number, undefined, run)));
  const piped = epochs.pipe(
    onEpochs[0].make(),
    onEpochs[1].make(),
    onEpochs[2].make(),
    onEpochs[3].make(),
    onEpochs[4].make(),
    onEpochs[5].make(),
    onEpochs[6].make(),
  );
  const seen = await lastValueFrom(piped.pipe(toArray()));
  assert.deepEqual(seen.map(({ epoch }) => epoch), [1, 2, 3]);
});
