import type { TensorData } from "../core/graph/dtype.ts";
import type { Faults } from "./faults.ts";
import type { GpuClock } from "./gpu_clock.ts";
import type { Resources } from "./resources.ts";
import type { Staging } from "./staging.ts";
import type { StepQueue } from "./step_queue.ts";

/** What memory and programs need of the device that they belong to. */
export interface GpuContext {
  /** WebGPU's device and its objects. */
  readonly resources: Resources;
  /** What went wrong. */
  readonly faults: Faults;
  /** Steps that wait for a submit. */
  readonly queue: StepQueue;
  /** Buffers through which the host reads. */
  readonly staging: Staging;
  /** Times kernels. */
  readonly clock: GpuClock;
  /** Copies `target.byteLength` bytes of `buffer` from byte `start` into `target`. */
  readBuffer(buffer: GPUBuffer, start: number, target: TensorData): Promise<void>;
  /** Copies all of one buffer to another of the same size, after the steps queued so far. */
  copyBuffer(source: GPUBuffer, target: GPUBuffer): void;
  /** Replaces the bits of `mask` in a word of a buffer, after the steps queued so far. */
  patchWord(buffer: GPUBuffer, word: number, mask: number, value: number): void;
  /** Takes `owned` out of what the device frees at its disposal. */
  forget(owned: { dispose(): void }): void;
}
