import type { DType } from "../graph/dtype.ts";
import type { Device, Executable, PrepareOptions, Storage } from "../graph/device.ts";
import { planProgram } from "../graph/plan.ts";
import type { Ceilings } from "../graph/profile.ts";
import type { Program } from "../graph/program.ts";
import type { Tensor } from "../graph/tensor.ts";
import { measureCpu } from "./ceilings.ts";
import { CpuExecutable } from "./executable.ts";
import { maximumThreads } from "./kernels/load.ts";
import { SharedMemory } from "./memory.ts";
import { CpuStorage } from "./storage.ts";
import { ThreadPool } from "./thread_pool.ts";

/** Options of {@link openCpu}. */
export interface CpuOptions {
  /** Threads that compute, from 1 to 32; by default one for each processor. */
  readonly threads?: number;
  /** Why the CPU is taken, for whoever asks the device; by default nothing is said. */
  readonly reason?: string;
  /**
   * Steps that will be run, if that is known: for a single one no other threads are started, which
   * would take some 20 ms.
   */
  readonly steps?: number;
}

/**
 * Opens the CPU: WebAssembly with SIMD, on threads that share memory. The same program gives the
 * same bits on any number of threads; one that the system holds up leaves its work to the others.
 *
 * @throws {RangeError} when `threads` is not a whole number from 1 to 32.
 */
export function openCpu(options: CpuOptions = {}): Device {
  const threads = options.threads ?? Math.min(navigator.hardwareConcurrency, maximumThreads);
  if (!Number.isInteger(threads) || threads < 1 || threads > maximumThreads) {
    throw new RangeError(
      `Cannot open the CPU with ${threads} threads: expected a whole number from 1 to ` +
        `${maximumThreads}`,
    );
  }
  return new CpuDevice(threads, options);
}

class CpuDevice implements Device {
  readonly type = "cpu";
  readonly name = `WebAssembly SIMD, ${Deno.build.arch}`;
  readonly stepsInFlight = 1;
  readonly reason?: string;
  readonly #memory = new SharedMemory();
  readonly #pool: ThreadPool;

  constructor(readonly threads: number, { reason, steps }: CpuOptions) {
    this.reason = reason;
    this.#pool = new ThreadPool(this.#memory, threads, steps !== 1);
  }

  allocate(dtype: DType, elements: number, name: string): Storage {
    return new CpuStorage(this.#memory, dtype, elements, name);
  }

  prepare(
    program: Program,
    bind: (leaf: Tensor) => Storage,
    options: PrepareOptions = {},
  ): Executable {
    const plan = planProgram(program, { overwrite: true, splitFolds: true });
    return new CpuExecutable(plan, this.#memory, this.#pool, bind, options.recorded ?? 0);
  }

  measureCeilings(): Promise<Ceilings> {
    return measureCpu(this.threads);
  }

  idle(): Promise<void> {
    return Promise.resolve();
  }

  dispose(): void {
    this.#pool.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
