import type { DType, TensorData } from "./dtype.ts";
import type { Ceilings, StepProfile } from "./profile.ts";
import type { Program } from "./program.ts";
import type { Tensor } from "./tensor.ts";

/** Where plans run. */
export type DeviceType = "reference" | "cpu" | "webgpu";

/** Memory on a device that outlives a step: a weight, a data set, an order of rows. */
export interface Storage {
  /** Element type. */
  readonly dtype: DType;
  /** Number of elements. */
  readonly elements: number;
  /** Writes `data` from element `offset`; steps already run see the old values, later ones the new. */
  write(data: TensorData, offset?: number): void;
  /** The elements as they are after all steps run so far; at once where the device need not wait. */
  read(): TensorData | Promise<TensorData>;
  /** Takes over the elements of another storage of the same device, type and size. */
  copyFrom(source: Storage): void;
  /** Frees the memory; a second call does nothing. */
  dispose(): void;
}

/** A program made ready for a device. Nothing is allocated or compiled after it exists. */
export interface Executable {
  /** Scalars to give to {@link Executable.run}, in this order. */
  readonly scalars: readonly Tensor[];
  /**
   * Runs one step with the values of {@link Executable.scalars}.
   *
   * @returns Nothing when the step is done, or a promise of when it will be.
   */
  run(scalars: ArrayLike<number>): Promise<void> | undefined;
  /**
   * Runs one step as {@link Executable.run} does, to the same bits, and times each of its kernels.
   * What that needs is made at the first call, and nothing of it touches later steps.
   *
   * @returns Where the time went, or a promise of it, once the step is done.
   */
  profile(scalars: ArrayLike<number>): StepProfile | Promise<StepProfile>;
  /**
   * The recorded outputs of all steps since the last call, a row a step: the elements of all
   * recorded outputs, one output behind the other.
   * On a GPU this is the only wait; elsewhere they are given at once.
   */
  drain(): Float64Array | Promise<Float64Array>;
  /** One of the program's outputs after the last step, contiguous. */
  read(output: number): TensorData | Promise<TensorData>;
  /** Frees the memory; a second call does nothing, use after it throws. */
  dispose(): void;
}

/** Options of {@link Device.prepare}. */
export interface PrepareOptions {
  /** The program's first so many outputs, of any shape, are recorded at every step; default 0. */
  readonly recorded?: number;
}

/** An executor: the float64 reference, the CPU or a GPU; `using` disposes of one at the end of a block. */
export interface Device extends Disposable {
  /** Which executor it is. */
  readonly type: DeviceType;
  /** Name of the hardware. */
  readonly name: string;
  /** Threads that compute; 1 where that says nothing. */
  readonly threads: number;
  /** Why it was taken, where nobody named it; known once {@link Device.decided} has settled. */
  readonly reason?: string;
  /** Settles when it is known where steps run; absent where it always is. */
  readonly decided?: Promise<void>;
  /** Steps that may be under way at once; fewer until it is known where they run. */
  readonly stepsInFlight: number;
  /** Zeroed memory for `elements` elements; `name` is for messages. */
  allocate(dtype: DType, elements: number, name: string): Storage;
  /** Makes `program` ready; `bind` gives the memory of its inputs and states. */
  prepare(
    program: Program,
    bind: (leaf: Tensor) => Storage,
    options?: PrepareOptions,
  ): Executable;
  /** Measures, in tens of milliseconds, the most that the device can do; steps should not run. */
  measureCeilings(): Promise<Ceilings>;
  /** Settles when all steps run so far are done and nothing is under way. */
  idle(): Promise<void>;
  /** Frees everything; a second call does nothing, programs that run after it throw. */
  dispose(): void;
}
