import type { AnyDataSet } from "../../data/data_set.ts";
import { permutation } from "../state/permutation.ts";
import type { BatchSettings } from "./batch_settings.ts";
import type { FedBatch, Feed } from "./feed.ts";
import type { LoadedData } from "./resident_data.ts";
import type { Run } from "./run.ts";

/** The batches of a data set, in the order of its passes. */
export class DataSetFeed implements Feed {
  readonly stepsPerEpoch: number;
  readonly isOnline = false;
  #data: LoadedData | undefined;
  #settle: () => Promise<void> = () => Promise.resolve();
  /** The pass over the data whose order the samples have. */
  #pass: number | undefined;
  #closed = false;

  /** @param dataSet The data. @param settings Which batch every step has. */
  constructor(private readonly dataSet: AnyDataSet, private readonly settings: BatchSettings) {
    this.stepsPerEpoch = settings.walk.stepsPerEpoch;
  }

  open(run: Run, settle: () => Promise<void>): void {
    this.#settle = settle;
    this.#data = run.load(this.dataSet, "training", this.settings.run.batchSize);
  }

  next(epoch: number, index: number): Promise<FedBatch> | FedBatch {
    const { pass, start, samples } = this.settings.walk.place(epoch, index);
    const data = this.#data!;
    const batch = { start, samples, tensors: data.batch(samples) };
    if (pass !== this.#pass) return this.#begin(pass, data, batch);
    const awaited = data.bring(start);
    return awaited ? awaited.then(() => batch) : batch;
  }

  close(): void {
    this.#closed = true;
  }

  /** Puts the samples in the order of a pass; a batch that is looked into is one of the last. */
  async #begin(pass: number, data: LoadedData, batch: FedBatch): Promise<FedBatch> {
    const { seed, shuffle } = this.settings.run;
    if (shuffle && this.#pass !== undefined) await this.#settle();
    if (this.#closed) return batch;
    this.#pass = pass;
    if (shuffle) data.setOrder(permutation(data.samples, seed, pass));
    await data.bring(batch.start);
    return batch;
  }
}
