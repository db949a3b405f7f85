/**
 * Times `deno run pipelines/mnist.ts` as a whole process against the same training in PyTorch:
 * wall time, peak memory, time to the first step, and what was learned; and a program that only imports
 * Millrace, from its sources and bundled.
 *
 * `deno run -A tests/bench/whole_process.ts --help` lists the options. The table goes to stderr,
 * JSON to stdout or to a file. Exit codes: 0 done, 1 a program failed or did not learn, 2 wrong
 * usage.
 */

import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { DEFAULT_PYTHON, findAdapter, findTorch } from "./peer_processes.ts";
import { copyDigits } from "./prepare_data.ts";
import { formatTable, machine } from "./report.ts";
import { summarise } from "./statistics.ts";
import { type ProcessTime, type TimedProgram, timeProcess } from "./timed_process.ts";

const HELP = `Usage: deno run -A tests/bench/whole_process.ts [options]

  --rounds N      rounds, in which the programs take turns (default: 5)
  --epochs N      epochs, each with validation (default: 5)
  --only NAME     millrace or pytorch (default: both)
  --python FILE   a Python that can import torch (default: ${DEFAULT_PYTHON})
  --json FILE     write the results there (default: stdout)
  --help          print this text`;

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const EXPECTED_ACCURACY = 0.955;

/** What is timed. */
export interface ProcessOptions {
  readonly rounds: number;
  readonly epochs: number;
  /** millrace or pytorch; by default both. */
  readonly only?: string;
  readonly python: string;
}

interface Options extends ProcessOptions {
  readonly json?: string;
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new Error(`Cannot take --${name} "${text}": expected a whole number from 1`);
}

/** Reads the options; null after printing the help. */
function readOptions(): Options | null {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      rounds: { type: "string", default: "5" },
      epochs: { type: "string", default: "5" },
      only: { type: "string" },
      python: { type: "string", default: DEFAULT_PYTHON },
      json: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return null;
  }
  if (values.only !== undefined && !["millrace", "pytorch"].includes(values.only)) {
    throw new Error(`Unknown program "${values.only}": expected millrace or pytorch`);
  }
  const rounds = wholeNumber("rounds", values.rounds);
  return { ...values, rounds, epochs: wholeNumber("epochs", values.epochs) };
}

/** Programs that end when Millrace is imported: from its sources, and as one file. */
async function importers(folder: string): Promise<TimedProgram[]> {
  const source = join(folder, "import.ts"), bundled = join(folder, "import.js");
  const module = JSON.stringify(join(ROOT, "mod.ts"));
  await Deno.writeTextFile(
    source,
    `import * as millrace from ${module};\nconsole.log(JSON.stringify({ event: "start", names: Object.keys(millrace).length }));\n`,
  );
  const config = ["--config", join(ROOT, "deno.json")];
  const args = ["bundle", "--quiet", ...config, "--minify", "--output", bundled, source];
  const { code, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  if (code !== 0) throw new Error(`deno bundle failed: ${new TextDecoder().decode(stderr)}`);
  return [
    { name: "millrace, import", command: [Deno.execPath(), "run", ...config, source] },
    { name: "millrace, bundled", command: [Deno.execPath(), "run", "--no-config", bundled] },
  ];
}

/** The programs to time: the pipeline just as a user starts it, and PyTorch on 1 and 2 threads. */
async function programs({ epochs, only, python }: ProcessOptions, folder: string) {
  const chosen: TimedProgram[] = [];
  if (only !== "pytorch") {
    const pipeline = join(ROOT, "pipelines/mnist.ts");
    const start = [Deno.execPath(), "run", pipeline];
    const short = ["--epochs", "1", "--limit", "3200", "--log-every", "1"];
    chosen.push({ name: "millrace", command: [...start, "--epochs", String(epochs)] });
    chosen.push({ name: "millrace, first step", command: [...start, ...short] });
    chosen.push(...await importers(folder));
  }
  if (only !== "millrace" && (await findTorch(python)).cpu) {
    const script = join(ROOT, "tests/bench/peers/mnist_torch.py");
    for (const threads of ["1", "2"]) {
      chosen.push({
        name: `pytorch-${threads}`,
        command: [python, "-B", script, "--data", folder, "--threads", threads]
          .concat(["--epochs", String(epochs)]),
        environment: { OMP_NUM_THREADS: threads, OPENBLAS_NUM_THREADS: threads },
      });
    }
  }
  return chosen;
}

function summary(name: string, runs: readonly ProcessTime[]) {
  const first = (event: string) => {
    const times = runs.map((run) => run.firstEvents[event]).filter((time) => time !== undefined);
    return times.length > 0 ? summarise(times) : null;
  };
  const peaks = runs.map((run) => run.peakMebibytes).filter((peak) => peak !== null);
  return {
    name,
    seconds: summarise(runs.map((run) => run.seconds)),
    peakMebibytes: peaks.length > 0 ? summarise(peaks) : null,
    firstLineSeconds: first("start"),
    firstStepSeconds: first("step"),
    lastEpoch: runs.at(-1)!.lastEpoch,
  };
}

/** One program's rounds, summarised. */
export type ProgramSummary = ReturnType<typeof summary>;

function print(rows: readonly ProgramSummary[]): void {
  if (rows.length === 0) return;
  const base = rows[0].seconds.median;
  const ratio = `÷ ${rows[0].name}`;
  const header = [
    "program",
    "seconds",
    "spread",
    ratio,
    "peak MiB",
    "first step s",
    "val_accuracy",
  ];
  const lines = rows.map((row) => [
    row.name,
    row.seconds.median.toFixed(3),
    `${Math.round(row.seconds.spread * 100)}%`,
    (row.seconds.median / base).toFixed(2),
    row.peakMebibytes?.median.toFixed(0) ?? "–",
    row.firstStepSeconds?.median.toFixed(3) ?? "–",
    row.lastEpoch === null ? "–" : Number(row.lastEpoch.val_accuracy).toFixed(4),
  ]);
  console.error(formatTable(header, lines));
}

/** Whether a whole training reached the accuracy that five epochs reach. */
function learned(row: ProgramSummary, epochs: number): boolean {
  if (epochs < 5 || row.name.includes(",")) return true;
  return Number(row.lastEpoch?.val_accuracy) >= EXPECTED_ACCURACY;
}

/**
 * Times the programs in turn and prints the table; a program that fails or does not learn is a
 * failure, and so is a Python without torch where only PyTorch is asked for.
 */
export async function timePrograms(
  options: ProcessOptions,
): Promise<{ rows: ProgramSummary[]; failures: string[] }> {
  const folder = await copyDigits();
  try {
    const chosen = await programs(options, folder);
    if (chosen.length === 0) {
      return { rows: [], failures: [`${options.python} cannot import torch`] };
    }
    const runs = chosen.map((): ProcessTime[] => []);
    for (let round = 0; round < options.rounds; round++) {
      for (const [index, program] of chosen.entries()) runs[index].push(await timeProcess(program));
    }
    const rows = chosen.map((program, index) => summary(program.name, runs[index]));
    print(rows);
    const failures = rows.filter((row) => !learned(row, options.epochs))
      .map((row) => `! ${row.name} did not reach ${EXPECTED_ACCURACY}`);
    return { rows, failures };
  } catch (error) {
    return { rows: [], failures: [(error as Error).message] };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function main(): Promise<number> {
  let options: Options | null;
  try {
    options = readOptions();
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${HELP}`);
    return 2;
  }
  if (options === null) return 0;
  const { rows, failures } = await timePrograms(options);
  failures.forEach((failure) => console.error(failure));
  const { rounds } = options;
  const text = JSON.stringify({ machine: machine(await findAdapter()), rounds, rows, failures });
  if (options.json === undefined) console.log(text);
  else await Deno.writeTextFile(options.json, text + "\n");
  return failures.length > 0 ? 1 : 0;
}

if (import.meta.main) process.exit(await main());
