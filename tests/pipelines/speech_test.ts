// Spoken digits: by espeak-ng where there is one, and by recordings.
import assert from "node:assert/strict";
import { type Line, only, runPipeline, succeed } from "./run_pipeline.ts";

const cpu = ["--device", "cpu", "--threads", "1"];
const flags = ["--allow-run=espeak-ng"];
const installed = await hasSynthesizer();
if (!installed) console.log("Tests of spoken digits are skipped: there is no espeak-ng");

async function hasSynthesizer(): Promise<boolean> {
  try {
    return (await new Deno.Command("espeak-ng", { args: ["--version"] }).output()).success;
  } catch {
    return false;
  }
}

type Result = Line & Record<string, number>;
const resultsOf = (lines: readonly Line[]) => only(lines, "result") as Result[];

Deno.test({
  name: "speech: a network hears digits of voices that it does not know, by their order in time",
  ignore: !installed,
  async fn() {
    const few = ["--speakers", "8", "--takes", "1", "--units", "24", "--epochs", "9"];
    const results = resultsOf(
      await succeed("speech", [...cpu, ...few, "--learning-rate", "0.01"], flags),
    );
    assert.deepEqual(results.map(({ model }) => model), ["mean_of_frames", "gru"]);
    // One voice of eight.
    for (const { sounds } of results) assert.equal(sounds, 10);
    assert(results[1].accuracy >= 0.5, `${results[1].accuracy}`);
  },
});

Deno.test({
  name: "speech: strings of digits are learnt by ctc, with the same bits for the same seed",
  ignore: !installed,
  async fn() {
    const few = ["--speakers", "4", "--takes", "1", "--strings", "2", "--units", "16"];
    const run = async (epochs: string) =>
      await succeed("speech", [...cpu, ...few, "--epochs", epochs, "--model", "lstm"], flags);
    const lines = await run("2");
    const [{ model, sounds, loss, digit_error_rate, strings_right }] = resultsOf(lines);
    assert.deepEqual([model, sounds], ["lstm", 10]);
    assert(Number.isFinite(loss) && digit_error_rate >= 0 && strings_right <= 1);
    const losses = only(lines, "epoch").map(({ loss }) => Number(loss));
    assert(losses[1] < losses[0]);
    assert.deepEqual(resultsOf(await run("2")), resultsOf(lines));
  },
});

Deno.test("speech: more voices than there are is wrong usage", async () => {
  const { code, stderr } = await runPipeline("speech", ["--speakers", "463"]);
  assert.equal(code, 2);
  assert.match(stderr, /--speakers expects a whole number from 3 to 462: received "463"/);
});

/** A WAV file of a tone. */
function tone(hertz: number, samples: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(44 + 2 * samples));
  const words: [number, number][] = [[0, 0x46464952], [8, 0x45564157], [12, 0x20746d66]];
  for (const [at, word] of [...words, [36, 0x61746164]]) view.setUint32(at, word, true);
  view.setUint32(4, 36 + 2 * samples, true);
  view.setUint32(16, 16, true);
  view.setUint32(20, 0x10001, true);
  view.setUint32(24, 8000, true);
  view.setUint32(28, 16000, true);
  view.setUint32(32, 0x100002, true);
  view.setUint32(40, 2 * samples, true);
  for (let n = 0; n < samples; n++) {
    view.setInt16(44 + 2 * n, 9000 * Math.sin(2 * Math.PI * hertz * n / 8000), true);
  }
  return new Uint8Array(view.buffer);
}

Deno.test("speech: recordings of a folder take the place of the synthesizer", async () => {
  const folder = await Deno.makeTempDir();
  try {
    for (let digit = 0; digit < 10; digit++) {
      for (const [place, speaker] of ["ann", "ben", "cas", "dot", "eve"].entries()) {
        const file = `${folder}/${digit}_${speaker}_0.wav`;
        await Deno.writeFile(file, tone(200 + 150 * digit + 5 * place, 1200 + 300 * place));
      }
    }
    await Deno.writeTextFile(`${folder}/notes.txt`, "not a recording");
    const options = [...cpu, "--recordings", folder, "--epochs", "12", "--units", "16"];
    const lines = await succeed("speech", [...options, "--learning-rate", "0.02"], [
      `--allow-read=${folder}`,
    ]);
    assert.deepEqual(only(lines, "start")[0].samples, { train: 30, validation: 10 });
    const [mean, network] = resultsOf(lines);
    // Tones are told by their frames alone.
    assert(mean.accuracy > 0.6 && network.accuracy > 0.6, `${mean.accuracy}, ${network.accuracy}`);
    await Deno.writeFile(`${folder}/3_zoe_0.wav`, Uint8Array.of(1, 2, 3));
    const broken = await runPipeline("speech", options, [`--allow-read=${folder}`]);
    assert.equal(broken.code, 1);
    assert.match(broken.stderr, /3_zoe_0.wav" as it must begin with RIFF and WAVE/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("speech: what is missing is said, with exit code 1", async () => {
  const forbidden = await runPipeline("speech", ["--speakers", "3"]);
  assert.equal(forbidden.code, 1);
  assert.match(forbidden.stderr, /run it again with --allow-run=espeak-ng/);
  const folder = await Deno.makeTempDir();
  try {
    const empty = await runPipeline("speech", ["--recordings", folder], [`--allow-read=${folder}`]);
    assert.equal(empty.code, 1);
    assert.match(empty.stderr, /files named as 7_jackson_32.wav: received none/);
    const file = `${folder}/sounds.txt`;
    await Deno.writeTextFile(file, "");
    for (
      const [path, message] of [
        [`${folder}/none`, /^Cannot read "\S+none" as there is no such file: check its path$/m],
        [file, /^Cannot read a folder as "\S+sounds.txt" is a file: expected a folder$/m],
      ] as const
    ) {
      const refused = await runPipeline("speech", ["--recordings", path], ["--allow-read"]);
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, message);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
