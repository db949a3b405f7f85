// Options that are odd and right work, and those that are wrong are refused, in any pipeline.
import assert from "node:assert/strict";
import { withFiles } from "../data/helpers.ts";
import { contentsOf, refuseAll } from "./bad_input.ts";
import { decodeSafetensors } from "../../core/state/decode_safetensors.ts";
import { only, RunningPipeline, succeed } from "./run_pipeline.ts";

const names = "--device cpu --threads 1 --limit 64 --epochs 1 --features 8 --blocks 1 --samples 0";

Deno.test("a checkpoint of another pipeline, network or option is refused, and nothing is written", (context) =>
  withFiles({ "garbage": new TextEncoder().encode("no tensors ".repeat(9)) }, async (folder) => {
    const flags = [`--allow-read=${folder}`, `--allow-write=${folder}`];
    const kept = `${folder}/names.safetensors`;
    await succeed("names", [...names.split(" "), "--checkpoint", kept], flags);
    const before = contentsOf(folder);
    const to = `--checkpoint ${folder}/new.safetensors`;
    const row = (title: string, pipeline: string, options: string, ...says: string[]) => ({
      ...{ title, pipeline, options, says, flags },
    });
    await refuseAll(context, 2, [
      row(
        "another pipeline's",
        "molecules",
        `--limit 20 --resume ${kept} ${to}`,
        "must be a checkpoint of molecules.ts: received one of names.ts",
        "name another file with --resume",
      ),
      row(
        "another option",
        "names",
        `${names.replace("--features 8", "--features 16")} --resume ${kept} ${to}`,
        "--features must be what it was, 8: received 16",
        "leave --resume out for a new run",
      ),
      row(
        "an option that was not given then",
        "names",
        `${names} --optimizer sgd --momentum 0.5 --resume ${kept} ${to}`,
        "must be what it was",
      ),
    ]);
    await refuseAll(context, 1, [
      row(
        "no file of any network",
        "bird_strikes",
        `--resume ${folder}/none ${to}`,
        `${folder}/none or ${folder}/none.logistic_1 or`,
        "there is no such file, check its path",
      ),
      row("no checkpoint", "names", `${names} --resume ${folder}/garbage ${to}`, "safetensors"),
      row(
        "a folder",
        "molecules",
        `--limit 20 --resume ${folder} ${to}`,
        "it is a folder: name a file in it",
      ),
    ]);
    assert.deepEqual(contentsOf(folder), before);
  }));

Deno.test("files that cannot be written are told before the training", (context) =>
  withFiles({ a: new Uint8Array(1) }, async (folder) => {
    const flags = [`--allow-read=${folder}`, `--allow-write=${folder}`];
    await refuseAll(context, 1, [{
      title: "a trace in no folder",
      pipeline: "logistic_regression",
      options: `--trace ${folder}/nowhere/trace.json`,
      says: ["Cannot write", "there is no folder", "create it or name another"],
      flags,
    }, {
      title: "a checkpoint that is a folder",
      pipeline: "decision_boundary",
      options: `--checkpoint ${folder}`,
      says: ["it is a folder: name a file"],
      flags,
    }, {
      title: "event files in a file",
      pipeline: "graph_nodes",
      options: `--tensor-board ${folder}/a/b`,
      says: [
        `Cannot write "${folder}/a/b" as "${folder}/a" is a file: name a folder that is in none`,
      ],
      flags,
    }, {
      title: "no permission",
      pipeline: "very_deep",
      options: `--checkpoint ${folder}/a.safetensors`,
      says: ["no permission", "run it again with --allow-read="],
    }]);
  }));

Deno.test("options that would do nothing are refused", (context) =>
  refuseAll(context, 2, [{
    title: "momentum of adam",
    pipeline: "weather",
    options: "--momentum 0.5",
    says: ["--momentum goes with --optimizer sgd or rmsprop: received adam"],
  }, {
    title: "a seed that is too large",
    pipeline: "logistic_regression",
    options: "--seed 4294967296",
    says: ["--seed expects a whole number from 0 to 4294967295", '"4294967296"'],
  }, {
    title: "batches of a single graph",
    pipeline: "graph_nodes",
    options: "--batch-size 2",
    says: ["Unknown option --batch-size"],
  }]));

Deno.test("no epoch, one sample, and a batch larger than the data are all right", async () => {
  const run = (pipeline: string, options: string) => succeed(pipeline, options.split(" "));
  const untrained = await run("names", names.replace("--epochs 1", "--epochs 0"));
  assert.deepEqual(only(untrained, "end").map(({ epochs }) => epochs), [0]);
  assert.equal(only(untrained, "result").length, 2);
  const single = await run("logistic_regression", "--limit 1 --epochs 2 --batch-size 7");
  assert.deepEqual(only(single, "epoch").map(({ step }) => step), [1, 2]);
  const whole = await run("decision_boundary", "--limit 2 --epochs 2 --batch-size 1000000");
  assert.deepEqual(only(whole, "epoch").map(({ step }) => step), [1, 2]);
});

Deno.test({
  name: "killed in its second network, a run goes on with both, to the same results",
  // Windows has no signals.
  ignore: Deno.build.os === "windows",
  fn: () =>
    withFiles({}, async (folder) => {
      const flags = [`--allow-read=${folder}`, `--allow-write=${folder}`];
      const options = (name: string) => [
        ..."--device cpu --threads 1 --limit 600 --epochs 40 --units 8 --known 8".split(" "),
        ...["--checkpoint-every", "3", "--checkpoint", `${folder}/${name}.safetensors`],
      ];
      const whole = await succeed("graph_nodes", options("whole"), flags);
      await using run = new RunningPipeline("graph_nodes", options("cut"), flags);
      for (let line = await run.waitFor("epoch"); Number(line.epoch) < 40;) {
        line = await run.waitFor("epoch");
      }
      // That was the first network; nine epochs more are three files of the second.
      for (let epoch = 0; epoch < 9; epoch++) await run.waitFor("epoch");
      run.signal("SIGKILL");
      await run.end();
      const resume = ["--resume", `${folder}/cut.last.safetensors`];
      const resumed = await succeed("graph_nodes", [...options("cut"), ...resume], flags);
      const steps = only(resumed, "start").map(({ resumed }) => (resumed as { step: number }).step);
      assert.equal(steps[0], 39);
      assert(steps[1] >= 6 && steps[1] < 40, `${steps}`);
      assert.deepEqual(only(resumed, "result"), only(whole, "result"));
      const tensors = (name: string) =>
        decodeSafetensors(Deno.readFileSync(`${folder}/${name}.safetensors`)).tensors;
      for (const name of ["", ".words", ".last", ".words.last"]) {
        assert.deepEqual(tensors(`cut${name}`), tensors(`whole${name}`), name);
      }
    }),
});

Deno.test("when nobody reads the lines any more, no further network is trained", async () => {
  const options = ["--device", "cpu", "--threads", "1", "--epochs", "100000"];
  await using run = new RunningPipeline("bird_strikes", options);
  await run.waitFor("start");
  await run.closeStdout();
  const { code, stderr } = await run.end();
  assert.deepEqual([code, stderr], [0, ""]);
});
