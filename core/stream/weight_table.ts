import type { Device, Storage } from "../graph/device.ts";
import { DataError, ShapeError } from "../graph/errors.ts";
import { stateLeaf } from "../graph/leaf.ts";
import { formatShape, sameShape } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { AnyModel } from "../nn/connect.ts";
import type { Parameter } from "../nn/parameter.ts";
import type { Snapshot } from "./epoch.ts";
import type { SavedRun, SavedTensor } from "./saved_run.ts";
import { readTensor, settledMap, WeightSnapshot } from "./weight_snapshot.ts";

interface Held {
  readonly parameter: Parameter;
  /** Name of its own in the run: two models may have a `dense_1/kernel` each. */
  readonly name: string;
  readonly storage: Storage;
  /** The {@link Parameter.version} that the device was given. */
  version: number;
}

/** Weights that runs are giving back to their models; usually none. */
const pending = new Map<Parameter, Promise<void>>();

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
export async function settled(model: AnyModel): Promise<void> {
  await Promise.all(model.parameters.map((parameter) => pending.get(parameter)));
}

/**
 * Settles when no run is giving weights back any more: whoever takes a model's weights before that
 * takes old ones, and the models of a run are known too late to wait for theirs alone.
 */
export async function allReturned(): Promise<void> {
  await Promise.allSettled(pending.values());
}

/** The states of a run: weights, and what optimizers keep for them. */
export class WeightTable {
  /** The leaf of every weight, by parameter: what stages start a step from. */
  readonly leaves: Map<Parameter, Tensor> = new Map();
  readonly #weights = new Map<Tensor, Held>();
  readonly #names = new Set<string>();
  readonly #slots = new Map<string, Tensor>();
  readonly #storages = new Map<Tensor, Storage>();
  /** Tensors of the run that goes on which are not in use yet: they are saved again as they are. */
  readonly #unclaimed: Map<string, SavedTensor>;
  /** True while the host's copies are what the device has. */
  #synchronized = true;

  /** @param device Where they live. @param saved The run that goes on, if one does. */
  constructor(private readonly device: Device, private readonly saved?: SavedRun) {
    this.#unclaimed = new Map(saved?.tensors);
  }

  /** Puts the model's weights on the device, unless they are there. */
  add(model: AnyModel): void {
    for (const [wanted, parameter] of model.weights) {
      if (this.leaves.has(parameter)) continue;
      const name = this.#unusedName(wanted);
      const leaf = stateLeaf(wanted, parameter.shape);
      const storage = this.device.allocate("f32", leaf.size, wanted);
      storage.write(this.saved ? savedWeight(this.saved, name, parameter) : parameter.value);
      this.leaves.set(parameter, leaf);
      this.#weights.set(leaf, { parameter, name, storage, version: parameter.version });
      this.#storages.set(leaf, storage);
    }
  }

  /** The name of a weight in this run. */
  nameOf(parameter: Parameter): string {
    return this.#weights.get(this.leaves.get(parameter)!)!.name;
  }

  /** Takes over the weights that have been set in their models since. */
  refresh(): void {
    for (const held of this.#weights.values()) {
      const { version, value } = held.parameter;
      if (held.version === version) continue;
      held.storage.write(value);
      held.version = version;
    }
  }

  /** Notes that a step has changed weights on the device. */
  changed(): void {
    this.#synchronized = false;
  }

  /** A state that begins filled with a number or as a copy of a weight, found by name. */
  slot(name: string, shape: readonly number[], fill: number | Parameter): Tensor {
    let leaf = this.#slots.get(name);
    if (!leaf) {
      leaf = stateLeaf(name, shape);
      const storage = this.device.allocate("f32", leaf.size, name);
      const saved = this.claim(name);
      if (saved) storage.write(fitting(saved, name, shape));
      else if (typeof fill === "object") {
        storage.copyFrom(this.#storages.get(this.leaves.get(fill)!)!);
      } else if (fill !== 0) storage.write(new Float32Array(leaf.size).fill(fill));
      this.#slots.set(name, leaf);
      this.#storages.set(leaf, storage);
    }
    return leaf;
  }

  /** A slot that is there already, or that the run which goes on had. */
  existingSlot(name: string, shape: readonly number[]): Tensor | undefined {
    return this.#slots.has(name) || this.#unclaimed.has(name)
      ? this.slot(name, shape, 0)
      : undefined;
  }

  /** A tensor of the run that goes on, for its one user. */
  claim(name: string): SavedTensor | undefined {
    const tensor = this.#unclaimed.get(name);
    this.#unclaimed.delete(name);
    return tensor;
  }

  /** Memory of a state; `undefined` for a leaf that is not one. */
  storage(leaf: Tensor): Storage | undefined {
    return this.#storages.get(leaf);
  }

  /** Puts the elements of a slot in the place of a weight's; both stay where they are. */
  replace(weight: Parameter, slot: Tensor): void {
    this.#synchronized = false;
    this.#storages.get(this.leaves.get(weight)!)!.copyFrom(this.#storages.get(slot)!);
  }

  /** Copies all weights on the device. */
  snapshot(): Snapshot {
    const snapshot = new WeightSnapshot(this.device);
    for (const [leaf, { storage, name }] of this.#weights) {
      snapshot.add(leaf, name).copyFrom(storage);
    }
    return snapshot;
  }

  /** A snapshot of given weights, by name. */
  snapshotOf(weight: (name: string) => Float32Array): Snapshot {
    const snapshot = new WeightSnapshot(this.device);
    for (const [leaf, { name }] of this.#weights) snapshot.add(leaf, name).write(weight(name));
    return snapshot;
  }

  /** Puts the weights of a snapshot back. */
  restore(snapshot: Snapshot): void {
    this.#synchronized = false;
    (snapshot as WeightSnapshot).restore(this.#weights);
  }

  /** All weights by name; asked for at once. */
  async read(): Promise<Map<string, SavedTensor>> {
    return await settledMap(this.capture().weights);
  }

  /** Weights and other states by name, as they are now: their reading has begun. */
  capture(): Record<"weights" | "slots", Map<string, Promise<SavedTensor>>> {
    const weights = [...this.#weights.values()].map(({ name, storage, parameter }) =>
      [name, readTensor(storage, parameter.shape)] as const
    );
    const slots = [...this.#slots].map(([name, leaf]) =>
      [name, readTensor(this.#storages.get(leaf)!, leaf.shape)] as const
    );
    const unclaimed = [...this.#unclaimed].map(([name, tensor]) =>
      [name, Promise.resolve(tensor)] as const
    );
    return { weights: new Map(weights), slots: new Map([...slots, ...unclaimed]) };
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
      const returned = values.then((data) => parameter.set(data as Float32Array)).finally(() => {
        // Another run of the same model may be giving its weights back by now.
        if (pending.get(parameter) === returned) pending.delete(parameter);
      });
      pending.set(parameter, returned);
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

  #unusedName(name: string): string {
    let unused = name;
    for (let count = 2; this.#names.has(unused); count++) unused = `${name}_${count}`;
    this.#names.add(unused);
    return unused;
  }
}

function savedWeight(saved: SavedRun, name: string, { shape }: Parameter): Float32Array {
  const tensor = saved.weights.get(name);
  if (tensor) return fitting(tensor, name, shape);
  throw new DataError(
    `Cannot resume as the file has no weight "${name}": it holds ` +
      `${
        [...saved.weights.keys()].slice(0, 8).join(", ") || "none"
      } (was it saved by another model?)`,
  );
}

function fitting(tensor: SavedTensor, name: string, shape: readonly number[]): Float32Array {
  if (sameShape(tensor.shape, shape)) return tensor.data;
  throw new ShapeError(
    `Cannot resume as the file's "${name}" does not fit: expected ${
      formatShape(shape)
    }, received ` +
      formatShape(tensor.shape),
  );
}
