// What holds for every pipeline that trains: its options, its events, and that it goes on where it
// was cut.
import assert from "node:assert/strict";
import { decodeSafetensors } from "../../core/state/decode_safetensors.ts";
import { withFiles } from "../data/helpers.ts";
import { everyTraining, type ShortRun } from "./every_training.ts";
import { type Line, linesOf, runPipeline, timeless } from "./run_pipeline.ts";

/** Options of every training. */
const shared =
  ("epochs batch-size optimizer learning-rate schedule momentum patience seed device " +
    "threads limit log-every profile trace tensor-board checkpoint checkpoint-every resume").split(
      " ",
    );

const hasSynthesizer = await runs("espeak-ng");

async function runs(program: string): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args: ["--version"] }).output()).success;
  } catch {
    return false;
  }
}

Deno.test("every training takes the same options, and the help fits into 100 columns", async () => {
  const names = [...Deno.readDirSync(new URL("../../pipelines/", import.meta.url))]
    .filter(({ name }) => name.endsWith(".ts"))
    .filter(({ name }) => {
      const text = Deno.readTextFileSync(new URL(`../../pipelines/${name}`, import.meta.url));
      // Files that export something are helpers.
      return !/^export /m.test(text);
    }).map(({ name }) => name.replace(".ts", ""));
  const trained = new Map(everyTraining.map((run) => [run.pipeline, run]));
  // Its trials are the trainings; and two lessons on a single thing.
  const others = ["tune", "numerical_gradient", "linear_collapse"];
  assert.deepEqual([...trained.keys(), ...others].sort(), names.sort());
  const helps = await Promise.all(names.map((name) => runPipeline(name, ["--help"])));
  for (const [place, { code, stdout, stderr }] of helps.entries()) {
    assert.deepEqual([code, stderr], [0, ""], names[place]);
    for (const line of stdout.split("\n")) assert(line.length <= 100, `${names[place]}: ${line}`);
    const run = trained.get(names[place]);
    if (!run) continue;
    const told = [...stdout.matchAll(/^ {2}--([\w-]+)/gm)].map(([, name]) => name);
    assert.deepEqual(
      shared.filter((name) => !told.includes(name)),
      run.lacks ?? [],
      `${run.pipeline} lacks`,
    );
  }
});

/** Runs a pipeline with its files in a folder; its lines. */
async function lines(run: ShortRun, folder: string, ...more: string[]): Promise<Line[]> {
  const { code, stdout, stderr } = await runPipeline(run.pipeline, [
    ...[...run.options.split(" "), "--device", "cpu", "--threads", "1", "--log-every", "2"],
    ...["--checkpoint", `${folder}/a.safetensors`, "--checkpoint-every", `${run.every}`, ...more],
  ], [`--allow-read=${folder}`, `--allow-write=${folder}`, ...(run.flag ? [run.flag] : [])]);
  assert.deepEqual([code, stderr], [0, ""], run.pipeline);
  return linesOf(stdout);
}

const fieldsOf = (line: object) => Object.keys(line).join(" ");

/** Checks the events of all trainings of a pipeline, one after another. */
function checkEvents(run: ShortRun, all: readonly Line[]): void {
  let training: Line[] | undefined;
  let trainings = 0;
  for (const line of all) {
    const text = JSON.stringify(line);
    if (line.event === "start") {
      assert.equal(training, undefined, `begins in the middle of another: ${text}`);
      assert.match(
        fieldsOf(line),
        /^event model parameters device seed samples( resumed)?$/,
        text,
      );
      assert.match(fieldsOf(line.device as object), /^type name threads( reason)?$/, text);
      assert.equal(fieldsOf(line.samples as object), "train validation", text);
      training = [];
    } else if (!["step", "epoch", "end"].includes(line.event)) {
      assert(run.events.includes(line.event), text);
      assert.equal(training, undefined, `in the middle of a training: ${text}`);
    } else if (line.event === "step") {
      assert(training, text);
      assert.match(fieldsOf(line), /^event epoch step loss( [\w/]+)* learning_rate$/, text);
      assert.equal(line.step as number % 2, 0, text);
      training.push(line);
    } else if (line.event === "epoch") {
      assert(training, text);
      assert.match(
        fieldsOf(line),
        /^event epoch step loss( [\w/]+)* val_loss( [\w/]+)* learning_rate( [\w/]+)* seconds samples_per_second$/,
        text,
      );
      training.push(line);
    } else {
      assert(training, text);
      assert.equal(fieldsOf(line), "event reason epochs seconds", text);
      assert.equal(line.reason, "completed", text);
      const events = training.map(({ event }) => event);
      assert(events.includes("epoch"), run.pipeline);
      assert.equal(line.epochs, events.filter((event) => event === "epoch").length, text);
      for (const [at, { epoch, step }] of training.entries()) {
        if (at === 0) continue;
        assert(Number(step) >= Number(training[at - 1].step), text);
        assert(Number(epoch) >= Number(training[at - 1].epoch), text);
      }
      training = undefined;
      trainings++;
    }
  }
  assert.equal(training, undefined, `${run.pipeline} has no end`);
  assert.equal(trainings, 1 + (run.others?.length ?? 0), run.pipeline);
  const others = new Set(all.map(({ event }) => event));
  for (const event of run.events) assert(others.has(event), `${run.pipeline}: no ${event}`);
}

/** The tensors of all files: weights, states of the optimizer, best weights. */
function tensorsOf(folder: string) {
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  return names.map((name) => ({
    name,
    tensors: decodeSafetensors(Deno.readFileSync(`${folder}/${name}`)).tensors,
  }));
}

/** The lines of a kind of all trainings, without what differs when some were made before. */
const comparable = (all: readonly Line[]) =>
  timeless(all.filter(({ event }) => event !== "start" && event !== "end"));

for (const run of everyTraining) {
  Deno.test({
    name: `${run.pipeline}: the events of every training` +
      (run.resumes ? "; cut in the middle, it goes on to the same lines and weights" : ""),
    ignore: run.flag !== undefined && !hasSynthesizer,
    fn: () =>
      withFiles({}, async (folder) => {
        const whole = await lines(run, folder);
        checkEvents(run, whole);
        const saved = tensorsOf(folder);
        const networks = ["a", ...(run.others ?? []).map((name) => `a.${name}`)];
        assert.deepEqual(
          saved.map(({ name }) => name),
          networks.flatMap((name) => [`${name}.last.safetensors`, `${name}.safetensors`]).sort(),
        );
        if (!run.resumes) return;
        const resumed = await lines(run, folder, "--resume", `${folder}/a.last.safetensors`);
        checkEvents(run, resumed);
        for (const start of resumed.filter(({ event }) => event === "start")) {
          assert.equal((start.resumed as { step: number }).step % run.every, 0);
        }
        // All that was printed then, but what came before the cut.
        const [before, after] = [comparable(whole), comparable(resumed)];
        let at = 0;
        for (const line of after) {
          const found = before.findIndex((other, place) =>
            place >= at && JSON.stringify(other) === JSON.stringify(line)
          );
          assert(found >= at, `not a line of the whole run: ${JSON.stringify(line)}`);
          at = found + 1;
        }
        assert(after.length < before.length);
        for (const { name, tensors } of tensorsOf(folder)) {
          assert.deepEqual(tensors, saved.find((file) => file.name === name)?.tensors, name);
        }
      }),
  });
}
