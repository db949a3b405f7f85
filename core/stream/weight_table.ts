import type { Device, Storage } from "../graph/device.ts";
import { stateLeaf } from "../graph/leaf.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Model } from "../nn/model.ts";
import type { Parameter } from "../nn/parameter.ts";
import type { Snapshot } from "./epoch.ts";

interface Held {
  readonly parameter: Parameter;
  readonly storage: Storage;
}

const pending = new WeakMap<Parameter, Promise<void>>();

/**
 * Settles when the weights that a run left on a GPU are back in the model's parameters. After a
 * run that completed they are; after one that was cut short they come a moment later.
 * `predict`, `evaluate` and `saveWeights` wait for them by themselves.
 *
 * @param model The model.
 *
 * @example
 * ```ts
 * import { dense, input, sequential, settled } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([2]), dense(1)]);
 * await settled(model);
 * assert.equal(model.parameters[0].value.length, 2);
 * ```
 */
export async function settled(model: Model): Promise<void> {
  await Promise.all(model.parameters.map((parameter) => pending.get(parameter)));
}

/** The states of a run: weights, and what optimizers keep for them. */
export class WeightTable {
  /** The leaf of every weight, by parameter: what stages start a step from. */
  readonly leaves: Map<Parameter, Tensor> = new Map();
  readonly #weights = new Map<Tensor, Held>();
  readonly #slots = new Map<string, Tensor>();
  readonly #storages = new Map<Tensor, Storage>();
  /** True while the host's copies are what the device has. */
  #synchronized = true;

  /** @param device Where they live. */
  constructor(private readonly device: Device) {}

  /** Puts the model's weights on the device, unless they are there. */
  add(model: Model): void {
    for (const parameter of model.parameters) {
      if (this.leaves.has(parameter)) continue;
      const leaf = stateLeaf(parameter.name, parameter.shape);
      const storage = this.device.allocate("f32", leaf.size, parameter.name);
      storage.write(parameter.value);
      this.leaves.set(parameter, leaf);
      this.#weights.set(leaf, { parameter, storage });
      this.#storages.set(leaf, storage);
    }
  }

  /** Notes that a step has changed weights on the device. */
  changed(): void {
    this.#synchronized = false;
  }

  /** A state that begins filled with a number, found by name. */
  slot(name: string, shape: readonly number[], fill: number): Tensor {
    let leaf = this.#slots.get(name);
    if (!leaf) {
      leaf = stateLeaf(name, shape);
      const storage = this.device.allocate("f32", leaf.size, name);
      if (fill !== 0) storage.write(new Float32Array(leaf.size).fill(fill));
      this.#slots.set(name, leaf);
      this.#storages.set(leaf, storage);
    }
    return leaf;
  }

  /** Memory of a state; `undefined` for a leaf that is not one. */
  storage(leaf: Tensor): Storage | undefined {
    return this.#storages.get(leaf);
  }

  /** Copies all weights on the device. */
  snapshot(): Snapshot {
    return new WeightSnapshot(this.device, this.#weights);
  }

  /** Puts the weights of a snapshot back. */
  restore(snapshot: Snapshot): void {
    this.#synchronized = false;
    (snapshot as WeightSnapshot).restore(this.#weights);
  }

  /** All weights by name. */
  async read(): Promise<Map<string, { shape: readonly number[]; data: Float32Array }>> {
    const entries = [...this.#weights.values()].map(async ({ parameter, storage }) =>
      [parameter.name, {
        shape: parameter.shape,
        data: await storage.read() as Float32Array,
      }] as const
    );
    return new Map(await Promise.all(entries));
  }

  /** Brings the weights to their models' parameters; the steps are over. */
  async synchronize(): Promise<void> {
    await Promise.all(
      [...this.#weights.values()].map(async ({ parameter, storage }) =>
        parameter.set(await storage.read() as Float32Array)
      ),
    );
    this.#synchronized = true;
  }

  /** Gives the weights back to their models and frees all memory; at once on the CPU. */
  release(): void {
    for (const { parameter, storage } of this.#synchronized ? [] : this.#weights.values()) {
      const values = storage.read();
      if (!(values instanceof Promise)) {
        parameter.set(values as Float32Array);
        continue;
      }
      pending.set(
        parameter,
        values.then((data) => parameter.set(data as Float32Array)).finally(() =>
          pending.delete(parameter)
        ),
      );
    }
    const waits = [...this.#weights.values()].map(({ parameter }) => pending.get(parameter));
    const free = () => {
      for (const storage of this.#storages.values()) storage.dispose();
    };
    if (waits.some((wait) => wait)) void Promise.allSettled(waits).then(free);
    else free();
  }

  /** True while weights are on their way back to their models. */
  get releasing(): boolean {
    return [...this.leaves.keys()].some((parameter) => pending.has(parameter));
  }

  /** Settles when {@link WeightTable.release} has given all weights back. */
  async released(): Promise<void> {
    await Promise.all([...this.leaves.keys()].map((parameter) => pending.get(parameter)));
  }
}

class WeightSnapshot implements Snapshot {
  readonly #copies = new Map<Tensor, Storage>();

  constructor(device: Device, weights: ReadonlyMap<Tensor, Held>) {
    for (const [leaf, { storage }] of weights) {
      const copy = device.allocate("f32", leaf.size, `a copy of ${leaf.attributes.name}`);
      copy.copyFrom(storage);
      this.#copies.set(leaf, copy);
    }
  }

  restore(weights: ReadonlyMap<Tensor, Held>): void {
    for (const [leaf, copy] of this.#copies) weights.get(leaf)!.storage.copyFrom(copy);
  }

  dispose(): void {
    for (const copy of this.#copies.values()) copy.dispose();
    this.#copies.clear();
  }
}
