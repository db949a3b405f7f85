/**
 * The table of everything in core/nn with its source and its check: core/nn/README.md.
 * `deno test -A tests/core/nn/table_test.ts -- --update` writes it anew.
 */
import assert from "node:assert/strict";
import { dirname, join } from "node:path/posix";

const root = new URL("../../..", import.meta.url).pathname;
const folders = [
  ...["layers", "losses", "metrics", "optimizers", "schedules", "initializers", "regularizers"],
  "constraints",
];
const read = (path: string) => Deno.readTextFileSync(join(root, path));

function filesUnder(folder: string): string[] {
  return [...Deno.readDirSync(join(root, folder))].flatMap(({ name, isDirectory }) =>
    isDirectory ? filesUnder(`${folder}/${name}`) : [`${folder}/${name}`]
  ).sort();
}

const inOrder = (file: string) => (file.startsWith("tests/core/nn/") ? 0 : 1);
const tests = filesUnder("tests").sort((a, b) => inOrder(a) - inOrder(b)).filter((file) =>
  /_test\.ts$|cases\.ts$/.test(file) &&
  !/(table|number_options)_test\.ts$/.test(file)
).map((file) => ({ file, text: read(file) }));
/** Of the models that are exported the file has numbers, too, but none that another program trains. */
const goldens = filesUnder("tests/golden")
  .filter((file) => /\/golden\/[^/]*\.json$/.test(file) && !file.endsWith("/onnx.json"))
  .map((file) => ({ file, text: read(file) }));

interface Entry {
  readonly name: string;
  readonly source: string | undefined;
  readonly check: string | undefined;
}

/** The paragraph of a function's docstring that says where it comes from. */
function sourceOf(text: string, name: string): string | undefined {
  const at = text.search(new RegExp(`export (function|const) ${name}\\b`));
  const doc = text.slice(text.lastIndexOf("/**", at), at).replace(/^ *\/?\*+\/? ?/gm, "");
  return /^(?:Source|Keras|PyTorch):[^]*?(?=\n\n|\n@|$(?![^]))/m.exec(doc)?.[0]
    .replace(/\{@link (\w+)\}/g, "`$1`").replace(/\s+/g, " ").replace(/^Source: /, "").trim();
}

/** The test that names it: one with golden values before others. */
function checkOf(name: string): string | undefined {
  const word = new RegExp(`\\b${name}\\b`);
  const golden = goldens.find(({ text }) => new RegExp(`"${name}("|_(?!\\d+/))`).test(text));
  const test = golden && tests.find(({ text }) => text.includes(golden.file.split("/").pop()!));
  const named = test ?? tests.find(({ text }) => word.test(text));
  return named?.file;
}

/** The functions that a folder's mod.ts exports. */
function entriesOf(mod: string): Entry[] {
  return [...read(mod).matchAll(/^export (?!type)(?:\{([^}]*)\}|\*) from "(.*)";/gm)]
    .flatMap(([, names, from]) => {
      const file = join(dirname(mod), from);
      if (names === undefined) return entriesOf(file);
      const text = read(file);
      return names.split(",").map((name) => name.trim()).filter((name) =>
        name !== "" && !name.startsWith("type ") && /^[a-z]/.test(name) &&
        !/Names$|Of$|Value$/.test(name)
      ).map((name) => ({ name, source: sourceOf(text, name), check: checkOf(name) }));
    }).sort((a, b) => a.name < b.name ? -1 : 1);
}

/** Activations that have a name; the formula of the docstring is the source of the oldest ones. */
function activationEntries(): Entry[] {
  const text = read("core/nn/activations.ts");
  return [...text.matchAll(/^import \{([^}]*)\} from "(\.\.\/ops\/.*)";/gm)].flatMap(
    ([, names, from]) => {
      const ops = read(join("core/nn", from));
      return names.split(",").map((name) => name.trim()).filter(Boolean).map((name) => {
        const at = ops.search(new RegExp(`export (function|const) ${name}\\b`));
        const doc = ops.slice(ops.lastIndexOf("/**", at), at).replace(/^ *\/?\*+\/? ?/gm, "");
        const formula = doc.trim().split("\n\n")[0].replace(/\s+/g, " ");
        return { name, source: sourceOf(ops, name) ?? formula, check: checkOf(name) };
      });
    },
  ).sort((a, b) => a.name < b.name ? -1 : 1);
}

const sections = [
  ...folders.map((folder) => ({ folder, entries: entriesOf(`core/nn/${folder}/mod.ts`) })),
  { folder: "activations", entries: activationEntries() },
];

function table(): string {
  const rows = sections.flatMap(({ folder, entries }) => [
    `\n## ${folder[0].toUpperCase()}${folder.slice(1)}\n`,
    ...entries.map(({ name, source, check }) => `- \`${name}\`: ${source} — \`${check}\``),
  ]);
  return "# What is in core/nn, where it comes from, and what checks it\n\n" +
    "Written by `tests/core/nn/table_test.ts` from the docstrings and the tests.\n" +
    `${rows.join("\n")}\n`;
}

Deno.test("everything in core/nn has a check", () => {
  const all = sections.flatMap(({ entries }) => entries);
  assert.ok(all.length > 100, `${all.length} entries`);
  assert.deepEqual(all.filter(({ check }) => !check).map(({ name }) => name), []);
});

Deno.test("everything in core/nn names its source", () => {
  const all = sections.flatMap(({ entries }) => entries);
  assert.deepEqual(all.filter(({ source }) => !source).map(({ name }) => name), []);
});

Deno.test("the table of core/nn is up to date", () => {
  const path = join(root, "core/nn/README.md");
  if (Deno.args.includes("--update")) Deno.writeTextFileSync(path, table());
  assert.equal(Deno.readTextFileSync(path), table(), "run the test with `-- --update`");
});
