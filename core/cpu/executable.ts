import { bytesPerElement, type TensorData } from "../graph/dtype.ts";
import type { Executable, Storage } from "../graph/device.ts";
import { DisposedError } from "../graph/errors.ts";
import { constantData } from "../graph/leaf.ts";
import { loopKey } from "../graph/loop.ts";
import type { LoopCall, StridedOperand } from "../graph/call.ts";
import type { Plan } from "../graph/plan.ts";
import type { StepProfile } from "../graph/profile.ts";
import { sizeOf } from "../graph/shape.ts";
import { planMicroseconds } from "./estimate.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { SharedMemory } from "./memory.ts";
import { ProfiledPlan } from "./profiled_plan.ts";
import { planRecords } from "./records.ts";
import { copyOut, type CpuStorage } from "./storage.ts";
import { ThreadChoice } from "./thread_choice.ts";
import type { ThreadPool } from "./thread_pool.ts";
import { compileLoop } from "./wasm/loop_code.ts";
import { writeModule } from "./wasm/module.ts";

/** A plan laid out in the shared memory: replaying it writes the scalars and makes one call. */
export class CpuExecutable implements Executable {
  readonly scalars: readonly Tensor[];
  readonly #owned: number[] = [];
  /** Keys of the compiled loops that the plan calls. */
  readonly #functions = new Set<string>();
  readonly #arena: number;
  readonly #scalarBlock: number;
  readonly #floats: Float32Array;
  readonly #words: Uint32Array;
  readonly #integer: boolean[];
  readonly #plan: number;
  readonly #threads: number;
  /** What decides between one and all threads, where a plan is small. */
  readonly #choice: ThreadChoice | undefined;
  /** Where the plan's leaves are. */
  readonly #addresses = new Map<Tensor, number>();
  readonly #recorded: { address: number; size: number; dtype: string }[];
  /** Numbers in a row of recorded outputs. */
  readonly #width: number;
  #rows = new Float64Array(64);
  #rowCount = 0;
  #profiled: ProfiledPlan | undefined;
  #disposed = false;

  /** Lays `plan` out: addresses, compiled loops, constants; nothing is left for the steps to do. */
  constructor(
    private readonly plan: Plan,
    private readonly memory: SharedMemory,
    private readonly pool: ThreadPool,
    bind: (leaf: Tensor) => Storage,
    recorded: number,
  ) {
    this.scalars = plan.scalars;
    try {
      for (const leaf of plan.leaves) {
        if (leaf.operation.name === "constant") continue;
        this.#addresses.set(leaf, (bind(leaf) as CpuStorage).address);
      }
      this.#arena = this.#allocate(plan.arenaBytes, "the arena");
      this.#scalarBlock = this.#allocate(plan.scalars.length * 4, "scalars");
      for (const leaf of plan.leaves) if (leaf.operation.name === "constant") this.#upload(leaf);
      const keys = this.#compileLoops();
      const records = planRecords(plan, {
        address: (buffer, element) => this.#address(buffer, element),
        functionIndex: (call) => pool.find(keys.get(call)!)!,
        argumentBlock: (words) => this.#write(Uint32Array.from(words), "arguments"),
      });
      this.#plan = this.#write(records, "the plan");
      const microseconds = planMicroseconds(plan);
      this.#threads = microseconds < alone ? 1 : pool.threads;
      if (this.#threads > 1 && microseconds < small) this.#choice = new ThreadChoice(this.#threads);
      const buffer = memory.memory.buffer;
      this.#floats = new Float32Array(buffer, this.#scalarBlock, plan.scalars.length);
      this.#words = new Uint32Array(buffer, this.#scalarBlock, plan.scalars.length);
      this.#integer = plan.scalars.map(({ dtype }) => dtype !== "f32");
      this.#recorded = plan.outputs.slice(0, recorded).map((output) => ({
        address: this.#address(output.buffer, output.offset),
        size: sizeOf(output.shape),
        dtype: output.dtype,
      }));
      this.#width = this.#recorded.reduce((width, { size }) => width + size, 0);
    } catch (error) {
      // What cannot be bound, or has no room, leaves nothing behind.
      this.dispose();
      throw error;
    }
  }

  run(scalars: ArrayLike<number>): undefined {
    const choice = this.#choice;
    if (!choice) {
      this.#replay(scalars, this.#plan, this.#threads);
      return;
    }
    const start = choice.timed ? performance.now() : 0;
    const threads = this.#replay(scalars, this.#plan, choice.threads);
    choice.ran(choice.timed ? performance.now() - start : 0, threads);
  }

  profile(scalars: ArrayLike<number>): StepProfile {
    this.#profiled ??= new ProfiledPlan(this.plan, this.#plan, this.memory, this.pool);
    const { start, threads } = this.#profiled.begin(this.#choice?.chosen ?? this.#threads);
    return this.#profiled.end(start, this.#replay(scalars, this.#profiled.address, threads));
  }

  /** Walks a list of records with these scalars, by `most` threads; gives how many did. */
  #replay(scalars: ArrayLike<number>, records: number, most: number): number {
    if (this.#disposed) throw new DisposedError("Cannot run a program after its disposal");
    for (let place = 0; place < this.#integer.length; place++) {
      if (this.#integer[place]) this.#words[place] = scalars[place];
      else this.#floats[place] = scalars[place];
    }
    const threads = this.pool.run(records, most);
    if (this.#recorded.length > 0) this.#record();
    return threads;
  }

  drain(): Float64Array {
    const rows = this.#rows.slice(0, this.#rowCount * this.#width);
    this.#rowCount = 0;
    return rows;
  }

  read(output: number): TensorData {
    if (this.#disposed) throw new DisposedError("Cannot read a program after its disposal");
    const place: StridedOperand = this.plan.outputs[output];
    const address = this.#address(place.buffer, place.offset);
    return copyOut(this.memory, address, place.dtype, sizeOf(place.shape));
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.pool.settle();
    for (const address of this.#owned) this.memory.free(address);
    this.pool.release(this.#functions);
    this.#profiled?.dispose();
  }

  #record(): void {
    const width = this.#width;
    const start = this.#rowCount++ * width;
    if (start + width > this.#rows.length) {
      const grown = new Float64Array(this.#rows.length * 2 + width);
      grown.set(this.#rows);
      this.#rows = grown;
    }
    this.#views ??= this.#recorded.map(({ address, size, dtype }) => {
      const { buffer } = this.memory.memory;
      return dtype === "f32"
        ? new Float32Array(buffer, address, size)
        : dtype === "i32"
        ? new Int32Array(buffer, address, size)
        : new Uint32Array(buffer, address, size);
    });
    let place = start;
    for (const view of this.#views) {
      // A call into set() costs more than one number.
      if (view.length === 1) this.#rows[place] = view[0];
      else this.#rows.set(view, place);
      place += view.length;
    }
  }

  #views: (Float32Array | Int32Array | Uint32Array)[] | undefined;

  #allocate(bytes: number, what: string): number {
    const address = this.memory.allocate(bytes, what);
    this.#owned.push(address);
    return address;
  }

  #write(words: Uint32Array, what: string): number {
    const address = this.#allocate(words.byteLength, what);
    new Uint32Array(this.memory.memory.buffer, address, words.length).set(words);
    return address;
  }

  #upload(leaf: Tensor): void {
    const data = constantData(leaf)!;
    const address = this.#allocate(data.byteLength, "a constant");
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    new Uint8Array(this.memory.memory.buffer, address, bytes.length).set(bytes);
    this.#addresses.set(leaf, address);
  }

  #address(buffer: number, element: number): number {
    const { leaf, offset, dtype } = this.plan.buffers[buffer];
    const bytes = element * bytesPerElement(dtype);
    if (leaf === null) return this.#arena + offset + bytes;
    if (leaf === "scalars") return this.#scalarBlock + bytes;
    return this.#addresses.get(leaf)! + bytes;
  }

  /** Compiles the loops that this device does not have, all in one module; gives the keys. */
  #compileLoops(): ReadonlyMap<LoopCall, string> {
    const keys = new Map<LoopCall, string>();
    const missing = new Map<string, LoopCall>();
    for (const call of this.plan.phases.flat()) {
      if (call.kind !== "loop") continue;
      const key = functionKey(call);
      keys.set(call, key);
      if (this.#functions.has(key)) continue;
      if (this.pool.find(key) === undefined) missing.set(key, call);
      else {
        this.#functions.add(key);
        this.pool.use(key);
      }
    }
    if (missing.size === 0) return keys;
    const codes = [...missing.values()].map(({ kernel, partition }) =>
      compileLoop(kernel, partition.units)
    );
    this.pool.load(writeModule(codes), [...missing.keys()]);
    for (const key of missing.keys()) this.#functions.add(key);
    return keys;
  }
}

function functionKey({ kernel, partition }: LoopCall): string {
  return `${partition.units}|${loopKey(kernel)}`;
}

/** Microseconds of work from which all threads are worth it in any case. */
const small = 1000;

/** Microseconds of work below which waking other threads costs more than it saves. */
const alone = 5;
