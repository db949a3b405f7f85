// Names and pronunciations: what the transformers of few samples learn, and the same bits again.
import assert from "node:assert/strict";
import { only, runPipeline, succeed } from "./run_pipeline.ts";

const cpu = ["--device", "cpu", "--threads", "1"];

Deno.test("names: the network learns, and makes up the same names from the same seed", async () => {
  const small = ["--limit", "200", "--epochs", "3", "--features", "16", "--samples", "5"];
  const run = () => succeed("names", [...cpu, ...small]);
  const lines = await run();
  const losses = only(lines, "epoch").map(({ val_loss }) => val_loss as number);
  assert.equal(losses.length, 3);
  assert(losses[2] < losses[0] && losses[2] < Math.log(28), `${losses}`);
  const [bigrams, transformer] = only(lines, "result");
  assert.deepEqual([bigrams.model, transformer.model], ["bigrams", "transformer"]);
  for (const { names, loss, perplexity } of [bigrams, transformer]) {
    assert.equal(names, 494);
    assert(Math.abs(Math.exp(loss as number) - (perplexity as number)) < 1e-9);
  }
  const samples = only(lines, "sample");
  assert.equal(samples.length, 5);
  for (const { name, known } of samples) {
    assert.match(name as string, /^[-a-z]{0,16}$/);
    assert.equal(typeof known, "boolean");
  }
  assert.deepEqual(only(await run(), "sample"), samples);
});

Deno.test("pronunciation: unseen words are spoken, and errors counted", async () => {
  const small = ["--limit", "150", "--epochs", "2", "--features", "16", "--blocks", "1"];
  const lines = await succeed("pronunciation", [...cpu, ...small, "--test", "40"]);
  const losses = only(lines, "epoch").map(({ loss }) => loss as number);
  assert(losses[1] < losses[0] && losses[1] < Math.log(41), `${losses}`);
  const [result] = only(lines, "result");
  assert.equal(result.words, 40);
  for (const rate of [result.phoneme_error_rate, result.word_error_rate] as number[]) {
    assert(rate > 0 && rate < 3, `${rate}`);
  }
  const samples = only(lines, "sample");
  assert.equal(samples.length, 8);
  for (const { word, expected } of samples) {
    assert.match(word as string, /^[a-z]+$/);
    assert.match(expected as string, /^[A-Z]+( [A-Z]+)*$/);
  }
});

Deno.test("names and pronunciation: wrong usage ends with 2", async () => {
  for (const pipeline of ["names", "pronunciation"]) {
    const { code, stderr } = await runPipeline(pipeline, ["--blocks", "none"]);
    assert.equal(code, 2);
    assert.match(stderr, /--blocks expects a whole number of at least 1: received "none"/);
  }
});
