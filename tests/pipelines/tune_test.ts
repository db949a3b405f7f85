// The tuning pipeline as a user runs it.
import assert from "node:assert/strict";
import { trialTable } from "../../pipelines/trial_table.ts";
import { inFolder } from "../core/stream/fake_epoch.ts";
import { trialOf } from "../core/search/helpers.ts";
import { type Line, linesOf, only, RunningPipeline, runPipeline, succeed } from "./run_pipeline.ts";

const tiny = ["--limit", "320", "--validation", "200", "--epochs", "3", "--device", "cpu"]
  .concat("--threads", "1");

const fields = (line: object): string => Object.keys(line).join(" ");
const parametersOf = (line: Line) => line.parameters as Record<string, unknown>;
/** Lines without what the clock says. */
const timeless = (lines: readonly Line[]) => lines.map(({ seconds: _, ...rest }) => rest);

Deno.test("twelve trials without a permission: start, trials, end, and a table for people", async () => {
  const { code, stdout, stderr } = await runPipeline("tune", [...tiny, "--trials", "12"]);
  assert.equal(code, 0, stderr);
  const lines = linesOf(stdout);
  assert.deepEqual(lines.map(({ event }) => event), ["start", ...Array(12).fill("trial"), "end"]);
  assert.deepEqual(lines[0].samples, { train: 320, validation: 200 });
  const trials = only(lines, "trial");
  for (const trial of trials) {
    assert.equal(
      fields(trial),
      "event trial val_loss parameters state epochs step best seconds",
    );
    const { optimizer, momentum, learningRate } = parametersOf(trial);
    assert.equal(momentum === undefined, optimizer !== "sgd");
    assert.ok(Number(learningRate) >= 1e-4 && Number(learningRate) <= 1);
    assert.equal(trial.step, Number(trial.epochs) * 10);
    assert.ok(trial.state === "pruned" || trial.epochs === 3);
  }
  assert.ok(trials.some(({ state }) => state === "pruned"));
  const complete = trials.filter(({ state }) => state === "complete");
  const best = Math.min(...complete.map(({ val_loss }) => Number(val_loss)));
  const end = lines.at(-1)!;
  assert.equal(fields(end), "event reason trials steps best seconds");
  assert.equal(end.reason, "completed");
  assert.equal((end.best as Line).val_loss, best);
  assert.equal(end.steps, trials.reduce((sum, { step }) => sum + Number(step), 0));
  const table = stderr.trimEnd().split("\n");
  assert.match(table[0], /^trial +state +val_loss +epochs +optimizer +learningRate +momentum /);
  assert.match(table[2], new RegExp(`^${(end.best as Line).trial} +complete `));
  assert.equal(table.length, 12 + 2 + 2);
  assert.match(table.at(-1)!, /^The best is trial \d+: {"trial"/);
});

Deno.test("each sampler and pruner; the seed decides all", async () => {
  const run = (...more: string[]) => succeed("tune", [...tiny, "--trials", "4", ...more]);
  const [random, again, other, grid, halving, hyperband] = await Promise.all([
    run("--sampler", "random", "--pruner", "none"),
    run("--sampler", "random", "--pruner", "none"),
    run("--sampler", "random", "--pruner", "none", "--seed", "1"),
    run("--sampler", "grid"),
    run("--sampler", "random", "--pruner", "halving"),
    run("--sampler", "random", "--pruner", "hyperband"),
  ]);
  assert.deepEqual(timeless(again), timeless(random));
  const parameters = (lines: readonly Line[]) => only(lines, "trial").map(parametersOf);
  assert.notDeepEqual(parameters(other), parameters(random));
  assert.deepEqual(parameters(halving), parameters(random));
  assert.ok(only(random, "trial").every(({ state }) => state === "complete"));
  assert.ok(only(halving, "trial").some(({ state, epochs }) => state === "pruned" && epochs === 1));
  assert.equal(only(hyperband, "trial").length, 4);
  assert.deepEqual(parameters(grid).map(({ learningRate, dropout }) => [learningRate, dropout]), [
    ...Array(4).fill(0).map((_, place) => [1e-4, place % 2 ? 0.5 : 0]),
  ]);
});

Deno.test("a study that was kept goes on after Ctrl-C, and in Workers too", () =>
  inFolder(async (folder) => {
    const options = [...tiny, "--sampler", "random", "--pruner", "none"];
    const flags = [`-R=.,${folder}`, `-W=${folder}`];
    const storage = ["--storage", `${folder}/digits.sqlite`];
    let count: number;
    {
      await using running = new RunningPipeline(
        "tune",
        [...options, ...storage, "--trials", "100000"],
        flags,
      );
      await running.waitFor("trial");
      running.signal("SIGINT");
      const { code, stdout, stderr } = await running.end();
      assert.equal(code, 130, stderr);
      const end = linesOf(stdout).at(-1)!;
      assert.equal(end.reason, "interrupted");
      count = Number(end.trials) + 3;
    }
    const kept = [...options, ...storage, "--trials", String(count)];
    const [resumed, whole] = await Promise.all([
      succeed("tune", [...kept, "--parallel", "2"], flags),
      succeed("tune", [...options, "--trials", String(count)]),
    ]);
    const results = (lines: readonly Line[]) =>
      timeless(only(lines, "trial")).map(({ best: _, ...rest }) => rest)
        .sort((a, b) => Number(a.trial) - Number(b.trial));
    assert.equal(results(resumed).length, count);
    assert.deepEqual(results(resumed), results(whole));
    const more = await runPipeline("tune", [...kept, "--epochs", "4"], flags);
    assert.equal(more.code, 2, "an option given twice");
    const changed = [...kept];
    changed[changed.indexOf("--epochs") + 1] = "4";
    const refused = await runPipeline("tune", changed, flags);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /Cannot go on with the study ".*digits.sqlite" as its space is/);
  }));

Deno.test("wrong usage, a missing permission, and a reader that leaves", async () => {
  const wrong = await runPipeline("tune", ["--limit", "59999", "--validation", "2"]);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /not come to more than the 60000 digits: received 59999 and 2/);
  assert.equal(wrong.stdout, "");
  const closed = await runPipeline("tune", [...tiny, "--trials", "1", "--storage", "a.sqlite"]);
  assert.equal(closed.code, 1);
  assert.match(closed.stderr, /Cannot open the study "a.sqlite": Requires read access/);
  const end = linesOf(closed.stdout).at(-1)!;
  assert.deepEqual([end.event, end.reason, end.trials], ["end", "error", 0]);
  assert.match(String(end.message), /Cannot open the study/);
  const alone = await runPipeline("tune", [...tiny, "--trials", "9", "--parallel", "2"]);
  assert.equal(alone.code, 1);
  assert.match(alone.stderr, /Cannot start a Worker: Requires read access to ".*trial_worker.ts"/);
  assert.equal(only(linesOf(alone.stdout), "trial").length, 0);
  await using running = new RunningPipeline("tune", [...tiny, "--trials", "100000"]);
  await running.waitFor("start");
  await running.closeStdout();
  assert.equal((await running.end()).code, 0);
});

Deno.test("the table has the best complete trial on top, and the failed ones below", () => {
  const of = (number: number, values: number[], state: "complete" | "pruned" | "failed") => ({
    ...trialOf(number, values, { state, parameters: { rate: 0.012345, kind: "a", units: 8 } }),
    state,
    best: false,
  });
  const trials = [
    of(1, [], "failed"),
    of(2, [0.1], "pruned"),
    of(3, [0.000052], "pruned"),
    of(4, [2], "complete"),
    of(10, [0.5, 0.123456], "complete"),
  ];
  assert.equal(
    trialTable(trials, "loss", ["rate", "units", "momentum"]),
    `
trial  state     loss     epochs  rate     units  momentum
-----  --------  -------  ------  -------  -----  --------
10     complete  0.1235   2       0.01235  8
4      complete  2        1       0.01235  8
3      pruned    5.20e-5  1       0.01235  8
2      pruned    0.1      1       0.01235  8
1      failed             0       0.01235  8
`.trim(),
  );
});
