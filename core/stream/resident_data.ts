import {
  type AnyDataSet,
  type Inputs,
  isStored,
  sampleCount,
  sampleWeightOf,
  type StoredInputs,
  type StoredTargets,
  type Targets,
} from "../../data/data_set.ts";
import type { Device, Storage } from "../graph/device.ts";
import { DataError } from "../graph/errors.ts";
import { inputLeaf } from "../graph/leaf.ts";
import { sizeOf } from "../graph/shape.ts";
import { Tensor } from "../graph/tensor.ts";
import { type Like, mapNamed, type OneOrNamed, tensorEntries, type Tensors } from "../nn/named.ts";
import { gather } from "../ops/gather.ts";
import { checkClassIds, type ClassIds } from "./class_ids.ts";

/** The tensors that arrays become: one, or a record of the same names. */
export type TensorsFor<Arrays extends Inputs | Targets> = Arrays extends
  StoredInputs | StoredTargets ? Tensor
  : { readonly [Name in keyof Arrays]: [Arrays[Name]] extends [never] ? never : Tensor };

/** The arrays that a model of these inputs takes. */
export type InputsFor<X extends Tensors> = Like<X, StoredInputs>;

/** A batch's inputs and targets, as symbols. */
export interface BatchTensors {
  /** Inputs, `[batch, ...features]`, f32. */
  readonly x: Tensors;
  /** Targets, `[batch]` u32 class ids or `[batch, outputs]` f32. */
  readonly y: Tensors;
  /** How much each sample counts, `[batch]`, f32; `null` where each counts once. */
  readonly sampleWeight: Tensor | null;
}

/** An array of the data set on the device, and how its rows are converted. */
interface Loaded {
  readonly leaf: Tensor;
  readonly convert: { dtype: "f32" | "i32" | "u32"; scale?: number; offset?: number };
}

/** What numbers are stored in; of other types a device would read the bytes as something else. */
const arrayOf = { u8: Uint8Array, i32: Int32Array, f32: Float32Array };
type StoredType = keyof typeof arrayOf;

/** A data set as the device sees it. */
export interface LoadedData {
  /** Number of samples. */
  readonly samples: number;
  /** The order in which samples are visited from now on. */
  setOrder(order: Uint32Array): void;
  /** The tensors of a batch of `count` samples; the same ones for the same count. */
  batch(count: number): BatchTensors;
  /** Sees that the batch from `start` is on the device; gives a promise if that has to be waited for. */
  bring(start: number): Promise<void> | undefined;
  /** Refuses labels that are no class, if `targets` are those of a batch as they were stored. */
  checkClassIds(targets: Tensor, ids: ClassIds): void;
  /** Memory of a leaf; `undefined` for a leaf of others. */
  storage(leaf: Tensor): Storage | undefined;
  /** Frees the memory. */
  dispose(): void;
}

/**
 * A data set that lives on the device, in the type it is stored in. A batch is the rows that the
 * order names, from a position that is a scalar of the step: gathering, converting and normalising
 * them is the first kernel of the plan.
 */
export class ResidentData implements LoadedData {
  readonly samples: number;
  readonly #x: OneOrNamed<Loaded>;
  readonly #y: OneOrNamed<Loaded>;
  readonly #sampleWeight: Tensor | null;
  readonly #order: Tensor;
  readonly #storages = new Map<Tensor, Storage>();
  readonly #batches = new Map<number, BatchTensors>();
  /** What labels were found to be. */
  readonly #checked = new Set<string>();

  /** Uploads `dataSet`; `start` is the scalar that says where a batch begins. */
  constructor(
    device: Device,
    private readonly dataSet: AnyDataSet,
    private readonly start: Tensor,
    name: string,
  ) {
    const count = this.samples = sampleCount(dataSet);
    try {
      this.#x = mapNamed(dataSet.x, isStored, (part, key) => {
        const { scale = 1, offset = 0 } = part;
        const leaf = this.#upload(device, title(`${name} inputs`, key), part);
        return { leaf, convert: { dtype: "f32", scale, offset } };
      });
      this.#y = mapNamed(dataSet.y, isStored, (part, key) => {
        const dtype = part.data instanceof Float32Array
          ? "f32"
          : part.data instanceof Int32Array
          ? "i32"
          : "u32";
        return {
          leaf: this.#upload(device, title(`${name} targets`, key), part, ["u8", "i32", "f32"]),
          convert: { dtype },
        };
      });
      const sampleWeight = sampleWeightOf(dataSet);
      this.#sampleWeight = sampleWeight &&
        this.#upload(device, `${name} weights`, { data: sampleWeight, shape: [count] });
      this.#order = inputLeaf(`${name} order`, [count], "u32");
      this.#storages.set(this.#order, device.allocate("u32", count, `${name} order`));
      this.setOrder(Uint32Array.from({ length: count }, (_, index) => index));
    } catch (error) {
      // Data that are refused leave nothing on the device.
      this.dispose();
      throw error;
    }
  }

  setOrder(order: Uint32Array): void {
    this.#storages.get(this.#order)!.write(order);
  }

  batch(count: number): BatchTensors {
    let tensors = this.#batches.get(count);
    if (!tensors) this.#batches.set(count, tensors = this.#gather(count));
    return tensors;
  }

  bring(): undefined {}

  /** Puts other samples in the place of the first ones. */
  write({ x, y, sampleWeight }: AnyDataSet): void {
    const put = (loaded: OneOrNamed<Loaded>, parts: Inputs | Targets) => {
      mapNamed(parts, isStored, ({ data }, key) => {
        const { leaf } = key === null ? loaded as Loaded : (loaded as Record<string, Loaded>)[key];
        this.#storages.get(leaf)!.write(data);
      });
    };
    put(this.#x, x);
    put(this.#y, y);
    if (sampleWeight) this.#storages.get(this.#sampleWeight!)!.write(sampleWeight);
  }

  checkClassIds(targets: Tensor, ids: ClassIds): void {
    const name = this.nameOf(targets);
    // Losses and metrics of one batch size or another mostly ask for the same.
    const asked = `${name} ${ids.classes} ${ids.ignored}`;
    if (name === undefined || this.#checked.has(asked)) return;
    checkClassIds(targetsNamed(this.dataSet, name), ids);
    this.#checked.add(asked);
  }

  /** Name of the targets that became a batch's tensor; `undefined` for another tensor. */
  nameOf(tensor: Tensor): string | null | undefined {
    for (const { y } of this.#batches.values()) {
      const found = tensorEntries(y).find(([, made]) => made === tensor);
      if (found) return found[0];
    }
  }

  storage(leaf: Tensor): Storage | undefined {
    return this.#storages.get(leaf);
  }

  dispose(): void {
    for (const storage of this.#storages.values()) storage.dispose();
  }

  #upload(
    device: Device,
    name: string,
    part: StoredInputs | StoredTargets,
    types?: readonly StoredType[],
  ): Tensor {
    const dtype = storedType(name, part, types);
    const leaf = inputLeaf(name, part.shape, dtype);
    const storage = device.allocate(dtype, part.data.length, name);
    this.#storages.set(leaf, storage);
    storage.write(part.data);
    return leaf;
  }

  #gather(count: number): BatchTensors {
    const options = { count, start: this.start };
    const rows = ({ leaf, convert }: Loaded) =>
      gather(leaf, this.#order, { ...options, ...convert });
    return {
      x: mapNamed(this.#x, isLoaded, rows),
      y: mapNamed(this.#y, isLoaded, rows),
      sampleWeight: this.#sampleWeight && gather(this.#sampleWeight, this.#order, options),
    };
  }
}

/**
 * In what an array is stored.
 *
 * @throws {DataError} when it is in none of `types`, or does not hold as many numbers as its shape says.
 */
export function storedType(
  name: string,
  part: StoredInputs | StoredTargets,
  types: readonly StoredType[] = ["u8", "f32"],
): StoredType {
  const dtype = types.find((type) => part.data instanceof arrayOf[type]);
  if (!dtype) {
    throw new DataError(
      `Cannot load the ${name} as their data must be a ${
        types.map((type) => arrayOf[type].name).join(" or ")
      }: received ${part.data?.constructor?.name} (arrays(x, y) converts what it is given)`,
    );
  }
  const size = sizeOf(part.shape);
  if (part.data.length !== size) {
    throw new DataError(
      `Cannot load the ${name} as shape [${part.shape.join(", ")}] is that of ${size} numbers: ` +
        `received ${part.data.length}${
          part.data.length ? "" : " (a streamed data set holds none: give the data set itself)"
        }`,
    );
  }
  return dtype;
}

/** The targets of a name; `null` for the only ones. */
export function targetsNamed({ y }: AnyDataSet, name: string | null): StoredTargets {
  return isStored(y) ? y : y[name!];
}

function isLoaded(value: OneOrNamed<Loaded>): boolean {
  return value.leaf instanceof Tensor;
}

function title(what: string, key: string | null): string {
  return key === null ? what : `${what} ${key}`;
}
