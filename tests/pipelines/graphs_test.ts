// Graphs: verbs by their relations, and molecules by their bonds.
import assert from "node:assert/strict";
import { loadVerbNetwork, verbKinds } from "../../pipelines/verb_network.ts";
import { type Line, linesOf, only, RunningPipeline, runPipeline, succeed } from "./run_pipeline.ts";

const cpu = ["--device", "cpu", "--threads", "1"];
const resultOf = (lines: readonly Line[], model: string) =>
  only(lines, "result").find((line) => line.model === model) as Line & Record<string, number>;

Deno.test("the network of verbs is WordNet's", () => {
  const { words, definitions, edges, kinds } = loadVerbNetwork();
  assert.equal(words.length, 13_789);
  assert.equal(edges.length, 15_667);
  // Counted by another program: how many verbs each file of the lexicographers has.
  const counts = verbKinds.map((_, kind) => kinds.filter((id) => id === kind).length);
  const files = [546, 2388, 698, 1550, 459, 242, 2198, 698, 343, 1411, 461, 848, 1110, 756, 81];
  assert.deepEqual(counts, files);
  const stroll = words.findIndex((all) => all.includes("stroll"));
  const walk = words.findIndex((all, at) =>
    all[0] === "walk" &&
    edges.some(([a, b]) => a === Math.min(at, stroll) && b === Math.max(at, stroll))
  );
  assert.deepEqual(definitions[walk].slice(0, 3), ["use", "one", "s"]);
  assert.equal(verbKinds[kinds[stroll]], "motion");
});

Deno.test("graph_nodes: with the graph more is found than without, and the same bits again", async () => {
  const small = [...cpu, "--limit", "1500", "--epochs", "25", "--known", "15", "--units", "16"];
  const run = (...options: string[]) => succeed("graph_nodes", [...small, ...options]);
  const lines = await run();
  assert.deepEqual(only(lines, "start").map(({ model }) => model), ["words", "gcn"]);
  assert.equal(only(lines, "epoch").length, 50);
  const [words, gcn] = ["words", "gcn"].map((model) =>
    resultOf(lines, model).sparse_categorical_accuracy
  );
  assert(gcn > words + 0.1, `${gcn} with the graph, ${words} without`);
  assert.deepEqual(only(await run(), "result"), only(lines, "result"));
});

for (const model of ["sage", "gat"]) {
  Deno.test(`graph_nodes: ${model} learns, too`, async () => {
    const lines = await succeed("graph_nodes", [
      ...[...cpu, "--limit", "800", "--epochs", "8", "--known", "15", "--units", "16"],
      ...["--model", model],
    ]);
    const losses = only(lines, "epoch").map(({ loss }) => Number(loss));
    assert(losses[7] < losses[0], `${losses}`);
    const result = resultOf(lines, model);
    assert(result.sparse_categorical_accuracy > 0 && result.sparse_categorical_accuracy < 1);
  });
}

Deno.test("molecules: a few epochs learn, with the same bits for the same seed", async () => {
  const small = [...cpu, "--limit", "200", "--epochs", "8", "--units", "16", "--batch-size", "10"];
  const run = (seed: string) => succeed("molecules", [...small, "--seed", seed]);
  const lines = await run("1");
  const { train, validation } = only(lines, "start")[0].samples as Record<string, number>;
  // Those that stand among the ones that are asked about are left out.
  assert(train + validation <= 200 && train + validation > 190 && validation === 20);
  const epochs = only(lines, "epoch");
  assert(Number(epochs[7].loss) < 0.7 * Number(epochs[0].loss));
  const [line, graph] = ["line", "graph"].map((model) => resultOf(lines, model));
  assert(line.root_mean_squared_error < 1.5, `${line.root_mean_squared_error}`);
  // The spread of the solubilities is 2.
  assert(graph.root_mean_squared_error < 2.5, `${graph.root_mean_squared_error}`);
  assert(Math.abs(graph.loss - graph.root_mean_squared_error ** 2) < 1e-4);
  assert.deepEqual(only(await run("1"), "result"), only(lines, "result"));
  assert.notDeepEqual(only(await run("2"), "result"), only(lines, "result"));
});

Deno.test("molecules: the best epoch is kept in a file", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const few = ["--limit", "40", "--epochs", "2", "--units", "8"];
    const path = `${folder}/best.safetensors`;
    const flags = [`-R=${folder}`, `-W=${folder}`];
    await succeed("molecules", [...cpu, ...few, "--checkpoint", path], flags);
    assert((await Deno.stat(path)).size > 1000);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("molecules: a signal ends the run with 130", async () => {
  await using pipeline = new RunningPipeline("molecules", [...cpu, "--limit", "40"]);
  await pipeline.waitFor("epoch");
  pipeline.signal("SIGINT");
  const { code, stdout, stderr } = await pipeline.end();
  assert.equal(code, 130, stderr);
  const { event, reason } = linesOf(stdout).at(-1)!;
  assert.deepEqual([event, reason], ["end", "interrupted"]);
});

for (const name of ["graph_nodes", "molecules"]) {
  Deno.test(`${name}: wrong usage ends with 2`, async () => {
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
