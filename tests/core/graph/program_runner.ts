import type { Device, Executable, Storage } from "../../../core/graph/device.ts";
import type { TensorData } from "../../../core/graph/dtype.ts";
import { createProgram, type Program } from "../../../core/graph/program.ts";
import type { Assignment } from "../../../core/graph/program.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";

/** First values of a program's inputs and states. */
export type LeafValues = ReadonlyMap<Tensor, TensorData>;

/** A program on a device, with memory for its leaves. */
export class ProgramRunner {
  readonly executable: Executable;
  readonly #storages = new Map<Tensor, Storage>();

  constructor(device: Device, private readonly program: Program, values: LeafValues) {
    for (const [leaf, data] of values) {
      const storage = device.allocate(leaf.dtype, leaf.size, String(leaf.attributes.name));
      storage.write(data);
      this.#storages.set(leaf, storage);
    }
    this.executable = device.prepare(program, (leaf) => this.#storages.get(leaf)!);
  }

  async step(scalars: readonly number[] = []): Promise<void> {
    await this.executable.run(scalars);
  }

  outputs(): Promise<TensorData[]> {
    return Promise.all(
      this.program.outputs.map(async (_, place) => await this.executable.read(place)),
    );
  }

  async state(leaf: Tensor): Promise<TensorData> {
    return await this.#storages.get(leaf)!.read();
  }

  dispose(): void {
    this.executable.dispose();
    for (const storage of this.#storages.values()) storage.dispose();
  }
}

/**
 * Runs `steps` steps of a program, with all threads where a device can wait for them; gives the outputs
 * of the last and the states after it.
 */
export async function runSteps(
  device: Device & { ready?(): Promise<void> },
  outputs: readonly Tensor[],
  assignments: readonly Assignment[],
  values: LeafValues,
  steps = 1,
): Promise<{ outputs: number[][]; states: number[][] }> {
  const runner = new ProgramRunner(device, createProgram(outputs, assignments), values);
  try {
    await device.ready?.();
    for (let step = 0; step < steps; step++) await runner.step();
    const read = (await runner.outputs()).map((data) => Array.from(data));
    const states: number[][] = [];
    for (const { state } of assignments) states.push(Array.from(await runner.state(state)));
    return { outputs: read, states };
  } finally {
    runner.dispose();
  }
}
