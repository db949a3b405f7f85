import type { Device, Storage } from "../graph/device.ts";
import { DisposedError } from "../graph/errors.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Snapshot } from "./epoch.ts";
import type { SavedTensor } from "./saved_run.ts";

/** A copy of weights. */
export class WeightSnapshot implements Snapshot {
  readonly #copies = new Map<Tensor, { name: string; storage: Storage }>();
  #disposed = false;

  /** @param device Where the copies live. */
  constructor(private readonly device: Device) {}

  /** Memory for the copy of a weight. */
  add(leaf: Tensor, name: string): Storage {
    const storage = this.device.allocate("f32", leaf.size, `a copy of ${name}`);
    this.#copies.set(leaf, { name, storage });
    return storage;
  }

  /** Puts the copies back, and gives the weights that it has changed. */
  restore<Held extends { readonly storage: Storage }>(weights: ReadonlyMap<Tensor, Held>): Held[] {
    if (this.#disposed) {
      throw new DisposedError("Cannot restore the weights of a snapshot after its disposal");
    }
    return [...this.#copies].map(([leaf, { storage }]) => {
      const held = weights.get(leaf)!;
      held.storage.copyFrom(storage);
      return held;
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
    for (const { storage } of this.#copies.values()) storage.dispose();
    this.#copies.clear();
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
