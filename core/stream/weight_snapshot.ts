import type { Device, Storage } from "../graph/device.ts";
import type { TensorData } from "../graph/dtype.ts";
import { DisposedError } from "../graph/errors.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Parameter } from "../nn/parameter.ts";
import type { Snapshot } from "./epoch.ts";
import type { SavedTensor } from "./saved_run.ts";

/** A copy of weights. */
export class WeightSnapshot implements Snapshot {
  readonly #copies = new Map<Tensor, { name: string; storage: Storage }>();
  /** What the copies held as their run ended, on the host. */
  #left: Map<Tensor, TensorData | Promise<TensorData>> | undefined;
  #reading: readonly (TensorData | Promise<TensorData>)[] = [];
  #over = false;
  #disposed = false;

  /** @param device Where the copies live. */
  constructor(private readonly device: Device) {}

  /** Memory for the copy of a weight. */
  add(leaf: Tensor, name: string): Storage {
    const storage = this.device.allocate("f32", leaf.size, `a copy of ${name}`);
    this.#copies.set(leaf, { name, storage });
    return storage;
  }

  /** True once the copies are gone. */
  get disposed(): boolean {
    return this.#disposed;
  }

  /**
   * The run ends, and its device may go: the copies are read, for whoever puts them back later.
   *
   * @returns A promise where that takes time.
   */
  leave(): Promise<void> | void {
    this.#over = true;
    if (this.device.stepsInFlight > 1) return this.#leaveSlowly();
    this.#begin();
    this.#free();
  }

  async #leaveSlowly(): Promise<void> {
    // Most are disposed of in this turn, as the operators that have them are left.
    await Promise.resolve();
    if (!this.#disposed) this.#begin();
    await Promise.allSettled(this.#reading);
    this.#free();
  }

  /** Begins to read the copies, if nobody has. */
  #begin(): void {
    if (this.#left) return;
    this.#left = new Map([...this.#copies].map(([leaf, { storage }]) => [leaf, storage.read()]));
    this.#reading = [...this.#left.values()];
  }

  /** What the copies held as the run ended, once it has. */
  get left(): ReadonlyMap<Tensor, TensorData | Promise<TensorData>> | undefined {
    this.#check();
    if (this.#over) this.#begin();
    return this.#left;
  }

  /** Puts the copies of these weights back, and gives the weights that it has changed. */
  restore<Held extends { readonly storage: Storage }>(weights: ReadonlyMap<Tensor, Held>): Held[] {
    this.#check();
    return [...this.#copies].flatMap(([leaf, { storage }]) => {
      const held = weights.get(leaf);
      held?.storage.copyFrom(storage);
      return held ?? [];
    });
  }

  /** The copies by name; their reading has begun. */
  read(): Map<string, Promise<SavedTensor>> {
    return new Map(
      [...this.#copies].map(([leaf, { name, storage }]) => [name, readTensor(storage, leaf.shape)]),
    );
  }

  dispose(): void {
    this.#disposed = true;
    this.#left = undefined;
    this.#free();
  }

  #free(): void {
    for (const { storage } of this.#copies.values()) storage.dispose();
    this.#copies.clear();
  }

  #check(): void {
    if (!this.#disposed) return;
    throw new DisposedError("Cannot restore the weights of a snapshot after its disposal");
  }
}

/** The tensors once they are read. */
export async function settledMap(
  tensors: ReadonlyMap<string, Promise<SavedTensor>>,
): Promise<Map<string, SavedTensor>> {
  const read = await Promise.all(tensors.values());
  return new Map([...tensors.keys()].map((name, place) => [name, read[place]]));
}

/** The elements of a storage. The copy is made at once, whatever becomes of the storage later. */
export function readTensor(storage: Storage, shape: readonly number[]): Promise<SavedTensor> {
  const data = storage.read();
  const tensor = Promise.resolve(data).then((read) => ({ shape, data: read as Float32Array }));
  // Whoever waits for it sees the error.
  tensor.catch(() => {});
  return tensor;
}

/** A weight as a run has left it in its model, or as another one that trains it has made it since. */
export async function latest(parameter: Parameter): Promise<SavedTensor> {
  await parameter.holder?.settle();
  return { shape: parameter.shape, data: parameter.value.slice() };
}
