import { allocateData, type TensorData } from "../core/graph/dtype.ts";
import type { Executable, Storage } from "../core/graph/device.ts";
import { DisposedError, DTypeError, ShapeError } from "../core/graph/errors.ts";
import { constantData } from "../core/graph/leaf.ts";
import type { StepProfile } from "../core/graph/profile.ts";
import { sizeOf } from "../core/graph/shape.ts";
import type { Tensor } from "../core/graph/tensor.ts";
import { bindDispatches, type BoundDispatch, makePlaces } from "./bindings.ts";
import { arenaMemory } from "./call.ts";
import type { CompiledPlan } from "./compile.ts";
import type { GpuContext } from "./context.ts";
import { Recorder } from "./recorder.ts";
import { memoryUsage } from "./resources.ts";
import { stepsPerSubmit } from "./step_queue.ts";
import { type ProfiledProgram, StepProfiler } from "./step_profiler.ts";
import { GpuStorage } from "./storage.ts";
import { uniformAlignment } from "./uniforms.ts";

/** A state and its copy. */
interface Mirror {
  readonly source: GPUBuffer;
  readonly copy: GPUBuffer;
}

/** A program on a GPU: its dispatches, memory and bindings, made once. */
export class GpuExecutable implements Executable, ProfiledProgram {
  /** Scalars of a step, in order. */
  readonly scalars: readonly Tensor[];
  readonly #storages: GpuStorage[] = [];
  /** What goes with the program. */
  readonly #owned = new DisposableStack();
  readonly #arenas: ReadonlyMap<number, GPUBuffer>;
  /** Copies of states that are made before each step. */
  readonly #mirrors: ReadonlyMap<number, Mirror>;
  readonly #dispatches: readonly BoundDispatch[];
  readonly #recorder: Recorder | null;
  readonly #scalarBuffer: GPUBuffer;
  readonly #scalarGroup: GPUBindGroup;
  /** Bytes from one step's scalar block to the next. */
  readonly #stride: number;
  readonly #words: Uint32Array<ArrayBuffer>;
  readonly #floats: Float32Array;
  readonly #offset = new Uint32Array(1);
  /** Slots taken since the last submit; older ones are free, as uploads keep the queue's order. */
  #slots = 0;
  #lastSlot = -1;
  #profiler: StepProfiler | undefined;
  #disposed = false;

  /** @param device Its device. @param compiled Its dispatches. @param bind Memory of leaves. @param recorded Outputs to record. */
  constructor(
    private readonly device: GpuContext,
    private readonly compiled: CompiledPlan,
    bind: (leaf: Tensor) => Storage,
    private readonly recorded: number,
  ) {
    this.scalars = compiled.scalars;
    try {
      const { resources } = device;
      const buffer = (name: string, bytes: number, usage: GPUBufferUsageFlags) => {
        const made = resources.buffer(name, bytes, usage);
        this.#owned.defer(() => made.destroy());
        return made;
      };
      const leaves = new Map(compiled.leaves.map((leaf) => [leaf, this.#storageOf(leaf, bind)]));
      this.#arenas = new Map(
        [...compiled.arenas].map(([arena, bytes]) => {
          resources.statistics.arenaBytes += bytes;
          return [arena, buffer("the arena of a program", bytes, memoryUsage())];
        }),
      );
      const packed = new Map(
        compiled.buffers.flatMap(({ packed: bytes, elements }, number) =>
          bytes ? [[number, buffer("a batch of bytes", elements, memoryUsage())] as const] : []
        ),
      );
      this.#mirrors = new Map(
        compiled.buffers.flatMap(({ mirrored }, number) => {
          if (mirrored === undefined) return [];
          const source = leaves.get(compiled.buffers[mirrored].leaf as Tensor)!.buffer;
          const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
          return [[number, { source, copy: buffer("a copy of a state", source.size, usage) }]];
        }),
      );
      const rows = compiled.outputs.slice(0, recorded);
      this.#recorder = recorded === 0 ? null : new Recorder(resources, device.staging, rows);
      this.#owned.defer(() => this.#recorder?.dispose());
      const places = makePlaces(compiled, resources);
      this.#owned.defer(() => places.destroy());
      this.#dispatches = bindDispatches(
        compiled,
        resources,
        {
          arenas: this.#arenas,
          own: new Map([
            ...packed,
            ...[...this.#mirrors].map(([number, { copy }]) => [number, copy] as const),
          ]),
          record: this.#recorder?.buffer ?? null,
          places,
        },
        (leaf) => leaves.get(leaf)!.buffer,
      );
      // One word more than the scalars: the row that the step records into.
      const blockBytes = Math.ceil((this.scalars.length + 1) / 4) * 16;
      this.#stride = Math.ceil(blockBytes / uniformAlignment) * uniformAlignment;
      this.#words = new Uint32Array(this.#stride / 4 * stepsPerSubmit);
      this.#floats = new Float32Array(this.#words.buffer);
      this.#scalarBuffer = buffer(
        "the scalars of steps",
        this.#words.byteLength,
        GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
      );
      const block = { buffer: this.#scalarBuffer, size: blockBytes };
      this.#scalarGroup = resources.bindGroup(resources.scalarLayout, [block]);
    } catch (error) {
      // What cannot be bound, or is too large, leaves nothing behind.
      this.#owned.dispose();
      throw error;
    }
  }

  /** What each dispatch of a step computes, in order. */
  get dispatchLabels(): string[] {
    return this.#dispatches.map(({ label }) => label);
  }

  /** See {@link Executable.run}. */
  run(scalars: ArrayLike<number>): Promise<void> {
    return this.device.queue.add(this, this.stage(scalars));
  }

  /** See {@link Executable.profile}. */
  profile(scalars: ArrayLike<number>): Promise<StepProfile> {
    this.#profiler ??= new StepProfiler(
      this.device,
      this.compiled,
      (bind) => new GpuExecutable(this.device, this.compiled, bind, this.recorded),
      (leaf) => this.#storagesOf.get(leaf)!,
    );
    return this.#profiler.profile(this, scalars);
  }

  /** Puts the scalars of a step into the next slot. */
  stage(scalars: ArrayLike<number>): number {
    this.#check();
    if (scalars.length !== this.scalars.length) {
      throw new ShapeError(
        `Cannot run a step as it takes ${this.scalars.length} scalars: received ${scalars.length}`,
      );
    }
    // A submit copies rows to the host, so that the ring has room again.
    if (this.#recorder?.full) this.device.queue.flush();
    const slot = this.#slots++;
    const start = slot * this.#stride / 4;
    for (let index = 0; index < scalars.length; index++) {
      if (this.scalars[index].dtype === "f32") this.#floats[start + index] = scalars[index];
      else this.#words[start + index] = scalars[index];
    }
    if (this.#recorder) this.#words[start + scalars.length] = this.#recorder.nextRow();
    return this.#lastSlot = slot;
  }

  /** See {@link Executable.drain}. */
  async drain(): Promise<Float64Array> {
    this.#check();
    this.device.queue.flush();
    const rows = await this.#recorder?.drain() ?? new Float64Array(0);
    await this.device.faults.settled();
    return rows;
  }

  /** See {@link Executable.read}. */
  async read(output: number): Promise<TensorData> {
    this.#check();
    const operand = this.compiled.outputs[output];
    if (!operand) {
      throw new RangeError(
        `Cannot read output ${output} as the program has ${this.compiled.outputs.length}`,
      );
    }
    if (this.#lastSlot < 0) throw new Error("Cannot read an output before the first step has run");
    const result = allocateData(operand.dtype, sizeOf(operand.shape));
    const { leaf, offset, arena = arenaMemory } = this.compiled.buffers[operand.buffer];
    if (result.length === 0) return result;
    if (leaf === "scalars") {
      const word = this.#lastSlot * this.#stride / 4 + operand.offset;
      result[0] = operand.dtype === "f32" ? this.#floats[word] : this.#words[word];
      return result;
    }
    const source = leaf === null
      ? { buffer: this.#arenas.get(arena)!, first: offset / 4 }
      : { buffer: this.#leafBuffer(leaf), first: 0 };
    const start = (source.first + operand.offset) * result.BYTES_PER_ELEMENT;
    await this.device.readBuffer(source.buffer, start, result);
    return result;
  }

  /** See {@link Executable.dispose}. */
  dispose(): void {
    if (this.#disposed) return;
    this.device.queue.flush();
    this.#disposed = true;
    this.#owned.dispose();
    this.device.forget(this);
  }

  /** See {@link QueuedProgram.upload}. */
  upload(): void {
    const words = this.#slots * this.#stride / 4;
    this.device.resources.device.queue.writeBuffer(this.#scalarBuffer, 0, this.#words, 0, words);
  }

  /** See {@link QueuedProgram.hasMirrors}. */
  get hasMirrors(): boolean {
    return this.#mirrors.size > 0;
  }

  /** See {@link QueuedProgram.encodeMirrors}. */
  encodeMirrors(encoder: GPUCommandEncoder): void {
    for (const { source, copy } of this.#mirrors.values()) {
      encoder.copyBufferToBuffer(source, 0, copy, 0, source.size);
    }
  }

  /** See {@link QueuedProgram.encode}. */
  encode(pass: GPUComputePassEncoder, slot: number): void {
    this.#bindScalars(pass, slot);
    for (const { pipeline, group, x, y } of this.#dispatches) {
      pass.setPipeline(pipeline);
      pass.setBindGroup(1, group);
      pass.dispatchWorkgroups(x, y);
    }
    this.device.resources.statistics.dispatches += this.#dispatches.length;
  }

  /** See {@link ProfiledProgram.encodeDispatch}. */
  encodeDispatch(pass: GPUComputePassEncoder, slot: number, dispatch: number): void {
    const { pipeline, group, x, y } = this.#dispatches[dispatch];
    this.#bindScalars(pass, slot);
    pass.setPipeline(pipeline);
    pass.setBindGroup(1, group);
    pass.dispatchWorkgroups(x, y);
    this.device.resources.statistics.dispatches++;
  }

  #bindScalars(pass: GPUComputePassEncoder, slot: number): void {
    this.#offset[0] = slot * this.#stride;
    pass.setBindGroup(0, this.#scalarGroup, this.#offset, 0, 1);
  }

  /** See {@link QueuedProgram.encodeCopies}. */
  encodeCopies(encoder: GPUCommandEncoder): void {
    this.#recorder?.encodeCopies(encoder);
  }

  /** See {@link QueuedProgram.submitted}. */
  submitted(): void {
    this.#slots = 0;
    this.#recorder?.submitted();
  }

  #check(): void {
    if (this.#disposed) throw new DisposedError("Cannot use a program after its disposal");
    this.device.faults.check();
    for (const storage of this.#storages) storage.check();
  }

  readonly #storagesOf = new Map<Tensor, GpuStorage>();

  #leafBuffer(leaf: Tensor): GPUBuffer {
    return this.#storagesOf.get(leaf)!.buffer;
  }

  #storageOf(leaf: Tensor, bind: (leaf: Tensor) => Storage): GpuStorage {
    let storage: Storage;
    if (leaf.operation.name === "constant") {
      const constant = new GpuStorage(this.device, leaf.dtype, leaf.size, "a constant");
      this.#owned.defer(() => constant.dispose());
      constant.write(constantData(leaf)!);
      storage = constant;
    } else storage = bind(leaf);
    const name = leaf.attributes.name ?? leaf.operation.name;
    if (!(storage instanceof GpuStorage)) {
      throw new DTypeError(`Cannot bind "${name}" to memory that is not on this GPU`);
    }
    if (storage.dtype !== leaf.dtype || storage.elements !== leaf.size) {
      throw new ShapeError(
        `Cannot bind "${name}" as type and size must fit: expected ${leaf.size} ${leaf.dtype}, ` +
          `received ${storage.elements} ${storage.dtype}`,
      );
    }
    storage.check();
    this.#storages.push(storage);
    this.#storagesOf.set(leaf, storage);
    return storage;
  }
}
