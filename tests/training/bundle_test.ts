/** A program that `deno bundle` has put into one file trains as its sources do, and needs nothing else. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { inFolder } from "../core/stream/fake_epoch.ts";

const root = new URL("../../", import.meta.url).pathname;

const program = `
import { accuracy, arrays, dense, dropout, fit, input, predict, sequential, sgd,
  sparseCategoricalCrossentropy } from "@millrace/millrace";
import { lastValueFrom } from "rxjs";

const points = Array.from({ length: 128 }, (_, i) => [Math.cos(i) * (i % 4), Math.sin(i) * (i % 4)]);
const model = sequential([input([2]), dense(64, { activation: "tanh" }), dropout(0.2), dense(4)]);
const { logs } = await lastValueFrom(fit(model, arrays(points, points.map((_, i) => i % 4)), {
  loss: sparseCategoricalCrossentropy({ fromLogits: true }),
  optimizer: sgd({ learningRate: 0.3 }),
  metrics: [accuracy()],
  epochs: 60,
  device: "cpu",
  threads: 2,
}));
const { data } = await predict(model, points.slice(0, 3), { device: "cpu" });
console.log(JSON.stringify([logs.loss, logs.accuracy, [...data]]));
`;

/** Runs `deno` in a folder outside of the project; gives its exit code and what it printed. */
async function deno(folder: string, ...args: string[]) {
  const options = { args, cwd: folder, stdin: "null" } as const;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), options).output();
  return {
    code,
    stdout: new TextDecoder().decode(stdout),
    stderr: new TextDecoder().decode(stderr),
  };
}

/** Bundles a file of `folder`, with the project's imports. */
async function bundle(folder: string, source: string) {
  await Deno.writeTextFile(join(folder, "program.ts"), source);
  const config = ["--config", join(root, "deno.json")];
  return await deno(
    folder,
    "bundle",
    ...config,
    "--minify",
    "--output",
    "program.js",
    "program.ts",
  );
}

/** Deno fetches its bundler from npm when it is first asked for it. */
const hasBundler = (await inFolder((folder) => bundle(folder, "console.log(1);"))).code === 0;
if (!hasBundler) console.error("Skipped: the test of bundles, as npm could not be reached");

Deno.test({
  name: "a minified bundle trains to the same bits, without a file and without a permission",
  ignore: !hasBundler,
  fn: () =>
    inFolder(async (folder) => {
      const { code, stderr } = await bundle(folder, program);
      assert.equal(code, 0, stderr);
      const sources = await deno(
        folder,
        ...["run", "--no-check", "--config", join(root, "deno.json"), "program.ts"],
      );
      await Deno.remove(join(folder, "program.ts"));
      const bundled = await deno(folder, "run", "--no-config", "--no-prompt", "program.js");
      assert.equal(bundled.code, 0, bundled.stderr);
      const [loss, , outputs] = JSON.parse(bundled.stdout);
      assert(loss > 0 && loss < 1 && outputs.length === 12, bundled.stdout);
      assert.equal(bundled.stdout, sources.stdout, sources.stderr);
    }),
});
