// The lessons on tables: what they print bears out what they say.
import assert from "node:assert/strict";
import { leastSquares } from "../../pipelines/least_squares.ts";
import { mulberry32 } from "../core/ops/generator.ts";
import { type Line, linesOf, only, RunningPipeline, runPipeline, succeed } from "./run_pipeline.ts";

const cpu = ["--device", "cpu", "--threads", "1"];
const resultOf = (lines: readonly Line[], model: string, weight?: number) => {
  const found = only(lines, "result").find((line) =>
    line.model === model && (weight === undefined || line.class_weight === weight)
  );
  assert(found, `no result of ${model}`);
  return found as Line & Record<string, number>;
};

Deno.test("bird_strikes: class weights buy recall, and both models beat the majority", async () => {
  const lines = await succeed("bird_strikes", cpu);
  assert.equal(only(lines, "start").length, 4);
  assert.deepEqual(only(lines, "start")[0].samples, { train: 8000, validation: 2000 });
  assert.equal(only(lines, "epoch").length, 4 * 15);
  const majority = resultOf(lines, "majority");
  for (const model of ["logistic", "network"]) {
    const [plain, weighted] = [resultOf(lines, model, 1), resultOf(lines, model, 5)];
    // Nobody may find much: a model that did would have read the bills.
    for (const { auc } of [plain, weighted]) assert(auc > 0.74 && auc < 0.85, `${auc}`);
    assert(weighted.recall > plain.recall + 0.2, `${plain.recall} and ${weighted.recall}`);
    assert(weighted.precision < plain.precision);
    assert(weighted.f1_score > plain.f1_score + 0.05);
    assert(weighted.binary_accuracy < majority.binary_accuracy, "accuracy says little here");
    const [[rightNo, wrongYes], [missed, rightYes]] = weighted
      .confusion_matrix as unknown as number[][];
    assert.equal(rightNo + wrongYes + missed + rightYes, 2000);
    assert(Math.abs(weighted.recall - rightYes / (rightYes + missed)) < 1e-9);
    assert(Math.abs(weighted.precision - rightYes / (rightYes + wrongYes)) < 1e-9);
  }
});

Deno.test("weather: gradient descent arrives at the least squares, a hidden layer no further", async () => {
  const lines = await succeed("weather", [...cpu, "--runs", "2"]);
  const coefficients = only(lines, "coefficient");
  assert.equal(coefficients.length, 10);
  for (const { feature, learnt, exact } of coefficients) {
    assert(Math.abs(Number(learnt) - Number(exact)) < 2e-5, `${feature}: ${learnt}, ${exact}`);
  }
  const [mean, exact, linear] = ["mean", "least squares", "linear"].map((model) =>
    resultOf(lines, model)
  );
  assert(Math.abs(linear.train_loss - exact.train_loss) < 1e-5);
  assert(Math.abs(linear.val_loss - exact.val_loss) < 1e-4);
  assert(exact.val_root_mean_squared_error < 0.4 * mean.val_root_mean_squared_error);
  for (const seed of [42, 43]) {
    const hidden = resultOf(lines, `hidden, seed ${seed}`);
    assert(hidden.train_loss < 0.9 * exact.train_loss, "it knows its own days better");
    const share = hidden.val_root_mean_squared_error / exact.val_root_mean_squared_error;
    assert(share > 0.97 && share < 1.03, `${share}: and the new ones no better`);
  }
});

Deno.test("least squares: the weights that made the targets, and none for columns that repeat", () => {
  const random = mulberry32(5);
  const x = Float64Array.from({ length: 60 }, () => random() * 10 - 3);
  const y = Array.from(
    { length: 20 },
    (_, i) => 2 * x[3 * i] - x[3 * i + 1] + 0.5 * x[3 * i + 2] + 4,
  );
  leastSquares(x, y).forEach((weight, place) =>
    assert(Math.abs(weight - [2, -1, 0.5, 4][place]) < 1e-10)
  );
  // The residuals of noisy targets stand at right angles to every column.
  const noisy = y.map((value) => value + random());
  const weights = leastSquares(x, noisy);
  const residuals = noisy.map((value, i) =>
    value - weights[3] - [0, 1, 2].reduce((sum, j) => sum + weights[j] * x[3 * i + j], 0)
  );
  for (const column of [0, 1, 2, 3]) {
    const product = residuals.reduce(
      (sum, value, i) => sum + value * (column < 3 ? x[3 * i + column] : 1),
      0,
    );
    assert(Math.abs(product) < 1e-9, `${product}`);
  }
  const twice = x.map((_, place) => x[3 * Math.floor(place / 3)]);
  assert.throws(() => leastSquares(twice, y), /linear functions of each other/);
});

Deno.test("bird_strikes: a signal ends the run and those that would follow, with 130", async () => {
  await using pipeline = new RunningPipeline("bird_strikes", [...cpu, "--epochs", "100000"]);
  await pipeline.waitFor("epoch");
  pipeline.signal("SIGINT");
  const { code, stdout, stderr } = await pipeline.end();
  assert.equal(code, 130, stderr);
  const { event, reason } = linesOf(stdout).at(-1)!;
  assert.deepEqual([event, reason], ["end", "interrupted"]);
});

const quick: Record<string, string[]> = {
  bird_strikes: ["--limit", "400", "--epochs", "1"],
  weather: ["--limit", "60", "--linear-epochs", "20", "--epochs", "2", "--runs", "1"],
};
for (const [name, options] of Object.entries(quick)) {
  Deno.test(`${name}: --limit takes seconds, the same seed prints the same, wrong usage ends with 2`, async () => {
    const results = async (seed: string) =>
      only(await succeed(name, [...cpu, ...options, "--seed", seed]), "result");
    const [first, again, other] = [await results("1"), await results("1"), await results("2")];
    assert.deepEqual(first, again);
    assert.notDeepEqual(first, other);
    const [help, unknown] = [
      await runPipeline(name, ["--help"]),
      await runPipeline(name, ["--epoch", "3"]),
    ];
    assert.equal(help.code, 0);
    assert.match(help.stdout, /--seed N .*default 42/);
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /Unknown option --epoch \(did you mean --epochs\?\)/);
  });
}
