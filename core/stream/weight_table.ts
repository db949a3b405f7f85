import type { Device, Storage } from "../graph/device.ts";
import { DataError, DisposedError, ShapeError } from "../graph/errors.ts";
import { stateLeaf } from "../graph/leaf.ts";
import { formatShape, sameShape } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { AnyModel } from "../nn/connect.ts";
import type { Parameter } from "../nn/parameter.ts";
import type { Assigned } from "./assign.ts";
import type { Snapshot } from "./epoch.ts";
import type { FileModel } from "./file_models.ts";
import { HeldWeight, type HoldingRun } from "./held_weight.ts";
import type { SavedRun, SavedTensor } from "./saved_run.ts";
import { latest, readTensor, settledMap, WeightSnapshot } from "./weight_snapshot.ts";

/** The states of a run: weights, and what optimizers keep for them. */
export class WeightTable implements HoldingRun {
  warned = false;
  /** True once the memory is free, or will be in a moment. */
  ended = false;
  /** What operators of the user's assign. */
  readonly assigned: Assigned = new WeakMap();
  /** The leaf of every weight, by parameter: what stages start a step from. */
  readonly leaves: Map<Parameter, Tensor> = new Map();
  readonly #weights = new Map<Tensor, HeldWeight>();
  readonly #names = new Set<string>();
  readonly #models = new Set<AnyModel>();
  readonly #slots = new Map<string, Tensor>();
  readonly #storages = new Map<Tensor, Storage>();
  /** Tensors of the run that goes on which are not in use yet: they are saved again as they are. */
  readonly #unclaimed: Map<string, SavedTensor>;
  readonly #snapshots = new Set<WeightSnapshot>();
  /** What gives a weight its place in a snapshot of the run that goes on. */
  readonly #given: ((leaf: Tensor, name: string) => void)[] = [];
  /** Weights on their way back to their models, once the run has ended. */
  #returning: readonly Promise<void>[] = [];

  /**
   * @param device Where they live.
   * @param saved The run that goes on, if one does.
   * @param afterStep Calls an action once the step that is being made, if one is, has run.
   */
  constructor(
    private readonly device: Device,
    private readonly saved?: SavedRun,
    readonly afterStep: (action: () => void) => void = (action) => action(),
  ) {
    this.#unclaimed = new Map(saved?.tensors);
  }

  /** Puts the model's weights on the device, unless they are there. */
  add(model: AnyModel): void {
    this.#models.add(model);
    for (const [wanted, parameter] of model.weights) {
      if (this.leaves.has(parameter)) continue;
      const name = this.#unusedName(wanted);
      const leaf = stateLeaf(wanted, parameter.shape);
      const storage = this.device.allocate("f32", leaf.size, wanted);
      this.#storages.set(leaf, storage);
      storage.write(this.saved ? savedWeight(this.saved, name, parameter) : parameter.value);
      this.leaves.set(parameter, leaf);
      const held = new HeldWeight(parameter, name, storage, this);
      if (this.saved) held.restored();
      this.#weights.set(leaf, held);
      for (const take of this.#given) take(leaf, name);
    }
  }

  /** The models of the run, with the names of their weights in it, each once. */
  get models(): FileModel[] {
    return [...this.#models].map(({ name, weights }) => ({
      name,
      weights: Object.fromEntries([...weights].map(([own, weight]) => [own, this.nameOf(weight)])),
    }));
  }

  /** Says that steps will change the model's weights: the newest ones are here. */
  expectChanges(model: AnyModel): void {
    for (const parameter of model.parameters) {
      this.#weights.get(this.leaves.get(parameter)!)!.claim();
    }
  }

  /** The name of a weight in this run. */
  nameOf(parameter: Parameter): string {
    return this.#weights.get(this.leaves.get(parameter)!)!.name;
  }

  /** Takes over the weights that have been set in their models since. */
  refresh(): void {
    for (const held of this.#weights.values()) held.refresh();
  }

  /** Those of some states that are weights, to note that steps change them. */
  heldOf(states: Iterable<Tensor>): HeldWeight[] {
    return [...states].flatMap((state) => this.#weights.get(state) ?? []);
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
    const held = this.#weights.get(this.leaves.get(weight)!)!;
    held.storage.copyFrom(this.#storages.get(slot)!);
    held.change();
  }

  /** Copies all weights on the device. */
  snapshot(): Snapshot {
    const snapshot = this.#newSnapshot();
    for (const [leaf, { storage, name }] of this.#weights) {
      snapshot.add(leaf, name).copyFrom(storage);
    }
    return snapshot;
  }

  /**
   * A snapshot of given weights, by name; `undefined` for one that it has not. Models that come later,
   * as those of a branch, take part in it.
   */
  snapshotOf(weight: (name: string) => Float32Array | undefined): Snapshot {
    const snapshot = this.#newSnapshot();
    const take = (leaf: Tensor, name: string) => {
      const values = snapshot.disposed ? undefined : weight(name);
      if (values) snapshot.add(leaf, name).write(values);
    };
    for (const [leaf, { name }] of this.#weights) take(leaf, name);
    this.#given.push(take);
    return snapshot;
  }

  /**
   * Puts the weights of a snapshot back, or only those that are meant; into their models, once the run
   * has ended.
   */
  restore(snapshot: Snapshot, isMeant: (weight: Parameter) => boolean = () => true): void {
    const meant = new Map([...this.#weights].filter(([, { parameter }]) => isMeant(parameter)));
    const { left } = snapshot as WeightSnapshot;
    for (const [leaf, values] of left ?? []) meant.get(leaf)?.replace(values);
    if (left) return;
    for (const held of (snapshot as WeightSnapshot).restore(meant)) held.change();
  }

  /** All weights by name; asked for at once. */
  async read(): Promise<Map<string, SavedTensor>> {
    return await settledMap(this.capture().weights);
  }

  /** Weights and other states by name, as they are now; at the end weights alone. Reading has begun. */
  capture(): Record<"weights" | "slots", Map<string, Promise<SavedTensor>>> {
    const held = [...this.#weights.values()];
    if (this.ended) {
      const left = held.map(({ name, parameter }) =>
        [name, this.released().then(() => latest(parameter))] as const
      );
      return { weights: new Map(left), slots: new Map() };
    }
    this.refresh();
    const weights = held.map(({ name, storage, parameter }) =>
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
    await Promise.all([...this.#weights.values()].map((held) => held.bring()));
  }

  /** Gives the weights back to their models and frees all memory; at once on the CPU. */
  release(): void {
    this.ended = true;
    this.#returning = [
      ...[...this.#weights.values()].flatMap((held) => held.release() ?? []),
      ...[...this.#snapshots].flatMap((snapshot) => snapshot.leave() ?? []),
    ];
    const free = () => {
      for (const storage of this.#storages.values()) storage.dispose();
    };
    if (this.releasing) void this.released().then(free);
    else free();
  }

  /** True when weights take time to come back to their models. */
  get releasing(): boolean {
    return this.#returning.length > 0;
  }

  /** Settles when {@link WeightTable.release} has given all weights back, or has failed to. */
  async released(): Promise<void> {
    await Promise.allSettled(this.#returning);
  }

  #newSnapshot(): WeightSnapshot {
    if (this.ended) throw new DisposedError("Cannot copy the weights as the run has ended");
    for (const old of this.#snapshots) if (old.disposed) this.#snapshots.delete(old);
    const snapshot = new WeightSnapshot(this.device);
    this.#snapshots.add(snapshot);
    return snapshot;
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
