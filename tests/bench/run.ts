/**
 * Measures Millrace and its peers on the same digits, weights and batches.
 *
 * Every measurement is a process of its own; the peers take turns in every round, so that a slow
 * minute of the machine falls on all of them. Tables and progress go to stderr, JSON to stdout or to
 * a file. Exit codes: 0 done, 1 a peer failed or computed something else, 2 wrong usage.
 */

import process from "node:process";
import { parseArgs } from "node:util";
import type { Measurement } from "./peer.ts";
import {
  type Adapter,
  DEFAULT_PYTHON,
  findAdapter,
  findTorch,
  measure,
  type PeerProcess,
  peerProcesses,
} from "./peer_processes.ts";
import { prepareData } from "./prepare_data.ts";
import { formatRows, type LeftOut, machine, makeRows, type Row } from "./report.ts";
import { timePrograms } from "./whole_process.ts";
import { selectWorkloads, type Workload } from "./workloads.ts";

const HELP = `Usage: deno task bench [options]

  --network NAMES   comma-separated: small, large, convolutional, inference, products (five typical
                    ones), matmul (all products), all, one workload such as inference-1 or matmul-32x784x30, or
                    process, which is pipelines/mnist.ts as a whole process
                    (default: small,large,convolutional,inference,
                    products,process)
  --peer NAMES      comma-separated names or their beginnings: millrace, millrace-webgpu, pytorch,
                    pytorch-2, pytorch-cuda, jax-js, tfjs, tfjs-wasm (default: all that are installed)
  --rounds N        rounds, in which the peers take turns (default: 3)
  --compare NAME    the peer that ratios are against (default: the first one measured)
  --python FILE     a Python that can import torch (default: ${DEFAULT_PYTHON})
  --json FILE       write the results there (default: stdout)
  --help            print this text

The peers' packages are downloaded at their first run, from tests/bench/peers/deno.json.`;

interface Options {
  readonly workloads: Workload[];
  /** Whether whole processes are timed. */
  readonly wholeProcess: boolean;
  readonly peers: string[] | null;
  readonly rounds: number;
  readonly compare?: string;
  readonly python: string;
  readonly json?: string;
}

function list(text: string): string[] {
  return text.split(",").map((name) => name.trim()).filter(Boolean);
}

/** Reads the options; null after printing the help. */
function readOptions(args: string[]): Options | null {
  const { values } = parseArgs({
    args,
    options: {
      network: { type: "string", default: "small,large,convolutional,inference,products,process" },
      peer: { type: "string" },
      rounds: { type: "string", default: "3" },
      compare: { type: "string" },
      python: { type: "string", default: DEFAULT_PYTHON },
      json: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return null;
  }
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new Error(`Cannot run "${values.rounds}" rounds: expected a whole number from 1`);
  }
  const peers = values.peer === undefined ? null : list(values.peer);
  const networks = list(values.network);
  const workloads = selectWorkloads(networks.filter((name) => name !== "process"));
  const wholeProcess = networks.some((name) => name === "process" || name === "all");
  return { ...values, workloads, wholeProcess, peers, rounds };
}

/** The peers asked for that can run here; says which are left out. */
async function availablePeers(options: Options, adapter: Adapter | null): Promise<PeerProcess[]> {
  const all = peerProcesses(options.python, adapter);
  if (!adapter) console.error("WebGPU has no adapter here: its peers are left out");
  const unknown = options.peers?.find((name) => !all.some((peer) => peer.name.startsWith(name)));
  if (unknown !== undefined) {
    throw new Error(
      `Unknown peer "${unknown}": expected one of ${all.map((peer) => peer.name).join(", ")}`,
    );
  }
  const chosen = options.peers
    // A peer that is named in full is given every workload.
    ? all.filter((peer) => options.peers!.some((name) => peer.name.startsWith(name)))
      .map((peer) => options.peers!.includes(peer.name) ? { ...peer, leavesOut: undefined } : peer)
    : all;
  if (!chosen.some((peer) => peer.name.startsWith("pytorch"))) return chosen;
  const torch = await findTorch(options.python);
  if (!torch.cpu) console.error(`${options.python} cannot import torch: PyTorch is left out`);
  return chosen.filter(({ name }) =>
    !name.startsWith("pytorch") || (name === "pytorch-cuda" ? torch.cuda : torch.cpu)
  );
}

/** Replaces the progress line; says nothing where stderr is no terminal. */
function showProgress(text: string): void {
  if (Deno.stderr.isTerminal()) Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${text}`));
}

/** A peer that took longer than this on a workload is not measured in further rounds. */
const SLOW_MILLISECONDS = 45_000;

/** One workload: rounds of all peers in turn. A peer that fails is reported and left out. */
async function runWorkload(
  workload: Workload,
  peers: readonly PeerProcess[],
  rounds: number,
  folder: string,
): Promise<{ measurements: Measurement[]; failures: string[] }> {
  const measurements: Measurement[] = [];
  const failures = new Map<string, string>();
  const slow = new Set<string>();
  for (let round = 0; round < rounds; round++) {
    for (const peer of peers) {
      if (failures.has(peer.name) || slow.has(peer.name)) continue;
      showProgress(`${workload.name} ${round + 1}/${rounds} ${peer.name}`);
      const start = performance.now();
      try {
        measurements.push(await measure(peer, workload, folder));
        if (performance.now() - start > SLOW_MILLISECONDS) slow.add(peer.name);
      } catch (error) {
        failures.set(peer.name, (error as Error).message);
      }
    }
  }
  showProgress("");
  const kept = measurements.filter((one) => !failures.has(one.peer));
  return { measurements: kept, failures: [...failures.values()] };
}

/** Measures everything; resolves to the rows and to what failed. */
async function runAll(options: Options, peers: PeerProcess[], folder: string) {
  const [rows, failures, leftOut]: [Row[], string[], LeftOut[]] = [[], [], []];
  for (const workload of options.workloads) {
    const notes = peers.flatMap(({ name: peer, leavesOut }) => {
      const reason = leavesOut?.(workload);
      return reason ? [{ network: workload.name, peer, reason }] : [];
    });
    leftOut.push(...notes);
    const taking = peers.filter(({ leavesOut }) => !leavesOut?.(workload));
    const result = await runWorkload(workload, taking, options.rounds, folder);
    failures.push(...result.failures);
    result.failures.forEach((failure) => console.error(failure));
    if (result.measurements.length === 0) continue;
    const compared = options.compare ?? result.measurements[0].peer;
    const newRows = makeRows(workload, result.measurements, compared);
    console.error(formatRows(newRows, compared, notes) + "\n");
    rows.push(...newRows);
  }
  return { rows, failures, leftOut };
}

/** Whole processes, if they are asked for and one of them is among the peers. */
async function runProcesses({ wholeProcess, peers, rounds, python }: Options) {
  const names = ["millrace", "pytorch"];
  const chosen = names.filter((name) => peers?.some((peer) => peer.startsWith(name)) ?? true);
  if (!wholeProcess || chosen.length === 0) return { rows: [], failures: [] };
  const only = chosen.length === 1 ? chosen[0] : undefined;
  const result = await timePrograms({ rounds, epochs: 5, only, python });
  result.failures.forEach((failure) => console.error(failure));
  return result;
}

async function main(): Promise<number> {
  let options: Options | null, peers: PeerProcess[];
  const adapter = await findAdapter();
  try {
    options = readOptions(Deno.args);
    if (options === null) return 0;
    peers = await availablePeers(options, adapter);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${HELP}`);
    return 2;
  }
  const folder = await prepareData(options.workloads);
  try {
    const { rows, failures, leftOut } = await runAll(options, peers, folder);
    const processes = await runProcesses(options);
    failures.push(...processes.failures);
    const text = JSON.stringify({
      machine: machine(adapter),
      rounds: options.rounds,
      rows,
      leftOut,
      processes: processes.rows,
      failures,
    });
    if (options.json === undefined) console.log(text);
    else await Deno.writeTextFile(options.json, text + "\n");
    return failures.length > 0 || rows.some((row) => row.complaint !== null) ? 1 : 0;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main) process.exit(await main());
