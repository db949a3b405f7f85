// A run that is ended from outside says so, keeps what it has learnt, and leaves no mess.
import assert from "node:assert/strict";
import { decodeSafetensors } from "../../core/state/decode_safetensors.ts";
import { withFiles } from "../data/helpers.ts";
import { denoArguments, linesOf, repository, RunningPipeline } from "./run_pipeline.ts";

const endless = ["--device", "cpu", "--threads", "1", "--limit", "3200", "--epochs", "1000000"];
// Windows ends a process at once, whatever the signal.
const ignore = Deno.build.os === "windows";

const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  Deno.test({
    name: `${signal} ends a run with ${code}; the best weights and the last are kept`,
    ignore,
    fn: () =>
      withFiles({}, async (folder) => {
        const path = `${folder}/digits.safetensors`;
        const flags = [`--allow-read=${folder}`, `--allow-write=${folder}`];
        await using run = new RunningPipeline("mnist", [...endless, "--checkpoint", path], flags);
        await run.waitFor("epoch");
        // Between this and the signal the best epoch may come to be another one.
        run.signal(signal);
        const { code: ended, stdout, stderr } = await run.end();
        assert.deepEqual([ended, stderr], [code, ""]);
        const end = linesOf(stdout).at(-1)!;
        assert.deepEqual([end.event, end.reason], ["end", "interrupted"]);
        const [lastName, bestName, ...more] = names(folder);
        assert.deepEqual([bestName, more], ["digits.safetensors", []]);
        // A signal in the middle of a validation leaves no state that a run could go on from.
        const isWhole = lastName === "digits.last.safetensors";
        if (!isWhole) assert.equal(lastName, "digits.last.weights.safetensors");
        const read = (file: string) => decodeSafetensors(Deno.readFileSync(`${folder}/${file}`));
        const [best, last] = [read(bestName), read(lastName)];
        assert.equal(last.metadata.reason, "interrupted");
        assert(Number(last.metadata.epoch) >= Number(best.metadata.epoch));
        assert.equal(Number(last.metadata.epoch), end.epochs);
        const weights = [...best.tensors.keys()].filter((name) => !name.startsWith("run/"));
        assert.deepEqual([...last.tensors.keys()], isWhole ? [...best.tensors.keys()] : weights);
      }),
  });
}

Deno.test({
  name: "interrupted in its first epoch, a run saves the weights under the name given",
  ignore,
  fn: () =>
    withFiles({}, async (folder) => {
      const path = `${folder}/digits.safetensors`;
      const flags = [`--allow-read=${folder}`, `--allow-write=${folder}`];
      // One epoch of these steps takes many seconds.
      const slow = ["--batch-size", "1", "--hidden", "256,256", "--log-every", "256"];
      const options = ["--device", "cpu", "--threads", "1", ...slow, "--checkpoint", path];
      await using run = new RunningPipeline("mnist", options, flags);
      await run.waitFor("step");
      run.signal("SIGTERM");
      const { code, stdout, stderr } = await run.end();
      assert.deepEqual([code, stderr], [143, ""]);
      const end = linesOf(stdout).at(-1)!;
      assert.deepEqual([end.reason, end.epochs], ["interrupted", 0]);
      assert.deepEqual(names(folder), ["digits.safetensors"]);
      const { metadata, tensors } = decodeSafetensors(Deno.readFileSync(path), path);
      assert.deepEqual([metadata.epoch, metadata.reason], ["0", "interrupted"]);
      assert.deepEqual(tensors.get("dense_1/kernel")?.shape, [784, 256]);
    }),
});

Deno.test({
  name: "without a checkpoint an interrupted run ends as well, and needs no permission",
  ignore,
  fn: async () => {
    await using run = new RunningPipeline("mnist", endless);
    await run.waitFor("start");
    run.signal("SIGINT");
    const { code, stdout, stderr } = await run.end();
    assert.deepEqual([code, stderr], [130, ""]);
    assert.equal(linesOf(stdout).at(-1)?.reason, "interrupted");
  },
});

Deno.test({
  name: "a signal is heard in the epoch that it falls into, or the next",
  ignore,
  fn: async () => {
    // Deno alone may hear of it tens of epochs later, or at once: so it is tried three times.
    for (let time = 0; time < 3; time++) {
      const options = ["--limit", "512", "--epochs", "1000", "--device", "cpu", "--threads", "1"];
      await using run = new RunningPipeline("autoencoder", options);
      await run.waitFor("epoch");
      run.signal("SIGINT");
      const { code, stdout, stderr } = await run.end();
      assert.deepEqual([code, stderr], [130, ""]);
      const { epochs, reason } = linesOf(stdout).at(-1)!;
      assert.equal(reason, "interrupted");
      assert(Number(epochs) <= 4, `${epochs} epochs`);
    }
  },
});

Deno.test("when the reader closes the pipe the run ends quietly", async () => {
  await using run = new RunningPipeline("mnist", [...endless, "--log-every", "10"]);
  await run.waitFor("start");
  // Were the closed pipe not noticed, the run would have no end, and nor would this test.
  await run.closeStdout();
  const { code, stderr } = await run.end();
  assert.deepEqual([code, stderr], [0, ""]);
});

Deno.test({
  name: "| head -1 gives one line, and nothing else",
  ignore,
  fn: async () => {
    // The status of the run, not of head; should it have no end, it is given one.
    const script = 'timeout 60 "$@" | head -1; exit "${PIPESTATUS[0]}"';
    const command = [Deno.execPath(), ...denoArguments("mnist", endless)];
    const { code, stdout, stderr } = await new Deno.Command("bash", {
      args: ["-c", script, "bash", ...command],
      cwd: repository,
      stdin: "null",
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    assert.deepEqual([code, text(stderr)], [0, ""]);
    const lines = linesOf(text(stdout));
    assert.deepEqual(lines.map(({ event }) => event), ["start"]);
  },
});
