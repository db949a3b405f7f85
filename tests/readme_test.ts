// The README keeps its word: what it shows runs, and what it lists is what there is.
import assert from "node:assert/strict";
import { relative } from "node:path";

const root = new URL("../", import.meta.url);
const readme = await Deno.readTextFile(new URL("README.md", root));
const config = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));

/** The text of a section, up to the next heading. */
function section(title: string): string {
  const start = readme.indexOf(`\n## ${title}\n`);
  assert(start >= 0, `The README has no section "${title}"`);
  const end = readme.indexOf("\n## ", start + 1);
  return readme.slice(start, end < 0 ? undefined : end);
}

/** The first block of code in a text. */
function code(text: string, language: string): string {
  const found = text.match(new RegExp("^```" + language + "\n(.*?)^```$", "ms"));
  assert(found, `There is no block of ${language}`);
  return found[1];
}

/** What stands between backticks in the first column of a section's tables. */
const firstColumn = (title: string): string[] =>
  section(title).split("\n").filter((line) => line.startsWith("|"))
    .flatMap((line) => [...line.split("|")[1].matchAll(/`([^`]+)`/g)].map(([, name]) => name));

Deno.test("the callback of the README takes five lines, and stops a real training", async () => {
  const callback = code(section("A callback of your own"), "ts");
  const end = callback.indexOf("\n}\n") + 2;
  const lines = callback.slice(0, end).split("\n")
    .filter((line) => line.trim() !== "" && !line.startsWith("//"));
  assert.equal(lines.length, 5, lines.join("\n"));
  assert.match(callback, /function stopAt\(/);

  // Two clouds that lie far apart are told from each other well before the hundredth epoch.
  const training = `
import * as millrace from ${JSON.stringify(new URL("mod.ts", root).href)};
const angles = Array.from({ length: 200 }, (_, index) => index);
const points = angles.map((angle) => [Math.cos(angle) + (angle % 2 ? 3 : -3), Math.sin(angle)]);
const data = millrace.arrays(points, angles.map((angle) => angle % 2), { classes: 2 });
const model = millrace.sequential([millrace.input([2]), millrace.dense(2)], { seed: 1 });
const seen: number[] = [];
await millrace.fit(model, data, {
  loss: millrace.sparseCategoricalCrossentropy({ fromLogits: true }),
  optimizer: millrace.sgd({ learningRate: 0.002 }),
  metrics: [millrace.accuracy()],
  validation: data,
  epochs: 100,
  device: "cpu",
}).pipe(stopAt(0.98)).forEach(({ logs }) => void seen.push(logs.val_accuracy));
console.log(JSON.stringify(seen));
`;
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/callback.ts`, callback + training);
    const { code: exit, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--quiet", "--config=deno.json"]
        .concat(`${folder}/callback.ts`),
      cwd: root,
      stdin: "null",
    }).output();
    const text = new TextDecoder().decode(stdout).trimEnd();
    assert.equal(exit, 0, new TextDecoder().decode(stderr));
    const seen: number[] = JSON.parse(text.split("\n").at(-1)!);
    assert(seen.length > 1 && seen.length < 100, text);
    assert(seen.at(-1)! >= 0.98, text);
    assert(seen.slice(0, -1).every((accuracy) => accuracy < 0.98), text);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the README opens with the two commands, and they are there", () => {
  const commands = code(readme, "sh").trimEnd().split("\n")
    .map((line) => line.split("#")[0].trim());
  assert.deepEqual(commands, [
    "npx -y deno@2.9.6 run pipelines/mnist.ts",
    "npx -y deno@2.9.6 task test",
  ]);
  const before = readme.slice(0, readme.indexOf("```sh"));
  assert(!before.includes("\n## "), "The commands stand under the first heading");
  assert("test" in config.tasks);
  assert(Deno.statSync(new URL("pipelines/mnist.ts", root)).isFile);
});

Deno.test("a program elsewhere takes what is here by the deno.json of the README", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const settings = JSON.parse(code(readme, "json"));
    assert.equal(settings.links.length, 1);
    assert.equal(settings.imports[config.name], `jsr:${config.name}@^${config.version}`);
    assert.equal(settings.imports.rxjs, config.imports.rxjs);
    settings.links = [relative(folder, root.pathname)];
    await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify(settings));
    const program =
      `import { dense, input, parseCsv, predict, sequential } from "@millrace/millrace";
import { moleculeGraphs } from "@millrace/millrace/molecules";
import { of } from "rxjs";
const model = sequential([input([1]), dense(1, { kernelInitializer: "ones" })]);
const { data } = await predict(model, [[3]], { device: "cpu", threads: 1 });
of(data[0], parseCsv("a\\n1").rows, typeof moleculeGraphs).subscribe((one) => console.log(one));
`;
    await Deno.writeTextFile(`${folder}/program.ts`, program);
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-check", "--quiet", "program.ts"],
      cwd: folder,
      stdin: "null",
    }).output();
    const text = new TextDecoder().decode(stdout);
    assert.equal(text, "3\n1\nfunction\n", new TextDecoder().decode(stderr));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("each task that the README names is in deno.json", () => {
  const named = [...readme.matchAll(/\bdeno task (\w+)|deno@[\d.]+ task (\w+)/g)];
  for (const [text, first, second] of named) assert((first ?? second) in config.tasks, text);
});

Deno.test("each pipeline is in the README's table, and each file of the table is there", () => {
  const pipelines = [...Deno.readDirSync(new URL("pipelines/", root))]
    .map(({ name }) => `pipelines/${name}`)
    .filter((name) => name.endsWith(".ts"))
    // Files that export something are helpers.
    .filter((name) => !/^export /m.test(Deno.readTextFileSync(new URL(name, root))));
  assert.deepEqual(firstColumn("What a pipeline prints").sort(), pipelines.sort());
});

Deno.test("each dependency of deno.json is in the README's table, and nothing else", () => {
  const dependencies = new Map(
    Object.values<string>(config.imports).map((specifier) => {
      const found = specifier.match(/^npm:\/?((?:@[^/]+\/)?[^@/]+)@([\d.]+)/);
      assert(found, `${specifier} is not an exact version from npm`);
      return [found[1], found[2]];
    }),
  );
  const listed = firstColumn("Dependencies");
  assert.deepEqual(listed.sort(), [...dependencies.keys()].sort());
  for (const [, name, version] of section("Dependencies").matchAll(/`([^`]+)` (\d[\d.]*)/g)) {
    assert.equal(version, dependencies.get(name), name);
  }
});

Deno.test("each folder that the README names is there", () => {
  const folders = code(section("Where things are"), "").trimEnd().split("\n")
    .map((line) => line.split(/\s/)[0]);
  assert(folders.length >= 8);
  for (const folder of folders) assert(Deno.statSync(new URL(folder, root)).isDirectory, folder);
});
