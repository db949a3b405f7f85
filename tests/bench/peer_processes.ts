/** Which peers there are, and how each is started in a process of its own. */

import { fileURLToPath } from "node:url";
import type { Measurement } from "./peer.ts";
import { isConvolutional, type Workload } from "./workloads.ts";

/** A peer that can be started. */
export interface PeerProcess {
  /** Name in tables and after `--peer`. */
  readonly name: string;
  readonly threads: number;
  /** Command and arguments; the workload's arguments are appended. */
  readonly command: readonly string[];
  readonly environment?: Record<string, string>;
  /** Why it is not given a workload, unless it is named in full; by default it is given all. */
  readonly leavesOut?: (workload: Workload) => string | null;
}

/** What WebGPU computes on. */
export interface Adapter {
  readonly name: string;
  /** True when it computes on the CPU. */
  readonly software: boolean;
}

/** The adapter that every peer on WebGPU gets; null where there is none. */
export async function findAdapter(): Promise<Adapter | null> {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) return null;
  const { description, vendor, isFallbackAdapter } = adapter.info;
  return { name: description || vendor || "GPU", software: isFallbackAdapter };
}

/** The Python that Debian's python3-torch serves; `--python` names another. */
export const DEFAULT_PYTHON = "/usr/bin/python3";

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

function deno(configuration: string, script: string, ...more: string[]): string[] {
  return [
    Deno.execPath(),
    "run",
    "-A",
    "-q",
    "--config",
    here(configuration),
    here(script),
    ...more,
  ];
}

function pytorch(python: string, threads: number): PeerProcess {
  const count = String(threads);
  return {
    name: `pytorch-${threads}`,
    threads,
    command: [python, "-B", here("peers/pytorch.py")],
    environment: { OMP_NUM_THREADS: count, OPENBLAS_NUM_THREADS: count },
  };
}

/** PyTorch on an NVIDIA GPU. */
function pytorchCuda(python: string): PeerProcess {
  const command = [python, "-B", here("peers/pytorch.py"), "--device", "cuda"];
  return { name: "pytorch-cuda", threads: 1, command };
}

/** Millrace, jax-js and TensorFlow.js on WebGPU; a software adapter is given the small network. */
function webGpuPeers({ software }: Adapter): PeerProcess[] {
  const leavesOut = ({ name }: Workload) =>
    software && name !== "small" ? "a software adapter is given the small network alone" : null;
  const commands = {
    "millrace-webgpu": deno("../../deno.json", "millrace.ts", "--device", "webgpu"),
    "jax-js-webgpu": deno("peers/deno.json", "peers/jax_js.ts", "--backend", "webgpu"),
    "tfjs-webgpu": deno("peers/deno.json", "peers/tensorflow_js.ts", "--backend", "webgpu"),
  };
  return Object.entries(commands).map(([name, command]) => ({
    name,
    threads: 1,
    command,
    leavesOut,
  }));
}

/** Every peer; `millrace` first, since the ratios are against it. */
export function peerProcesses(python = DEFAULT_PYTHON, adapter: Adapter | null = null) {
  const cores = navigator.hardwareConcurrency;
  const tensorflow = (backend: string) =>
    deno("peers/deno.json", "peers/tensorflow_js.ts", "--backend", backend);
  const several = cores > 1;
  const peers: PeerProcess[] = [
    { name: "millrace-1", threads: 1, command: deno("../../deno.json", "millrace.ts") },
    ...(several
      ? [{ name: "millrace-2", threads: 2, command: deno("../../deno.json", "millrace.ts") }]
      : []),
    pytorch(python, 1),
    ...(several ? [pytorch(python, 2)] : []),
    pytorchCuda(python),
    { name: "jax-js", threads: cores, command: deno("peers/deno.json", "peers/jax_js.ts") },
    {
      name: "tfjs-wasm",
      threads: 1,
      command: tensorflow("wasm"),
      leavesOut: (workload) =>
        isConvolutional(workload) ? "it has no kernel for the gradient of a convolution" : null,
    },
    {
      name: "tfjs-cpu",
      threads: 1,
      command: tensorflow("cpu"),
      leavesOut: (workload) => {
        if (workload.kind === "matmul") return "a product of 1,024 takes seconds";
        return isConvolutional(workload) ? "a step takes a minute or more" : null;
      },
    },
    ...(adapter ? webGpuPeers(adapter) : []),
  ];
  return peers;
}

/** Runs a command to its end. */
async function output(command: readonly string[], environment?: Record<string, string>) {
  const [program, ...args] = command;
  const process = new Deno.Command(program, { args, env: environment, stderr: "piped" });
  const { code, stdout, stderr } = await process.output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Tells whether a Python can import torch, and whether that finds a GPU. */
export async function findTorch(python: string): Promise<{ cpu: boolean; cuda: boolean }> {
  try {
    const asked = "import torch; print(torch.cuda.is_available())";
    const { code, stdout } = await output([python, "-c", asked]);
    return { cpu: code === 0, cuda: stdout.trim() === "True" };
  } catch {
    return { cpu: false, cuda: false }; // no such program
  }
}

/**
 * Measures a workload with a peer in a new process.
 *
 * @throws {Error} If the process fails or prints no measurement; the message ends in its stderr.
 */
export async function measure(
  peer: PeerProcess,
  workload: Workload,
  folder: string,
): Promise<Measurement> {
  const command = [
    ...peer.command,
    ...["--workload", JSON.stringify(workload), "--data", folder],
    ...["--threads", String(peer.threads), "--started", String(Date.now())],
  ];
  const { code, stdout, stderr } = await output(command, peer.environment);
  const line = stdout.split("\n").findLast((text) => text.startsWith("{"));
  if (code !== 0 || !line) {
    throw new Error(`${peer.name} failed on ${workload.name}: ${stderr.trim().slice(-600)}`);
  }
  return { ...JSON.parse(line), peer: peer.name };
}
