import type { DType, TensorData } from "../core/graph/dtype.ts";
import type { PrepareOptions, Storage } from "../core/graph/device.ts";
import { KernelError, ShapeError } from "../core/graph/errors.ts";
import { planProgram } from "../core/graph/plan.ts";
import type { Ceilings } from "../core/graph/profile.ts";
import type { Program } from "../core/graph/program.ts";
import type { Tensor } from "../core/graph/tensor.ts";
import { measuredTiles } from "./measure_tiles.ts";
import { openAdapter, type OpenedAdapter } from "./adapter.ts";
import { measureGpu } from "./ceilings.ts";
import { compilePlan } from "./compile.ts";
import type { DTypePolicy, WebGpuDevice, WebGpuOptions } from "./web_gpu.ts";
import type { GpuContext } from "./context.ts";
import { GpuClock } from "./gpu_clock.ts";
import { GpuExecutable } from "./executable.ts";
import type { Faults } from "./faults.ts";
import { Resources } from "./resources.ts";
import type { GpuStatistics } from "./statistics.ts";
import { Staging } from "./staging.ts";
import { StepQueue, stepsPerSubmit } from "./step_queue.ts";
import { GpuStorage } from "./storage.ts";
import type { Tuning } from "./tuning.ts";
import { WordPatch } from "./word_patch.ts";

/** An executor on WebGPU. */
export class GpuDevice implements WebGpuDevice, GpuContext {
  /** Which executor it is. */
  readonly type = "webgpu";
  /** Name of the hardware. */
  readonly name: string;
  /** A GPU's threads say nothing. */
  readonly threads = 1;
  /** Four submits: WebGPU tells only some 10 ms later that one is done. */
  readonly stepsInFlight: number = 4 * stepsPerSubmit;
  /** What kernels are shaped by. */
  tuning: Tuning;
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
  readonly #owned = new Set<{ dispose(): void }>();
  readonly #patch: WordPatch;
  #disposed = false;
  #freed: Promise<void> = Promise.resolve();
  /** Submits that are known to be done. */
  #submitsDone = 0;

  /** @param opened An open adapter. */
  constructor({ device, faults, name, tuning }: OpenedAdapter) {
    this.name = name;
    this.tuning = tuning;
    this.faults = faults;
    this.resources = new Resources(device, faults, tuning);
    this.staging = new Staging(this.resources, faults);
    this.queue = new StepQueue(this.resources, faults);
    this.clock = new GpuClock(this.resources, this.staging, faults, tuning.timestamps);
    this.#patch = new WordPatch(this.resources);
  }

  /** Objects made and work given so far. */
  get statistics(): GpuStatistics {
    return this.resources.statistics;
  }

  /** True once the device was disposed of. */
  get disposed(): boolean {
    return this.#disposed;
  }

  /** See {@link Device.allocate}. */
  allocate(dtype: DType, elements: number, name: string): GpuStorage {
    this.faults.check();
    const storage = new GpuStorage(this, dtype, elements, name);
    this.#owned.add(storage);
    return storage;
  }

  /** See {@link Device.prepare}. */
  prepare(
    program: Program,
    bind: (leaf: Tensor) => Storage,
    { recorded = 0 }: PrepareOptions = {},
  ): GpuExecutable {
    this.faults.check();
    if (recorded > program.outputs.length) {
      throw new ShapeError(
        `Cannot record ${recorded} outputs as the program has ${program.outputs.length}`,
      );
    }
    const compiled = compilePlan(planProgram(program), recorded, this.tuning);
    const executable = new GpuExecutable(this, compiled, bind, recorded);
    this.#owned.add(executable);
    return executable;
  }

  /** Copies `target.byteLength` bytes of `buffer` from byte `start` into `target`. */
  async readBuffer(buffer: GPUBuffer, start: number, target: TensorData): Promise<void> {
    // Copies begin and end at whole words.
    const first = Math.floor(start / 4) * 4;
    const bytes = Math.ceil((start + target.byteLength) / 4) * 4 - first;
    const staging = this.staging.take(bytes);
    this.#copy(buffer, first, staging, bytes);
    await this.staging.read(staging, bytes, (data) => {
      const source = new Uint8Array(data, start - first, target.byteLength);
      new Uint8Array(target.buffer, target.byteOffset, target.byteLength).set(source);
    });
  }

  /** Copies all of one buffer to another of the same size, after the steps queued so far. */
  copyBuffer(source: GPUBuffer, target: GPUBuffer): void {
    this.#copy(source, 0, target, source.size);
  }

  /** Replaces the bits of `mask` in a word of a buffer, after the steps queued so far. */
  patchWord(buffer: GPUBuffer, word: number, mask: number, value: number): void {
    this.queue.flush();
    this.#patch.apply(buffer, word, mask, value);
  }

  /** See {@link Device.measureCeilings}. */
  async measureCeilings(): Promise<Ceilings> {
    this.faults.check();
    await this.idle();
    const ceilings = await measureGpu(this.resources, this.clock);
    await this.faults.settled();
    return ceilings;
  }

  /**
   * Waits until everything given to the GPU is done, and throws what went wrong; after the
   * disposal, waits until all memory is free.
   */
  async idle(): Promise<void> {
    if (this.#disposed) {
      await Promise.all([this.#freed, this.queue.idle()]);
      return;
    }
    this.queue.flush();
    const { submits } = this.resources.statistics;
    await this.resources.device.queue.onSubmittedWorkDone();
    await this.queue.idle();
    await this.faults.settled();
    this.#submitsDone = submits;
  }

  /** Takes `owned` out of what {@link GpuDevice.dispose} frees. */
  forget(owned: { dispose(): void }): void {
    this.#owned.delete(owned);
  }

  /** See {@link Device.dispose}. Memory is destroyed once the GPU has done what it was given. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.faults.dispose();
    const { device, statistics } = this.resources;
    if (statistics.submits === this.#submitsDone) this.#free();
    else {
      const done = device.queue.onSubmittedWorkDone().catch(() => {});
      this.#freed = done.then(() => this.#free());
    }
  }

  #free(): void {
    for (const owned of [...this.#owned]) owned.dispose();
    this.staging.dispose();
    this.#patch.dispose();
    this.clock.dispose();
    this.resources.device.destroy();
  }

  /** Disposes of the device at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #copy(source: GPUBuffer, start: number, target: GPUBuffer, bytes: number): void {
    this.queue.flush();
    const { device, statistics } = this.resources;
    this.faults.watch(() => {
      const encoder = device.createCommandEncoder();
      encoder.copyBufferToBuffer(source, start, target, 0, bytes);
      device.queue.submit([encoder.finish()]);
      statistics.submits++;
    }, (message) => new KernelError(`Cannot copy on the GPU: ${message}`));
  }
}

/** As {@link openWebGpu}, with all that the executor's own parts and tests need. */
export async function openGpuDevice(options: WebGpuOptions = {}): Promise<GpuDevice | null> {
  const half = storesHalf(options.dtypePolicy);
  const opened = await openAdapter(options.allowSoftware ?? false);
  if (!opened) return null;
  if (half && !opened.device.features.has("shader-f16")) {
    opened.device.destroy();
    throw new KernelError(
      `Cannot store float16 on "${opened.name}" as it lacks the feature shader-f16: leave out ` +
        'dtypePolicy "mixed_float16", or use an adapter of Vulkan, Metal or Direct3D 12',
    );
  }
  const tuning = { ...opened.tuning, half, ...options.tuning };
  const device = new GpuDevice({ ...opened, tuning });
  const measure = options.measureTiles ?? !opened.tuning.software;
  if (!measure || options.tuning?.tiles) return device;
  try {
    device.tuning = { ...device.tuning, tiles: await measuredTiles(device) };
    return device;
  } catch (error) {
    device.dispose();
    throw error;
  }
}

function storesHalf(policy: DTypePolicy = "float32"): boolean {
  if (policy === "float32" || policy === "mixed_float16") return policy === "mixed_float16";
  throw new TypeError(
    `Cannot open WebGPU with the dtypePolicy "${policy}": expected float32 or mixed_float16`,
  );
}
