import assert from "node:assert/strict";
import {
  concat,
  EMPTY,
  from,
  NEVER,
  Observable,
  of,
  Subject,
  take,
  takeUntil,
  takeWhile,
  throwError,
  timer,
} from "rxjs";
import {
  choice,
  dense,
  fit,
  float,
  input,
  integer,
  meanSquaredError,
  medianPruning,
  randomSearch,
  search,
  type SearchOptions,
  sequential,
  sgd,
  tpe,
  type Trial,
  type TrialContext,
  type TrialEpoch,
  when,
} from "../../../mod.ts";
import { arrays } from "../../../data/mod.ts";
import { yieldToEvents } from "../../../core/stream/yield_to_events.ts";
import { all, losses } from "./helpers.ts";

const line = { x: float(0, 1) };
const options: SearchOptions = { trials: 8, monitor: "loss", seed: 3, sampler: randomSearch() };
const states = (trials: readonly Trial<never>[]) => trials.map(({ state }) => state);

Deno.test("trials come as they end, with number, parameters, epochs and the best value", async () => {
  const seen: unknown[] = [];
  const trials = await all(search(line, ({ x }, trial) => {
    seen.push([trial.number, x]);
    return from(losses([x + 1, x, x + 2]));
  }, options));
  assert.deepEqual(seen, trials.map(({ number, parameters }) => [number, parameters.x]));
  assert.deepEqual(trials.map(({ number }) => number), [1, 2, 3, 4, 5, 6, 7, 8]);
  for (const { parameters: { x }, value, epochs, state, seconds } of trials) {
    assert.equal(value, x);
    assert.equal(state, "complete");
    assert.ok(seconds! >= 0 && seconds! < 60);
    assert.deepEqual(epochs[1], { epoch: 2, step: 20, value: x, logs: { loss: x } });
  }
  let best = Infinity;
  for (const { value, best: marked } of trials) {
    assert.equal(marked, value! < best);
    best = Math.min(best, value!);
  }
});

Deno.test("larger is better where the name or the mode says so", async () => {
  const objective = ({ x }: { x: number }) => of({ epoch: 1, logs: { accuracy: x, gain: x } });
  for (const how of [{ monitor: "accuracy" }, { monitor: "gain", mode: "max" } as const]) {
    const trials = await all(search(line, objective, { ...options, ...how }));
    const best = trials.filter((trial) => trial.best).at(-1)!;
    assert.equal(best.value, Math.max(...trials.map(({ parameters }) => parameters.x)));
  }
  assert.throws(() => search(line, objective, { ...options, monitor: "gain" }), /does not tell/);
});

Deno.test("a trial that throws, fails or has no number is failed, and the search goes on", async () => {
  const streams = [
    () => throwError(() => new Error("no memory")),
    () => {
      throw new TypeError("no such layer");
    },
    () => concat(of(losses([0.5])[0]), throwError(() => "a text")),
    () => EMPTY,
    () => from(losses([NaN, NaN])),
    () => of({ epoch: 1, logs: { accuracy: 1, val_loss: 2 } }),
    () => from([...losses([1]), ...losses([1])]),
    () => from(losses([0.7])),
  ];
  const trials = await all(search(line, (_, { number }) => streams[number - 1](), options));
  assert.deepEqual(trials.map(({ state, error, value }) => [state, error, value]), [
    ["failed", "no memory", undefined],
    ["failed", "no such layer", undefined],
    ["failed", "a text", 0.5],
    ["failed", "it ended without an epoch", undefined],
    ["failed", "its loss was NaN in all epochs", undefined],
    ["failed", 'its epoch 1 has no "loss" (available: accuracy, val_loss)', undefined],
    ["failed", "the number of its next epoch must be from 2: received 1", 1],
    ["complete", undefined, 0.7],
  ]);
  assert.deepEqual(trials.map(({ best }) => best), [...Array(7).fill(false), true]);
});

Deno.test("a search is cold, and unsubscribing ends the trials that run", async () => {
  let [begun, ended] = [0, 0];
  const endless = () =>
    new Observable<TrialEpoch>((subscriber) => {
      begun++;
      subscriber.next(losses([1])[0]);
      return () => ended++;
    });
  const trials = search(line, endless, { ...options, parallel: 3 });
  assert.equal(begun, 0);
  const first = trials.subscribe();
  const second = trials.subscribe();
  assert.deepEqual([begun, ended], [6, 0]);
  first.unsubscribe();
  assert.deepEqual([begun, ended], [6, 3]);
  second.unsubscribe();
  assert.deepEqual([begun, ended], [6, 6]);
  // A consumer that has enough.
  let runs = 0;
  const some = search(line, () => (runs++, from(losses([1]))), { ...options, trials: Infinity });
  assert.equal((await all(some.pipe(take(5)))).length, 5);
  assert.equal(runs, 5);
});

Deno.test("thousands of trials that end at once need no deep stack", async () => {
  const trials = await all(search(line, () => of(losses([1])[0]), { ...options, trials: 5000 }));
  assert.equal(trials.length, 5000);
});

Deno.test("so many trials run at the same time, and no more", async () => {
  const running = new Map<number, Subject<TrialEpoch>>();
  const ended: number[] = [];
  let complete = false;
  const objective = (_: unknown, { number }: TrialContext) => {
    running.set(number, new Subject());
    return running.get(number)!;
  };
  const end = async (number: number) => {
    running.get(number)!.next(losses([1])[0]);
    running.get(number)!.complete();
    running.delete(number);
    await yieldToEvents();
  };
  search(line, objective, { ...options, trials: 5, parallel: 2 }).subscribe({
    next: ({ number }) => ended.push(number),
    complete: () => complete = true,
  });
  assert.deepEqual([...running.keys()], [1, 2]);
  await end(2);
  assert.deepEqual([...running.keys()], [1, 3]);
  await end(3);
  await end(1);
  await end(5);
  assert.equal(complete, false);
  await end(4);
  assert.deepEqual([ended, complete], [[2, 3, 1, 5, 4], true]);
});

Deno.test("timers have their turn between trials, however short these are", async () => {
  const objective = () => from(Promise.resolve(losses([1])[0]));
  const endless = search(line, objective, { ...options, trials: Infinity });
  // Without, this would never end.
  assert.ok((await all(endless.pipe(takeUntil(timer(20))))).length > 0);
});

Deno.test("random search chooses the same with any number of trials at a time", async () => {
  const space = { ...line, units: integer(1, 99, { log: true }), kind: choice("a", "b") };
  const run = async (parallel: number) => {
    const objective = ({ x }: { x: number }) => from(Promise.resolve(losses([x])[0]));
    const trials = await all(search(space, objective, { ...options, parallel }));
    return trials.sort((a, b) => a.number - b.number).map(({ parameters }) => parameters);
  };
  assert.deepEqual(await run(3), await run(1));
});

Deno.test("any operator that ends the epochs early prunes; the trial's own ends do not", async () => {
  const objective = ({ x }: { x: number }) => from(losses([x, x, x])).pipe(take(2));
  const pruner = () => takeWhile<TrialEpoch>(({ logs }) => logs.loss < 0.5, true);
  const trials = await all(search(line, objective, { ...options, pruner }));
  for (const { state, epochs, parameters: { x }, best } of trials) {
    assert.deepEqual([state, epochs.length], x < 0.5 ? ["complete", 2] : ["pruned", 1]);
    assert.ok(x < 0.5 || !best);
  }
  assert.equal(new Set(trials.map(({ state }) => state)).size, 2);
});

Deno.test("a pruner sees the other trials, and ends hopeless ones", async () => {
  let torn = 0;
  const objective = ({ x }: { x: number }) =>
    new Observable<TrialEpoch>((subscriber) => {
      const subscription = from(losses([1, x, x])).subscribe(subscriber);
      return () => (torn++, subscription.unsubscribe());
    });
  const pruner = medianPruning({ startupTrials: 2, warmupEpochs: 1 });
  const trials = await all(search(line, objective, { ...options, trials: 30, pruner }));
  assert.equal(torn, 30);
  const complete: number[] = [];
  for (const { state, epochs, parameters: { x } } of trials) {
    const sorted = [...complete].sort((a, b) => a - b);
    const middle = sorted.length < 2
      ? Infinity
      : (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
    assert.deepEqual([state, epochs.length], x > middle ? ["pruned", 2] : ["complete", 3]);
    if (state === "complete") complete.push(x);
  }
  assert.ok(complete.length > 2 && complete.length < 20, `${complete.length}`);
});

Deno.test("each trial has a seed of its own, from that of the study", async () => {
  const seeds = async (seed: number) => {
    const found: number[] = [];
    await all(search(line, (_, trial) => (found.push(trial.seed), of(losses([1])[0])), {
      ...options,
      seed,
    }));
    return found;
  };
  const first = await seeds(1);
  assert.equal(new Set(first).size, 8);
  assert.ok(first.every((seed) => Number.isSafeInteger(seed) && seed >= 0));
  assert.deepEqual(await seeds(1), first);
  assert.ok((await seeds(2)).every((seed) => !first.includes(seed)));
});

Deno.test("options out of range are refused", () => {
  const start = (more: Partial<SearchOptions>) => () =>
    search(line, () => NEVER, { ...options, ...more });
  assert.throws(start({ trials: -1 }), /the trials of search .*received -1/);
  assert.throws(start({ parallel: 0 }), /parallel of search .*received 0/);
  assert.throws(start({ seed: 0.5 }), /the seed of search .*received 0.5/);
  assert.throws(start({ mode: "up" as never }), /mode must be "auto", "min" or "max"/);
  assert.throws(() => search({}, () => NEVER, options), /a space without dimensions/);
});

Deno.test("trainings are tuned: pruned ones free their device, and the seed decides all", async () => {
  const data = arrays([[1], [2], [3], [4]], [[2], [4], [6], [8]]);
  const space = {
    learningRate: float(1e-5, 0.05, { log: true }),
    optimizer: choice("plain", "heavy"),
    momentum: when({ optimizer: "heavy" }, float(0, 0.8)),
  };
  const run = async () => {
    const trials = await all(
      search(
        space,
        ({ learningRate, momentum }, { seed }) =>
          fit(sequential([input([1]), dense(1)], { seed }), data, {
            loss: meanSquaredError(),
            optimizer: sgd({ learningRate, momentum }),
            epochs: 6,
            device: "reference",
            seed,
          }),
        { trials: 16, monitor: "loss", seed: 1, sampler: tpe(), pruner: medianPruning() },
      ),
    );
    return trials.map(({ seconds: _, ...rest }) => rest);
  };
  const trials = await run();
  assert.deepEqual(await run(), trials);
  assert.ok(states(trials as never).includes("pruned"));
  assert.ok(states(trials as never).includes("complete"));
  for (const { epochs, state } of trials) {
    assert.ok(state === "pruned" ? epochs.length < 7 : epochs.length === 6);
    assert.deepEqual(epochs.map(({ step }) => step), epochs.map((_, place) => place + 1));
    assert.deepEqual(Object.keys(epochs[0].logs), ["loss", "learning_rate"]);
  }
});
