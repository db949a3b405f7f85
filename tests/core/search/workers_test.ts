// Trials in Workers: the objective is the default export of a module.
import assert from "node:assert/strict";
import { take, takeWhile, tap, timeout } from "rxjs";
import {
  gridSearch,
  medianPruning,
  randomSearch,
  search,
  type SearchOptions,
  type TrialRecord,
} from "../../../core/search/mod.ts";
import { WorkerPool } from "../../../core/search/worker_pool.ts";
import { space as crashingSpace } from "./objectives/crashing.ts";
import objective, { space as tunedSpace } from "./objectives/tuned.ts";
import { space as waitingSpace } from "./objectives/waiting.ts";
import { all } from "./helpers.ts";

const address = (name: string) => new URL(`./objectives/${name}.ts`, import.meta.url);
const options: SearchOptions = { trials: 8, monitor: "loss", seed: 2, sampler: randomSearch() };

Deno.test("two Workers find what one thread finds", async () => {
  const local = await all(search(tunedSpace, objective, options));
  const parallel = { ...options, parallel: 2 };
  const far = await all(search(tunedSpace, address("tuned"), parallel));
  const results = (trials: typeof local) =>
    trials.sort((a, b) => a.number - b.number).map(({ seconds: _, best: __, ...rest }) => rest);
  assert.deepEqual(results(far), results(local));
  assert.deepEqual(far[0].epochs.map(({ step }) => step), [1, 2, 3, 4, 5, 6]);
});

Deno.test("a Worker that crashes fails its trial alone", async () => {
  const trials = await all(search(crashingSpace, address("crashing"), {
    ...options,
    trials: Infinity,
    sampler: gridSearch(),
    parallel: 2,
  }));
  const found = Object.fromEntries(
    trials.map(({ parameters, state, error }) => [parameters.how, `${state}: ${error}`]),
  );
  assert.deepEqual(found, {
    well: "complete: undefined",
    throw: "failed: thrown at once",
    later: "failed: its Worker failed: thrown later",
    reject: "failed: its Worker failed: nobody caught it",
    exit: "failed: its Worker ended with exit code 7",
    error: "failed: down the stream",
  });
  assert.equal(trials.length, 6);
});

Deno.test("a Worker that has died while it had no trial is given no other", async () => {
  using pool = new WorkerPool(address("dying"));
  for (const number of [1, 2]) {
    const trial = pool.objective({}, { number, seed: number }).pipe(timeout(20_000));
    assert.equal((await all(trial)).length, 1, `trial ${number}`);
    // Until nothing of the Worker is left that the next trial could wait for.
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
});

Deno.test("an epoch waits until the one before it was judged, also in a Worker", async () => {
  const trials = await all(search(waitingSpace, address("waiting"), {
    ...options,
    trials: 20,
    pruner: medianPruning({ startupTrials: 1 }),
  }));
  let pruned = 0;
  for (const { state, epochs } of trials) {
    assert.equal(epochs.length, state === "complete" ? 5 : 1);
    pruned += state === "pruned" ? 1 : 0;
  }
  assert.ok(pruned >= 5, `${pruned}`);
  // A Worker goes on with the next trial after one that was stopped.
  assert.equal(trials.length, 20);
  // A pruner that takes its time: no epoch is made before it has passed the one before.
  const slow = await all(search(waitingSpace, address("waiting"), {
    ...options,
    trials: 1,
    pruner: () => tap(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60)),
  }));
  const times = slow[0].epochs.map(({ logs }) => logs.time);
  times.slice(1).forEach((time, place) => assert.ok(time - times[place] >= 55, times.join()));
});

Deno.test("Workers run at the same time", async () => {
  // One may take its time to start: until two trials overlap, or far too many have been run.
  const spans: [begin: number, end: number][] = [];
  const overlap = ({ epochs }: TrialRecord) => {
    const [begin, end] = [epochs[0].logs.time, epochs.at(-1)!.logs.time];
    const found = spans.some(([from, to]) => from < end && begin < to);
    spans.push([begin, end]);
    return found;
  };
  const parallel = { ...options, trials: 1000, parallel: 2 };
  const trials = search(waitingSpace, address("waiting"), parallel);
  const alone = await all(trials.pipe(takeWhile((trial) => !overlap(trial))));
  assert.ok(alone.length < 1000, "no two trials overlap");
});

Deno.test("unsubscribing ends the Workers", async () => {
  const trials = search(waitingSpace, address("waiting"), {
    ...options,
    trials: Infinity,
    parallel: 2,
  });
  assert.equal((await all(trials.pipe(take(2)))).length, 2);
  // The process would not end if one were left: see the sanitizers, and this.
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      "--no-check",
      `
      import { search, randomSearch } from ${
        JSON.stringify(new URL("../../../mod.ts", import.meta.url).href)
      };
      import { space } from ${JSON.stringify(address("waiting").href)};
      const options = { trials: Infinity, monitor: "loss", parallel: 2, sampler: randomSearch() };
      const subscription = search(space, new URL(${
        JSON.stringify(address("waiting").href)
      }), options)
        .subscribe(() => subscription.unsubscribe());
    `,
    ],
    cwd: new URL("../../../", import.meta.url),
    stdin: "null",
  }).output();
  assert.equal(code, 0);
});

Deno.test("a module that is not there, or exports no objective, ends the search", async () => {
  const run = (name: string) => all(search(waitingSpace, address(name), options));
  await assert.rejects(run("missing"), /Cannot run trials of ".*missing.ts": .*Module not found/);
  await assert.rejects(
    run("empty"),
    /Cannot run trials of ".*empty.ts": its default export must be the objective.*undefined/,
  );
});
