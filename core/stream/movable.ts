import type { Device, Executable, PrepareOptions, Storage } from "../graph/device.ts";
import type { DType, TensorData } from "../graph/dtype.ts";
import type { StepProfile } from "../graph/profile.ts";
import type { Program } from "../graph/program.ts";
import type { Tensor } from "../graph/tensor.ts";

/** Whose storages and executables may move from one device to another. */
export interface Mover {
  /** True while it is being chosen where to go: nothing may be touched. */
  readonly choosing: boolean;
  /** Does something once no choice is under way: at once if none is. */
  after<Result>(action: () => Result | Promise<Result>): Result | Promise<Result>;
  /** Runs a step of an executable; the first one brings the choice about. */
  run(executable: MovableExecutable, scalars: ArrayLike<number>): Promise<void> | undefined;
  /** As {@link Mover.run}, timing the kernels of the step. */
  profile(
    executable: MovableExecutable,
    scalars: ArrayLike<number>,
  ): StepProfile | Promise<StepProfile>;
  /** Takes note that something was disposed of. */
  forget(owned: MovableStorage | MovableExecutable): void;
}

/** Memory that may move. */
export class MovableStorage implements Storage {
  /** The memory on the present device. */
  inner: Storage;

  /** Zeros on `device`. */
  constructor(
    private readonly mover: Mover,
    device: Device,
    readonly dtype: DType,
    readonly elements: number,
    private readonly name: string,
  ) {
    this.inner = this.on(device);
  }

  /** As much memory, zeroed, on a device. */
  on(device: Device): Storage {
    return device.allocate(this.dtype, this.elements, this.name);
  }

  write(data: TensorData, offset?: number): void {
    // Whoever gives the data may change them before a choice is made.
    const kept = this.mover.choosing ? data.slice() : data;
    void this.mover.after(() => this.inner.write(kept, offset));
  }

  read(): TensorData | Promise<TensorData> {
    return this.mover.after(() => this.inner.read());
  }

  copyFrom(source: Storage): void {
    void this.mover.after(() => this.inner.copyFrom((source as MovableStorage).inner));
  }

  dispose(): void {
    void this.mover.after(() => {
      this.inner.dispose();
      this.mover.forget(this);
    });
  }
}

/** A program that may move. */
export class MovableExecutable implements Executable {
  readonly scalars: readonly Tensor[];
  /** The program on the present device. */
  inner: Executable;

  /** The program on `device`, with the storages' present memory. */
  constructor(
    private readonly mover: Mover,
    device: Device,
    private readonly program: Program,
    private readonly bind: (leaf: Tensor) => MovableStorage,
    private readonly options?: PrepareOptions,
  ) {
    this.inner = this.on(device, ({ inner }) => inner);
    this.scalars = this.inner.scalars;
  }

  /** The program on a device, where `memory` tells what each storage is. */
  on(device: Device, memory: (storage: MovableStorage) => Storage): Executable {
    return device.prepare(this.program, (leaf) => memory(this.bind(leaf)), this.options);
  }

  /** What a step replaces. */
  get states(): MovableStorage[] {
    return this.program.assignments.map(({ state }) => this.bind(state));
  }

  run(scalars: ArrayLike<number>): Promise<void> | undefined {
    return this.mover.run(this, scalars);
  }

  profile(scalars: ArrayLike<number>): StepProfile | Promise<StepProfile> {
    return this.mover.profile(this, scalars);
  }

  drain(): Float64Array | Promise<Float64Array> {
    return this.mover.after(() => this.inner.drain());
  }

  read(output: number): TensorData | Promise<TensorData> {
    return this.mover.after(() => this.inner.read(output));
  }

  dispose(): void {
    void this.mover.after(() => {
      this.inner.dispose();
      this.mover.forget(this);
    });
  }
}
