import {
  type DataSet,
  sampleCount,
  sampleWeightOf,
  type StoredInputs,
  type StoredTargets,
} from "../../data/data_set.ts";
import type { Device, Storage } from "../graph/device.ts";
import { inputLeaf } from "../graph/leaf.ts";
import type { Tensor } from "../graph/tensor.ts";
import { gather } from "../ops/gather.ts";

/** A batch's inputs and targets, as symbols. */
export interface BatchTensors {
  /** Inputs, `[batch, ...features]`, f32. */
  readonly x: Tensor;
  /** Targets, `[batch]` u32 class ids or `[batch, outputs]` f32. */
  readonly y: Tensor;
  /** How much each sample counts, `[batch]`, f32; `null` where each counts once. */
  readonly sampleWeight: Tensor | null;
}

/**
 * A data set that lives on the device, in the type it is stored in. A batch is the rows that the
 * order names, from a position that is a scalar of the step: gathering, converting and normalising
 * them is the first kernel of the plan.
 */
export class ResidentData {
  readonly #x: Tensor;
  readonly #y: Tensor;
  readonly #sampleWeight: Tensor | null;
  readonly #order: Tensor;
  readonly #storages = new Map<Tensor, Storage>();
  readonly #batches = new Map<number, BatchTensors>();

  /** Uploads `dataSet`; `start` is the scalar that says where a batch begins. */
  constructor(
    device: Device,
    private readonly dataSet: DataSet,
    private readonly start: Tensor,
    name: string,
  ) {
    this.#x = this.#upload(device, `${name} inputs`, dataSet.x);
    this.#y = this.#upload(device, `${name} targets`, dataSet.y);
    const count = sampleCount(dataSet);
    const sampleWeight = sampleWeightOf(dataSet);
    this.#sampleWeight = sampleWeight &&
      this.#upload(device, `${name} weights`, { data: sampleWeight, shape: [count] });
    this.#order = inputLeaf(`${name} order`, [count], "u32");
    this.#storages.set(this.#order, device.allocate("u32", count, `${name} order`));
    this.setOrder(Uint32Array.from({ length: count }, (_, index) => index));
  }

  /** Number of samples. */
  get samples(): number {
    return this.dataSet.x.shape[0];
  }

  /** The order in which samples are visited from now on. */
  setOrder(order: Uint32Array): void {
    this.#storages.get(this.#order)!.write(order);
  }

  /** The tensors of a batch of `count` samples; the same ones for the same count. */
  batch(count: number): BatchTensors {
    let tensors = this.#batches.get(count);
    if (!tensors) this.#batches.set(count, tensors = this.#gather(count));
    return tensors;
  }

  /** Memory of a leaf; `undefined` for a leaf of others. */
  storage(leaf: Tensor): Storage | undefined {
    return this.#storages.get(leaf);
  }

  /** Frees the memory. */
  dispose(): void {
    for (const storage of this.#storages.values()) storage.dispose();
  }

  #upload(device: Device, name: string, part: StoredInputs | StoredTargets): Tensor {
    const dtype = part.data instanceof Uint8Array
      ? "u8"
      : part.data instanceof Int32Array
      ? "i32"
      : "f32";
    const leaf = inputLeaf(name, part.shape, dtype);
    const storage = device.allocate(dtype, part.data.length, name);
    storage.write(part.data);
    this.#storages.set(leaf, storage);
    return leaf;
  }

  #gather(count: number): BatchTensors {
    const { x, y } = this.dataSet;
    const options = { count, start: this.start };
    return {
      x: gather(this.#x, this.#order, {
        ...options,
        dtype: "f32",
        scale: x.scale ?? 1,
        offset: x.offset ?? 0,
      }),
      y: gather(this.#y, this.#order, {
        ...options,
        dtype: y.data instanceof Float32Array
          ? "f32"
          : y.data instanceof Int32Array
          ? "i32"
          : "u32",
      }),
      sampleWeight: this.#sampleWeight && gather(this.#sampleWeight, this.#order, options),
    };
  }
}
