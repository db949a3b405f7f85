import type { Device, DeviceType, Executable, PrepareOptions, Storage } from "../graph/device.ts";
import type { DType } from "../graph/dtype.ts";
import type { Ceilings, StepProfile } from "../graph/profile.ts";
import type { Program } from "../graph/program.ts";
import type { Tensor } from "../graph/tensor.ts";
import { MovableExecutable, MovableStorage, type Mover } from "./movable.ts";
import { timeSteps } from "./time_steps.ts";

/** Milliseconds of all steps on the CPU for which no GPU is looked for: one compiles for up to a second. */
const short = 3000;

/** Fewer steps than these are run before the CPU could be timed. */
const few = 5;

/** Options of {@link FasterDevice}. */
export interface FasterOptions {
  /** Steps that will be run in all, if that is known: a few are not worth a measurement. */
  readonly steps?: number;
  /** Milliseconds that a step takes on a device; by default they are measured. */
  readonly time?: typeof timeSteps;
}

/**
 * A CPU and a GPU behind one device: the first step is timed on both, and the faster one keeps the
 * run. Until then everything is on the CPU, and steps wait for the choice; from then on each call
 * goes straight to the device that was chosen, so results are those of that device alone. The GPU
 * is opened once the CPU is known to take a while.
 */
export class FasterDevice implements Device, Mover {
  /** Settles when the choice is made, or never will be. */
  readonly decided: Promise<void>;
  /** Why the device was chosen, once it is. */
  reason: string | undefined;
  #chosen: Device;
  readonly #storages = new Set<MovableStorage>();
  readonly #executables = new Set<MovableExecutable>();
  readonly #decision = Promise.withResolvers<void>();
  #choosing = false;
  #disposed = false;
  #gpu: Device | null = null;

  /** Takes over an open CPU, and what `openGpu` opens: `null` says that there is no GPU. */
  constructor(
    private readonly cpu: Device,
    private readonly openGpu: () => Promise<Device | null>,
    private readonly options: FasterOptions = {},
  ) {
    this.#chosen = cpu;
    this.decided = this.#decision.promise;
  }

  get type(): DeviceType {
    return this.#chosen.type;
  }

  get name(): string {
    return this.#chosen.name;
  }

  get threads(): number {
    return this.#chosen.threads;
  }

  get stepsInFlight(): number {
    return this.#chosen.stepsInFlight;
  }

  allocate(dtype: DType, elements: number, name: string): Storage {
    const storage = new MovableStorage(this, this.#chosen, dtype, elements, name);
    this.#storages.add(storage);
    return storage;
  }

  prepare(program: Program, bind: (leaf: Tensor) => Storage, options?: PrepareOptions): Executable {
    const movable = (leaf: Tensor) => bind(leaf) as MovableStorage;
    const executable = new MovableExecutable(this, this.#chosen, program, movable, options);
    this.#executables.add(executable);
    return executable;
  }

  async measureCeilings(): Promise<Ceilings> {
    if (this.#choosing) await this.decided;
    return await this.#chosen.measureCeilings();
  }

  async idle(): Promise<void> {
    if (this.#choosing) await this.decided;
    await Promise.all([this.cpu.idle(), this.#gpu?.idle()]);
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    if (!this.#choosing) this.#decision.resolve();
    void this.after(() => {
      this.cpu.dispose();
      this.#gpu?.dispose();
    });
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  get choosing(): boolean {
    return this.#choosing;
  }

  after<Result>(action: () => Result | Promise<Result>): Result | Promise<Result> {
    return this.#choosing ? this.decided.then(action) : action();
  }

  run(executable: MovableExecutable, scalars: ArrayLike<number>): Promise<void> | undefined {
    if (this.reason !== undefined && !this.#choosing) return executable.inner.run(scalars);
    const kept = Float64Array.from(scalars);
    if (!this.#choosing) void this.#choose(executable, kept);
    return this.decided.then(() => executable.inner.run(kept));
  }

  profile(
    executable: MovableExecutable,
    scalars: ArrayLike<number>,
  ): StepProfile | Promise<StepProfile> {
    if (this.reason !== undefined && !this.#choosing) return executable.inner.profile(scalars);
    const kept = Float64Array.from(scalars);
    if (!this.#choosing) void this.#choose(executable, kept);
    return this.decided.then(() => executable.inner.profile(kept));
  }

  forget(owned: MovableStorage | MovableExecutable): void {
    if (owned instanceof MovableStorage) this.#storages.delete(owned);
    else this.#executables.delete(owned);
  }

  async #choose(executable: MovableExecutable, scalars: Float64Array): Promise<void> {
    this.#choosing = true;
    let reason: string;
    try {
      reason = await this.#compare(executable, scalars);
    } catch (error) {
      // What is wrong with the step itself is said again, and thrown, when it runs on the CPU.
      reason = `${this.#gpu?.type ?? "the GPU"} failed: ${(error as Error).message}`;
    }
    this.reason = reason;
    // Its storages and programs go with it.
    (this.#chosen === this.cpu ? this.#gpu : this.cpu)?.dispose();
    this.#decision.resolve();
    // Who waits goes first: the step that is still to be run comes before what is read of it.
    await this.decided;
    this.#choosing = false;
  }

  /** Times both devices, and moves to the GPU if it is faster; resolves to the reason. */
  async #compare(executable: MovableExecutable, scalars: Float64Array): Promise<string> {
    const { steps = Infinity, time = timeSteps } = this.options;
    if (steps < few) return `${steps} steps are too few to measure`;
    const onCpu = await this.#timeCpu(executable, scalars, time, short / steps);
    if (steps * onCpu < short) {
      return `all ${steps} steps take at most ${milliseconds(steps * onCpu)} on the cpu`;
    }
    const gpu = this.#gpu = await this.openGpu();
    if (!gpu) return "no hardware GPU";
    // How long a GPU takes does not depend on the numbers: zeros will do.
    const memory = new Map([...this.#storages].map((storage) => [storage, storage.on(gpu)]));
    const program = executable.on(gpu, (storage) => memory.get(storage)!);
    const onGpu = await time(program, scalars, gpu);
    await program.drain();
    if (onGpu < onCpu) await this.#move(gpu, memory, new Map([[executable, program]]));
    return `a step takes ${milliseconds(onCpu)} on the cpu and ${
      milliseconds(onGpu)
    } on ${gpu.type}`;
  }

  /** Times steps on the CPU; the states are as before afterwards. */
  async #timeCpu(
    executable: MovableExecutable,
    scalars: Float64Array,
    time: typeof timeSteps,
    little: number,
  ): Promise<number> {
    const kept = executable.states.map((storage) => {
      const copy = storage.on(this.cpu);
      copy.copyFrom(storage.inner);
      return { storage, copy };
    });
    try {
      return await time(executable.inner, scalars, this.cpu, little);
    } finally {
      await executable.inner.drain();
      for (const { storage, copy } of kept) {
        storage.inner.copyFrom(copy);
        copy.dispose();
      }
    }
  }

  /** Brings everything to the GPU, given its memory there and the programs that are there. */
  async #move(
    gpu: Device,
    memory: ReadonlyMap<MovableStorage, Storage>,
    programs: Map<MovableExecutable, Executable>,
  ): Promise<void> {
    for (const [storage, target] of memory) target.write(await storage.inner.read());
    for (const executable of this.#executables) {
      if (programs.has(executable)) continue;
      programs.set(executable, executable.on(gpu, (storage) => memory.get(storage)!));
    }
    // Whatever the GPU refuses is known now, while the CPU still has everything.
    await gpu.idle();
    // What was allocated while this waited is still zero: writing waits for the choice.
    for (const storage of this.#storages) {
      storage.inner = memory.get(storage) ?? storage.on(gpu);
    }
    for (const executable of this.#executables) {
      executable.inner = programs.get(executable) ??
        executable.on(gpu, ({ inner }) => inner);
    }
    this.#chosen = gpu;
  }
}

/** Two digits and the unit: `0.07 ms`. */
function milliseconds(value: number): string {
  return `${Number(value.toPrecision(2))} ms`;
}
