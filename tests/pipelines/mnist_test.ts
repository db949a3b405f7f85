// The example of the framework as a user runs it: with no permission.
import assert from "node:assert/strict";
import { type Line, linesOf, only, runPipeline, succeed, timeless } from "./run_pipeline.ts";
import { scalarsIn } from "../core/stream/operators/event_file.ts";

const anyThreads = ["--device", "cpu", "--limit", "3200", "--epochs", "2", "--log-every", "50"];
const small = [...anyThreads, "--threads", "1"];
const tiny = ["--device", "cpu", "--limit", "640", "--epochs", "1"];

/** The names of what a line says, in their order. */
const fields = (line: object): string => Object.keys(line).join(" ");

/** Checks a line's numbers: those of the losses are finite, and parts of a whole are from 0 to 1. */
function checkNumbers(line: Line): void {
  for (const [name, value] of Object.entries(line)) {
    if (name === "event") continue;
    assert(Number.isFinite(value), `${name} is ${value}`);
    if (name.endsWith("accuracy")) assert(Number(value) >= 0 && Number(value) <= 1, name);
  }
}

Deno.test("five epochs of all digits reach 0.955 on the 10,000 unseen ones", async () => {
  // The very command of the README, on whatever device this machine has.
  const lines = await succeed("mnist", []);
  assert.deepEqual(lines.map(({ event }) => event), ["start", ...Array(5).fill("epoch"), "end"]);
  assert.deepEqual(lines[0].samples, { train: 60_000, validation: 10_000 });
  assert.deepEqual(only(lines, "epoch").map(({ step }) => step), [1875, 3750, 5625, 7500, 9375]);
  assert(Number(lines[5].val_accuracy) >= 0.955, `${lines[5].val_accuracy}`);
  assert.equal(lines[6].reason, "completed");
});

Deno.test("the sigmoid network of 13,002 parameters learns with squared error", async () => {
  const lines = await succeed("mnist", ["--model", "sigmoid", "--epochs", "10", "--threads", "1"]);
  assert.equal(lines[0].model, "sigmoid");
  assert.equal(lines[0].parameters, 13_002);
  // Measured: 0.943 after 10 epochs, 0.948 after 30. Processors that fuse multiply and add differ
  // in the last bits, and so a little in this.
  const [last] = only(lines, "epoch").slice(-1);
  assert.equal(last.learning_rate, 3);
  assert(Number(last.val_accuracy) >= 0.935, `${last.val_accuracy}`);
});

Deno.test("a run prints start, steps, epochs and end, with the fields of the design", async () => {
  const lines = await succeed("mnist", small);
  assert.deepEqual(
    lines.map(({ event, epoch, step }) => [event, epoch, step].join(" ").trim()),
    [
      "start",
      "step 1 50",
      "step 1 100",
      "epoch 1 100",
      "step 2 150",
      "step 2 200",
      "epoch 2 200",
      "end",
    ],
  );
  const [start] = lines;
  assert.equal(fields(start), "event model parameters device seed samples");
  assert.equal(fields(start.device as object), "type name threads");
  const { type, threads } = start.device as Record<string, unknown>;
  assert.equal(type, "cpu");
  assert(Number.isInteger(threads) && Number(threads) >= 1);
  assert.deepEqual([start.model, start.parameters, start.seed], ["mlp", 24_790, 42]);
  assert.deepEqual(start.samples, { train: 3200, validation: 10_000 });
  for (const step of only(lines, "step")) {
    assert.equal(fields(step), "event epoch step loss accuracy learning_rate");
    checkNumbers(step);
    assert.equal(step.learning_rate, 0.1);
  }
  for (const epoch of only(lines, "epoch")) {
    assert.equal(
      fields(epoch),
      "event epoch step loss accuracy val_loss val_accuracy learning_rate seconds " +
        "samples_per_second",
    );
    checkNumbers(epoch);
  }
  const end = lines[lines.length - 1];
  assert.equal(fields(end), "event reason epochs seconds");
  assert.deepEqual([end.reason, end.epochs], ["completed", 2]);
});

Deno.test("the same seed gives the same losses, on any number of threads; another others", async () => {
  const [first, again, single, other] = await Promise.all([
    succeed("mnist", [...anyThreads, "--threads", "2"]),
    succeed("mnist", [...anyThreads, "--threads", "2"]),
    succeed("mnist", small),
    succeed("mnist", [...small, "--seed", "43"]),
  ]);
  assert.deepEqual(timeless(again), timeless(first));
  // All but the first line, which tells the number of threads.
  assert.deepEqual(timeless(single).slice(1), timeless(first).slice(1));
  const losses = (lines: readonly Line[]) => lines.flatMap(({ loss }) => loss ?? []);
  assert.equal(losses(first).length, 6);
  losses(other).forEach((loss, place) => assert.notEqual(loss, losses(first)[place]));
});

Deno.test("each optimizer trains, and none does what another does", async () => {
  const names = ["sgd", "rmsprop", "adam", "adamw"];
  const runs = await Promise.all([
    // At this rate, so that the decay of adamw shows.
    ...names.map((name) => ["--optimizer", name, "--learning-rate", "0.01"]),
    ["--optimizer", "sgd", "--learning-rate", "0.01", "--momentum", "0.9"],
  ].map((options) => succeed("mnist", [...tiny, ...options])));
  const epochs = runs.map((lines) => only(lines, "epoch")[0]);
  for (const epoch of epochs) {
    checkNumbers(epoch);
    // Ten classes are guessed at ln 10.
    assert(Number(epoch.val_loss) < Math.LN10, `${epoch.val_loss}`);
  }
  assert.equal(new Set(epochs.map(({ loss }) => loss)).size, epochs.length);
});

Deno.test("with dropout and patience the run stops once an epoch is no better", async () => {
  // Nothing is learnt at a rate of 0, so that the second epoch is exactly as good as the first.
  const stopping = ["--dropout", "0.2", "--patience", "1", "--learning-rate", "0"];
  const data = ["--device", "cpu", "--threads", "1", "--limit", "640", "--epochs", "9"];
  const lines = await succeed("mnist", [...data, ...stopping]);
  const epochs = only(lines, "epoch");
  assert.equal(epochs.length, 2);
  assert.equal(epochs[0].val_loss, epochs[1].val_loss);
  // Dropout draws other masks in the second epoch.
  assert.notEqual(epochs[0].loss, epochs[1].loss);
  const { reason, epochs: count } = lines[lines.length - 1];
  assert.deepEqual([reason, count], ["early_stopping", 2]);
});

Deno.test("hidden layers of one's own, and no epochs at all", async () => {
  const [own, none] = await Promise.all([
    succeed("mnist", [...tiny, "--hidden", "20", "--batch-size", "640"]),
    succeed("mnist", ["--device", "cpu", "--epochs", "0"]),
  ]);
  assert.equal(own[0].parameters, 784 * 20 + 20 + 20 * 10 + 10);
  assert.equal(only(own, "epoch")[0].step, 1);
  assert.deepEqual(none.map(({ event }) => event), ["start", "end"]);
  assert.deepEqual([none[1].reason, none[1].epochs], ["completed", 0]);
});

Deno.test("--augment changes what each network is trained on, and the deep one has its own recipe", async () => {
  const run = (...options: string[]) => succeed("mnist", [...tiny, ...options]);
  const [plain, augmented, again, deep] = await Promise.all([
    run("--model", "mlp"),
    run("--model", "mlp", "--augment"),
    run("--model", "mlp", "--augment", "--threads", "1"),
    run("--model", "deep", "--augment", "--batch-size", "160"),
  ]);
  const [first, second, third, last] = [plain, augmented, again, deep].map((lines) =>
    only(lines, "epoch")[0]
  );
  assert.equal(augmented[0].parameters, plain[0].parameters);
  assert.notEqual(second.loss, first.loss);
  assert.deepEqual(timeless([third]), timeless([second]));
  checkNumbers(last);
  // At the end of the one cycle next to nothing is left of the rate.
  assert(Number(last.learning_rate) < 1e-6, `${last.learning_rate}`);
});

Deno.test("--profile prints a table to stderr and changes nothing else; the trace is a file", async () => {
  const plain = await succeed("mnist", small);
  const { code, stdout, stderr } = await runPipeline("mnist", [...small, "--profile"]);
  assert.equal(code, 0, stderr);
  assert.deepEqual(timeless(linesOf(stdout)), timeless(plain));
  assert.match(stderr, /^Means of the \d+ fastest of 50 steps on cpu/);
  assert.match(stderr, /\nmatmul \[32,784\]×\[784,30\] \(dense_1\) +1 /);
  assert.match(stderr, /\nstep +\d+\.\d +100\.0\n$/);
  const folder = await Deno.makeTempDir();
  try {
    const trace = `${folder}/trace.json`;
    const flags = [`--allow-read=${folder}`, `--allow-write=${folder}`];
    await succeed("mnist", [...small, "--trace", trace], flags);
    const { traceEvents } = JSON.parse(await Deno.readTextFile(trace));
    const steps = traceEvents.filter(({ cat }: { cat: string }) => cat === "step");
    assert.equal(new Set(steps.map(({ name }: { name: string }) => name)).size, 50);
    assert(steps.every(({ name }: { name: string }) => Number(name.replace("step ", "")) > 50));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("--tensor-board writes event files, of steps too, a folder for each further network", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const flags = [`--allow-write=${folder}`];
    const board = `${folder}/logs`;
    const epochs = (await succeed(
      "mnist",
      [...small, "--tensor-board", board],
      flags,
    )).filter(({ event }) => event === "epoch");
    const all = scalarsIn(`${board}/train`);
    const losses = (tag: string) => all.flatMap(([step, { [tag]: loss }]) => loss ? [step] : []);
    assert.deepEqual(losses("epoch_loss"), epochs.map(({ epoch }) => epoch));
    const last = Number(epochs.at(-1)!.step);
    assert.equal(last, 200);
    assert.deepEqual(losses("batch_loss"), [50, 100, 150, 200]);
    assert.deepEqual(
      scalarsIn(`${board}/validation`),
      epochs.map(({ epoch, val_loss, val_accuracy }) => [epoch, {
        epoch_loss: Math.fround(Number(val_loss)),
        epoch_accuracy: Math.fround(Number(val_accuracy)),
      }]),
    );
    await succeed("bird_strikes", [
      ...["--limit", "640", "--epochs", "1", "--device", "cpu", "--tensor-board", board],
    ], flags);
    const runs = ["logistic_1", "logistic_5", "network_1", "train", "validation"];
    assert.deepEqual([...Deno.readDirSync(board)].map(({ name }) => name).sort(), runs);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
