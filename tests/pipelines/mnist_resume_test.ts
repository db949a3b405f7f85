// A run that is killed goes on where it was saved, to the same lines and the same weights.
import assert from "node:assert/strict";
import { decodeSafetensors } from "../../core/state/decode_safetensors.ts";
import { withFiles } from "../data/helpers.ts";
import { refuseAll } from "./bad_input.ts";
import { only, RunningPipeline, runPipeline, succeed, timeless } from "./run_pipeline.ts";

const options = [
  ..."--device cpu --threads 1 --limit 1600 --epochs 4 --hidden 32 --dropout 0.2 --momentum 0.9"
    .split(" "),
  ..."--learning-rate 0.05 --patience 3 --checkpoint-every 7".split(" "),
];

Deno.test({
  name: "--resume goes on from the last state after SIGKILL, and refuses other options",
  // Windows has no signals.
  ignore: Deno.build.os === "windows",
  fn: (context) =>
    withFiles({}, async (folder) => {
      const flags = [`--allow-read=${folder}`, `--allow-write=${folder}`];
      const saving = (name: string) => [...options, "--checkpoint", `${folder}/${name}`];
      const last = `${folder}/killed.last.safetensors`;
      const whole = await succeed("mnist", saving("whole.safetensors"), flags);
      const epochs = timeless(only(whole, "epoch"));

      await using run = new RunningPipeline("mnist", saving("killed.safetensors"), flags);
      await run.waitFor("epoch");
      await run.waitFor("epoch");
      run.signal("SIGKILL");
      await run.end();

      const resume = ["--resume", last].join(" ");
      const row = (title: string, given: string[], ...says: string[]) => ({
        title,
        options: `${given.join(" ")}`,
        says,
        flags,
      });
      const given = saving("killed.safetensors");
      const changed = given.map((text) => text === "0.05" ? "0.1" : text);
      const seed = [...given, "--seed", "7", resume];
      await refuseAll(context, 2, [
        row("another rate", [...changed, resume], "--learning-rate must be what it was, 0.05"),
        row("another seed", seed, "--seed must be what it was, 42: received 7"),
        row("no checkpoint", [...options.slice(0, 4), resume], "goes with --checkpoint"),
        row("weights", [...given, resume, "--weights", last], "exclude each other"),
      ]);
      const none = [...given, "--resume", `${folder}/none`];
      await refuseAll(context, 1, [row("no such file", none, "there is no such file")]);

      const resumed = await succeed(
        "mnist",
        [...saving("killed.safetensors"), "--resume", last],
        flags,
      );
      const { epoch, step } = resumed[0].resumed as { epoch: number; step: number };
      assert.ok(step % 7 === 0 && epoch >= 2, `resumed at step ${step}`);
      const again = timeless(only(resumed, "epoch"));
      assert.deepEqual(again, epochs.slice(epochs.length - again.length));
      assert.ok(again.length > 0 && again.length < epochs.length);
      const tensors = (name: string) =>
        decodeSafetensors(Deno.readFileSync(`${folder}/${name}`)).tensors;
      for (const name of ["safetensors", "last.safetensors"]) {
        assert.deepEqual(tensors(`killed.${name}`), tensors(`whole.${name}`), name);
      }
    }),
});

Deno.test("an augmented run with a schedule goes on with the same pictures and rates", () =>
  withFiles({}, async (folder) => {
    const flags = [`--allow-read=${folder}`, `--allow-write=${folder}`];
    const run = (epochs: number, ...more: string[]) => [
      ..."--device cpu --threads 1 --augment --schedule oneCycle --limit 192 --batch-size 64".split(
        " ",
      ),
      ...["--checkpoint", `${folder}/a.safetensors`, "--checkpoint-every", "4"],
      ...["--epochs", `${epochs}`, ...more],
    ];
    // Three steps an epoch: the last file is that of step 4, in the second of two epochs.
    const whole = timeless(only(await succeed("mnist", run(2), flags), "epoch"));
    const last = ["--resume", `${folder}/a.last.safetensors`];
    const other = await runPipeline("mnist", run(3, ...last), flags);
    assert.equal(other.code, 2);
    assert.match(other.stderr, /--epochs must be what it was, 2: received 3/);
    const plain = await runPipeline(
      "mnist",
      run(2, ...last).filter((text) => text !== "--augment"),
      flags,
    );
    assert.match(plain.stderr, /--augment must be what it was, given: received not given/);
    const resumed = await succeed("mnist", run(2, ...last), flags);
    assert.deepEqual(resumed[0].resumed, { epoch: 2, step: 4 });
    assert.deepEqual(timeless(only(resumed, "epoch")), whole.slice(1));
  }));
