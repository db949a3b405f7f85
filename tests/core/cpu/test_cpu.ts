import { measureCpu } from "../../../core/cpu/ceilings.ts";
import { CpuExecutable } from "../../../core/cpu/executable.ts";
import { controlWords } from "../../../core/cpu/kernels/load.ts";
import { SharedMemory } from "../../../core/cpu/memory.ts";
import { CpuStorage } from "../../../core/cpu/storage.ts";
import { ThreadPool } from "../../../core/cpu/thread_pool.ts";
import type { Device, Executable, PrepareOptions, Storage } from "../../../core/graph/device.ts";
import type { DType } from "../../../core/graph/dtype.ts";
import { type Plan, planProgram } from "../../../core/graph/plan.ts";
import type { Ceilings } from "../../../core/graph/profile.ts";
import type { Program } from "../../../core/graph/program.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import { control } from "./kernel_world.ts";

/** The CPU device with its insides open: memory, plans, modules, and a wait for its threads. */
export class TestCpu implements Device {
  readonly type = "cpu";
  readonly name = "the CPU under test";
  readonly stepsInFlight = 1;
  readonly memory = new SharedMemory();
  readonly plans: Plan[] = [];
  readonly programs: Program[] = [];
  /** Whether long folds are cut in parts, as the device's are. */
  splitFolds = false;
  /** Modules of loops compiled so far. */
  modules = 0;
  /** Plans that all threads walked together. */
  together = 0;
  /** Where the bounds of fixed shares are moved to before each run, in parts of 65,536. */
  moved: (() => readonly number[]) | undefined;
  readonly #pool: ThreadPool;

  constructor(readonly threads: number) {
    this.#pool = new ThreadPool(this.memory, threads);
    const load = this.#pool.load.bind(this.#pool);
    this.#pool.load = (bytes, keys) => {
      this.modules++;
      load(bytes, keys);
    };
    const run = this.#pool.run.bind(this.#pool);
    // The device leaves small plans to one thread; here they are what tests are made of.
    this.#pool.run = (address) => {
      if (this.#readyThreads() === threads) this.together++;
      if (this.moved) {
        const words = new Int32Array(this.memory.memory.buffer, control);
        words.set(this.moved(), controlWords.shifts + 1);
      }
      return run(address, threads);
    };
  }

  allocate(dtype: DType, elements: number, name: string): Storage {
    return new CpuStorage(this.memory, dtype, elements, name);
  }

  prepare(
    program: Program,
    bind: (leaf: Tensor) => Storage,
    { recorded = 0 }: PrepareOptions = {},
  ): Executable {
    const plan = planProgram(program, { splitFolds: this.splitFolds });
    this.programs.push(program);
    this.plans.push(plan);
    return new CpuExecutable(plan, this.memory, this.#pool, bind, recorded);
  }

  /** Settles when every thread takes part: until then the others do its share. */
  async ready(): Promise<void> {
    const until = performance.now() + 20_000;
    while (this.#readyThreads() < this.threads) {
      if (performance.now() > until) throw new Error("The workers did not come");
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  #readyThreads(): number {
    return this.threads > 1 ? this.#pool.kernels.readyThreads(control, this.threads) : 1;
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
