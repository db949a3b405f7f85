import { type AnyDataSet, sampleCount, sliceSamples } from "../../data/data_set.ts";
import { emptyRows, readInto } from "../../data/streamed_data_set.ts";
import type { Device, Storage } from "../graph/device.ts";
import type { Tensor } from "../graph/tensor.ts";
import { checkClassIds, type ClassIds } from "./class_ids.ts";
import { type BatchTensors, type LoadedData, ResidentData, targetsNamed } from "./resident_data.ts";

/** Bytes of samples on the device, about; and as many on the host, being read. */
const windowBytes = 2 ** 22;

/** What must be known of a data set's use to put it on a device. */
export interface LoadOptions {
  /** Samples in a batch. */
  readonly batchSize: number;
  /** Name for messages. */
  readonly name: string;
  /** The scalar that says where a batch begins: in the whole, or in its window of so many samples. */
  start(window?: number): Tensor;
}

/** What puts a data set on a device: {@link loadData} or another. */
export type Loader = (device: Device, dataSet: AnyDataSet, options: LoadOptions) => LoadedData;

/** Puts a data set on the device, or, where it reads its rows, makes room for some batches. */
export function loadData(device: Device, dataSet: AnyDataSet, options: LoadOptions): LoadedData {
  if (dataSet.read) return new StreamedData(device, dataSet, options);
  return new ResidentData(device, dataSet, options.start(), options.name);
}

/**
 * A data set of which a window of some batches is on the device. While these are trained on, the
 * next ones are read; one call of the reader follows another.
 */
class StreamedData implements LoadedData {
  readonly samples: number;
  /** Samples of a window: whole batches, so that none lies in two windows. */
  readonly #size: number;
  readonly #window: ResidentData;
  /** Where samples are read to. */
  readonly #rows: AnyDataSet;
  #order: Uint32Array | undefined;
  /** The window on the device. */
  #present = -1;
  #disposed = false;
  /** What is asked of the samples of each window. */
  readonly #checks = new Map<string, () => void>();
  #begun = false;
  /** The window that is being read, or was read last; it settles when the reader is free. */
  #reading: { readonly window: number; readonly done: Promise<void> } | undefined;

  /** Makes room for a window on `device`; nothing is read yet. */
  constructor(device: Device, private readonly dataSet: AnyDataSet, options: LoadOptions) {
    const { batchSize, name } = options;
    const samples = this.samples = sampleCount(dataSet);
    const most = Math.ceil(samples / batchSize);
    const batches = Math.min(most, Math.floor(windowBytes / (bytesOf(dataSet) * batchSize)));
    this.#size = Math.max(1, batches) * batchSize;
    this.#rows = emptyRows(dataSet, this.#size);
    this.#window = new ResidentData(device, this.#rows, options.start(this.#size), name);
  }

  setOrder(order: Uint32Array): void {
    this.#order = order;
    this.#present = -1;
    // What is being read was wanted by the old order; the reader is waited for all the same.
    if (this.#reading) this.#reading = { window: -1, done: this.#reading.done };
  }

  batch(count: number): BatchTensors {
    return this.#window.batch(count);
  }

  bring(start: number): Promise<void> | undefined {
    const window = Math.floor(start / this.#size);
    if (window !== this.#present) return this.#bring(window);
    this.#readAhead();
  }

  checkClassIds(targets: Tensor, ids: ClassIds): void {
    const name = this.#window.nameOf(targets);
    if (name === undefined) return;
    const check = () => {
      const { rows, batch } = this.#part(this.#present);
      checkClassIds(targetsNamed(batch, name), ids, (row) => rows[row]);
    };
    this.#checks.set(`${name} ${ids.by} ${ids.classes} ${ids.ignored}`, check);
    // Once the next window is being read the host no longer has this one, which was checked before.
    if (this.#present >= 0 && this.#reading!.window === this.#present) check();
  }

  storage(leaf: Tensor): Storage | undefined {
    return this.#window.storage(leaf);
  }

  dispose(): void {
    this.#disposed = true;
    this.#window.dispose();
  }

  async #bring(window: number): Promise<void> {
    if (this.#reading?.window !== window) this.#read(window);
    await this.#reading!.done;
    if (this.#disposed) return;
    this.#window.write(this.#part(window).batch);
    this.#present = window;
    for (const check of this.#checks.values()) check();
    // What is asked of the first window is known when its first step has been staged.
    if (this.#begun) this.#readAhead();
    this.#begun = true;
  }

  /** The device has its own copy of a window: the next one may be read over it. */
  #readAhead(): void {
    const next = this.#present + 1;
    if (next * this.#size < this.samples && this.#reading!.window !== next) this.#read(next);
  }

  #read(window: number): void {
    const { rows, batch } = this.#part(window);
    const before = this.#reading?.done.catch(() => {}) ?? Promise.resolve();
    const done = before.then(() => readInto(this.dataSet, rows, batch));
    // Whoever brings the window sees the error; nobody may come.
    done.catch(() => {});
    this.#reading = { window, done };
  }

  /** The samples of a window, and where they are read to. */
  #part(window: number): { rows: Uint32Array; batch: AnyDataSet } {
    const start = window * this.#size;
    const count = Math.min(this.#size, this.samples - start);
    const rows = this.#order?.slice(start, start + count) ??
      Uint32Array.from({ length: count }, (_, place) => start + place);
    return { rows, batch: sliceSamples(this.#rows, 0, count) };
  }
}

/** Bytes of a sample. */
function bytesOf(dataSet: AnyDataSet): number {
  const { x, y } = emptyRows(dataSet, 1);
  const parts = [x, y].flatMap((part) =>
    ArrayBuffer.isView(part.data) ? [part] : Object.values(part)
  );
  return parts.reduce((sum, { data }) => sum + (data as Float32Array).byteLength, 0);
}
