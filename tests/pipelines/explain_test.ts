// Explanations, by what the lesson prints and draws.
import assert from "node:assert/strict";
import { linesOf, only, RunningPipeline, runPipeline, succeed } from "./run_pipeline.ts";

Deno.test("explain: what the methods point at matters more than what they do not", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const lines = await succeed(
      "explain",
      [..."--device cpu --threads 1 --limit 4000 --digits 6 --folder".split(" "), folder],
      [`--allow-read=${folder}`, `--allow-write=${folder}`],
    );
    const methods = only(lines, "explanation");
    assert.deepEqual(methods.map(({ method }) => method), [
      "saliency",
      "inputTimesGradient",
      "integratedGradients",
      "smoothGrad",
      "gradCam",
      "occlusion",
      "shapleySampling",
    ]);
    for (const { method, fall, random_fall } of methods) {
      assert(Number(fall) > Number(random_fall), `${method}: ${fall}, ${random_fall}`);
    }
    assert(Number(methods[2].completeness_error) <= 0.01, `${methods[2].completeness_error}`);
    assert(Number(methods[6].completeness_error) <= 1e-4, `${methods[6].completeness_error}`);
    const favourites = only(lines, "favourite");
    assert.deepEqual(favourites.map(({ target }) => target), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert(favourites.every(({ output, next }) => Number(output) > Number(next)));
    const sizes = ["decisions", "weights", "favourites"].map((name) => {
      const png = new DataView(Deno.readFileSync(`${folder}/${name}.png`).buffer);
      return [png.getUint32(16), png.getUint32(20)];
    });
    // Digits of 56 by 56 with two pixels between them: a column for each method and the digit.
    const size = (columns: number, rows: number) => [columns * 58 - 2, rows * 58 - 2];
    assert.deepEqual(sizes, [size(8, 6), size(8, 2), size(5, 2)]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("explain: a folder that may not be written is told before the training", async () => {
  const { code, stdout, stderr } = await runPipeline("explain", ["--folder", "nowhere"]);
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /Cannot write "nowhere\/decisions.png"/);
});

Deno.test("explain: a signal ends the run with 130, and nothing follows", async () => {
  await using pipeline = new RunningPipeline("explain", ["--epochs", "100000"]);
  await pipeline.waitFor("epoch");
  pipeline.signal("SIGINT");
  const { code, stdout, stderr } = await pipeline.end();
  assert.equal(code, 130, stderr);
  const { event, reason } = linesOf(stdout).at(-1)!;
  assert.deepEqual([event, reason], ["end", "interrupted"]);
});
