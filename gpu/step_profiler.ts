import type { Storage } from "../core/graph/device.ts";
import type { KernelWork, StepProfile } from "../core/graph/profile.ts";
import type { Tensor } from "../core/graph/tensor.ts";
import { fastest } from "./ceilings.ts";
import type { CompiledPlan } from "./compile.ts";
import type { GpuContext } from "./context.ts";
import { dispatchCost } from "./cost.ts";
import type { QueuedProgram } from "./step_queue.ts";
import { GpuStorage } from "./storage.ts";

/** What a profile needs of a program. */
export interface ProfiledProgram extends QueuedProgram {
  /** Runs one step as any other. */
  run(scalars: ArrayLike<number>): Promise<void>;
  /** Puts the scalars of a step into the next slot, and gives it. */
  stage(scalars: ArrayLike<number>): number;
  /** Encodes one dispatch of the step whose scalars are in `slot`. */
  encodeDispatch(pass: GPUComputePassEncoder, slot: number, dispatch: number): void;
  /** Frees it. */
  dispose(): void;
}

/** Milliseconds of each dispatch, and of all of them as one step. */
interface RepeatedTimes {
  readonly dispatches: readonly number[];
  readonly step: number;
}

/** Times the dispatches of a program's steps. */
export class StepProfiler {
  readonly #kernels: readonly KernelWork[];
  #repeated: Promise<RepeatedTimes> | undefined;

  /**
   * @param device The device.
   * @param compiled The program's dispatches.
   * @param make Makes another program of them, with other memory.
   * @param storageOf The memory of a leaf.
   */
  constructor(
    private readonly device: GpuContext,
    private readonly compiled: CompiledPlan,
    private readonly make: (bind: (leaf: Tensor) => Storage) => ProfiledProgram,
    private readonly storageOf: (leaf: Tensor) => GpuStorage,
  ) {
    this.#kernels = compiled.dispatches.map(({ label, calls }) => ({
      name: label,
      ...dispatchCost(calls, compiled.buffers),
    }));
  }

  /** Runs a step of `program`; each dispatch has a pass of its own if passes can be timed. */
  async profile(program: ProfiledProgram, scalars: ArrayLike<number>): Promise<StepProfile> {
    const { clock, queue } = this.device;
    if (this.#kernels.length === 0) {
      const start = performance.now();
      await program.run(scalars);
      return this.#profileOf([start], 0);
    }
    if (!clock.hasTimestamps) return await this.#profileCopies(program, scalars);
    // What waits in the queue comes before this step, which is submitted by itself.
    queue.flush();
    const slot = program.stage(scalars);
    program.upload();
    const times = clock.time(this.#kernels.length, (encoder, marks) => {
      program.encodeMirrors(encoder);
      for (let dispatch = 0; dispatch < this.#kernels.length; dispatch++) {
        const pass = encoder.beginComputePass(marks(dispatch));
        program.encodeDispatch(pass, slot, dispatch);
        pass.end();
      }
      program.encodeCopies(encoder);
    });
    program.submitted();
    const marks = await times;
    return this.#profileOf(marks, marks[marks.length - 1] - marks[0]);
  }

  /** Without timestamps, dispatches are repeated on copies of what they write. */
  async #profileCopies(
    program: ProfiledProgram,
    scalars: ArrayLike<number>,
  ): Promise<StepProfile> {
    let end = performance.now();
    const done = program.run(scalars);
    this.#repeated ??= this.#repeat(scalars);
    const { dispatches, step } = await this.#repeated;
    await done;
    const marks = dispatches.flatMap((milliseconds) => [end, end += milliseconds]);
    return this.#profileOf(marks, step);
  }

  async #repeat(scalars: ArrayLike<number>): Promise<RepeatedTimes> {
    const { clock } = this.device;
    const copies: GpuStorage[] = [];
    const written = this.#writtenLeaves();
    const program = this.make((leaf) => {
      const storage = this.storageOf(leaf);
      if (!written.has(leaf)) return storage;
      const copy = new GpuStorage(this.device, leaf.dtype, leaf.size, "a copy for a profile");
      copy.copyFrom(storage);
      copies.push(copy);
      return copy;
    });
    const time = async (encode: (pass: GPUComputePassEncoder) => void) =>
      1 / await fastest(clock, (turns) => (pass) => {
        for (let turn = 0; turn < turns; turn++) encode(pass);
      });
    try {
      // Its scalars stay in slot 0.
      await program.run(scalars);
      const dispatches: number[] = [];
      for (let dispatch = 0; dispatch < this.#kernels.length; dispatch++) {
        dispatches.push(await time((pass) => program.encodeDispatch(pass, 0, dispatch)));
      }
      return { dispatches, step: await time((pass) => program.encode(pass, 0)) };
    } finally {
      program.dispose();
      for (const copy of copies) copy.dispose();
    }
  }

  #writtenLeaves(): Set<unknown> {
    const { dispatches, buffers } = this.compiled;
    return new Set(
      dispatches.flatMap(({ shader }) =>
        shader.memories.filter(({ memory, type }) => type === "write" && memory >= 0)
          .map(({ memory }) => buffers[memory].leaf)
      ),
    );
  }

  #profileOf(marks: ArrayLike<number>, milliseconds: number): StepProfile {
    const spans = this.#kernels.map((_, kernel) => ({
      kernel,
      lane: 0,
      start: marks[2 * kernel],
      end: marks[2 * kernel + 1],
    }));
    return {
      kernels: this.#kernels,
      lanes: ["queue"],
      spans,
      start: marks[0],
      milliseconds,
      host: null,
    };
  }
}
