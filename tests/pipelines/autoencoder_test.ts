// Autoencoders, by what the lesson prints and draws.
import assert from "node:assert/strict";
import { linesOf, only, RunningPipeline, runPipeline, succeed } from "./run_pipeline.ts";

// Other tests run beside these.
const cpu = ["--device", "cpu", "--threads", "1"];

/** The error of the mean of all digits, the best that a network can draw which sees nothing. */
const blind = 0.0673;

Deno.test("denoising: at most a quarter of the noise is left, and a picture shows it", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const lines = await succeed("autoencoder", [
      ...[...cpu, "--kind", "denoising", "--limit", "6000", "--epochs", "3", "--batch-size", "32"],
      ...["--picture", `${folder}/digits.png`],
    ], [`--allow-read=${folder}`, `--allow-write=${folder}`]);
    const [{ error, noisy_error, share_left }] = only(lines, "restored");
    assert(Number(noisy_error) > 0.1, `${noisy_error}`);
    assert.equal(share_left, Number(error) / Number(noisy_error));
    assert(Number(share_left) <= 0.25, `${share_left}`);
    const last = only(lines, "epoch").at(-1)!;
    assert(Math.abs(Number(last.val_mean_squared_error) - Number(error)) < 1e-5);
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["digits.png"]);
    const png = new DataView((await Deno.readFile(`${folder}/digits.png`)).buffer);
    // Three rows of twelve digits, each 56 by 56, with two pixels between them.
    assert.deepEqual([png.getUint32(16), png.getUint32(20)], [12 * 58 - 2, 3 * 58 - 2]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

for (
  const { kind, options } of [
    { kind: "dense", options: ["--limit", "6000", "--epochs", "2"] },
    { kind: "convolutional", options: ["--limit", "3000", "--epochs", "3"] },
    { kind: "variational", options: ["--limit", "6000", "--epochs", "2"] },
  ]
) {
  Deno.test(`${kind}: digits come back better than the mean of all`, async () => {
    const lines = await succeed(
      "autoencoder",
      [...cpu, "--kind", kind, "--batch-size", "32", ...options],
    );
    assert.equal(only(lines, "start")[0].model, kind);
    const epochs = only(lines, "epoch");
    assert(Number(epochs.at(-1)!.val_loss) < Number(epochs[0].val_loss));
    const [{ error, noisy_error }] = only(lines, "restored");
    assert.equal(noisy_error, undefined);
    assert(Number(error) < 0.75 * blind, `${error}`);
    assert.equal(only(lines, "picture").length, 0);
  });
}

Deno.test("a picture that may not be written is told before the training", async () => {
  const { code, stdout, stderr } = await runPipeline("autoencoder", ["--picture", "x/y.png"]);
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /Cannot write "x\/y.png"/);
});

Deno.test("autoencoder: a signal ends the run with 130, and nothing follows", async () => {
  await using pipeline = new RunningPipeline("autoencoder", [
    "--epochs",
    "100000",
    "--limit",
    "2000",
  ]);
  await pipeline.waitFor("epoch");
  pipeline.signal("SIGINT");
  const { code, stdout, stderr } = await pipeline.end();
  assert.equal(code, 130, stderr);
  const { event, reason } = linesOf(stdout).at(-1)!;
  assert.deepEqual([event, reason], ["end", "interrupted"]);
});
