// Residual connections, by what the lesson prints.
import assert from "node:assert/strict";
import { linesOf, only, RunningPipeline, runPipeline, succeed } from "./run_pipeline.ts";

Deno.test("very_deep: 300 layers learn with residual connections, and do not without", async () => {
  const lines = await succeed(
    "very_deep",
    ["--layers", "300", "--limit", "3200", "--learning-rate", "0.0005"],
  );
  assert.deepEqual(only(lines, "start").map(({ model }) => model), ["residual", "plain"]);
  const parameters = 785 * 16 + 298 * 17 * 16 + 17 * 10;
  assert(only(lines, "start").every((start) => start.parameters === parameters));
  const [residual, plain] = only(lines, "epoch");
  assert(Number(residual.val_accuracy) > 0.4, `${residual.val_accuracy}`);
  assert(Number(plain.val_accuracy) < 0.25, `${plain.val_accuracy}`);
  // Why: the gradient reaches the first layer, or it does not.
  const share = (line: typeof plain) =>
    Number(line["gradient_norm/first"]) / Number(line["gradient_norm/last"]);
  assert(share(residual) > 1, `${share(residual)}`);
  assert(share(plain) < 1e-3, `${share(plain)}`);
  const norms = Object.keys(plain).filter((name) => name.startsWith("gradient_norm/"));
  assert.deepEqual(norms, ["gradient_norm/first", "gradient_norm/last"]);
  assert.deepEqual(only(lines, "end").map(({ reason }) => reason), ["completed", "completed"]);
});

Deno.test("very_deep: --recompute prints the same numbers", async () => {
  const options = ["--layers", "60", "--limit", "640", "--threads", "1"];
  const numbers = async (more: string[]) =>
    only(await succeed("very_deep", [...options, ...more]), "epoch")
      .map(({ seconds: _, samples_per_second: __, ...line }) => line);
  assert.deepEqual(await numbers(["--recompute", "8"]), await numbers([]));
});

Deno.test("very_deep: a network without a middle is refused", async () => {
  const { code, stdout, stderr } = await runPipeline("very_deep", ["--layers", "2"]);
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, /--layers expects a whole number of at least 3: received "2"/);
});

Deno.test("very_deep: a signal ends the run with 130, and nothing follows", async () => {
  await using pipeline = new RunningPipeline("very_deep", ["--layers", "20", "--epochs", "100000"]);
  await pipeline.waitFor("epoch");
  pipeline.signal("SIGINT");
  const { code, stdout, stderr } = await pipeline.end();
  assert.equal(code, 130, stderr);
  const { event, reason } = linesOf(stdout).at(-1)!;
  assert.deepEqual([event, reason], ["end", "interrupted"]);
});
