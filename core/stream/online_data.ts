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
import { emptyRows } from "../../data/streamed_data_set.ts";
import type { Device, Storage } from "../graph/device.ts";
import { DataError } from "../graph/errors.ts";
import { formatShape, sameShape } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { entriesOf, listNames } from "../nn/named.ts";
import { checkClassIds, type ClassIds } from "./class_ids.ts";
import {
  type BatchTensors,
  type LoadedData,
  ResidentData,
  storedType,
  targetsNamed,
} from "./resident_data.ts";
import type { LoadOptions } from "./streamed_data.ts";

/** Room on the device for one batch, into which the next one is put. */
export class OnlineData implements LoadedData {
  readonly samples: number;
  readonly #rows: ResidentData;
  readonly #checks = new Map<string, () => void>();
  #present: AnyDataSet;

  /** @param first The first batch: the others are of its shapes and types. */
  constructor(
    device: Device,
    private readonly first: AnyDataSet,
    { batchSize, name, start }: LoadOptions,
  ) {
    this.samples = batchSize;
    this.#present = first;
    this.#rows = new ResidentData(device, emptyRows(first, batchSize), start(), name);
  }

  /** Puts a batch on the device; the step before it keeps its own. */
  put(batch: AnyDataSet, step: number): void {
    check(batch, this.first, this.samples, step);
    this.#rows.write(batch);
    this.#present = batch;
    for (const check of this.#checks.values()) check();
  }

  setOrder(): void {}

  bring(): undefined {}

  batch(count: number): BatchTensors {
    return this.#rows.batch(count);
  }

  checkClassIds(targets: Tensor, ids: ClassIds): void {
    const name = this.#rows.nameOf(targets);
    if (name === undefined) return;
    const check = () => checkClassIds(targetsNamed(this.#present, name), ids);
    this.#checks.set(`${name} ${ids.by} ${ids.classes} ${ids.ignored}`, check);
    check();
  }

  storage(leaf: Tensor): Storage | undefined {
    return this.#rows.storage(leaf);
  }

  dispose(): void {
    this.#rows.dispose();
  }
}

type Part = StoredInputs & StoredTargets;

/** Refuses a batch that does not fit where the first one was. */
function check(batch: AnyDataSet, first: AnyDataSet, most: number, step: number): void {
  const refuse = (rule: string, given: string): never => {
    throw new DataError(
      `Cannot train on the batch of step ${step} as ${rule}: received ${given}`,
      { row: step },
    );
  };
  const samples = sampleCount(batch);
  if (batch.read) {
    refuse("it must hold its samples", "a streamed data set (give it to miniBatches)");
  }
  if (!(samples >= 1 && samples <= most)) {
    refuse(`it must have from 1 to ${most} samples, as many as batchSize says`, `${samples}`);
  }
  if (Boolean(batch.sampleWeight) !== Boolean(first.sampleWeight)) {
    refuse("all batches or none must have a sampleWeight", batch.sampleWeight ? "one" : "none");
  }
  sampleWeightOf(batch);
  for (const what of ["inputs", "targets"] as const) {
    const partsOf = (all: AnyDataSet) =>
      entriesOf<Part>(
        (what === "inputs" ? all.x : all.y) as Part,
        (part) => isStored(part as Inputs | Targets),
      );
    const before = partsOf(first);
    const now = new Map(partsOf(batch));
    const names = (parts: Iterable<string | null>) => listNames([...parts].sort());
    if (names(now.keys()) !== names(before.map(([name]) => name))) {
      refuse(
        `its ${what} must be those of the first, ${names(before.map(([name]) => name))}`,
        names(now.keys()),
      );
    }
    for (const [name, expected] of before) {
      const title = name === null ? what : `${what} ${name}`;
      const given = now.get(name)!;
      const [shape, wanted] = [given.shape.slice(1), expected.shape.slice(1)];
      if (!sameShape(shape, wanted)) {
        refuse(
          `the ${title} of a sample must have the shape ${formatShape(wanted)}`,
          formatShape(shape),
        );
      }
      if (given.data.constructor !== expected.data.constructor) {
        refuse(
          `its ${title} must be a ${expected.data.constructor.name}`,
          given.data?.constructor?.name,
        );
      }
      if (given.scale !== expected.scale || given.offset !== expected.offset) {
        refuse(`the scale and offset of its ${title} must be those of the first`, "others");
      }
      storedType(title, given, ["u8", "i32", "f32"]);
    }
  }
}
