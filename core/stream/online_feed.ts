import { type AnyDataSet, sampleCount } from "../../data/data_set.ts";
import type { BatchQueue } from "./batch_queue.ts";
import type { FedBatch, Feed } from "./feed.ts";
import { OnlineData } from "./online_data.ts";
import type { Run } from "./run.ts";

/** Batches that come one by one while training goes on. */
export class OnlineFeed implements Feed {
  readonly isOnline = true;
  #run: Run | undefined;
  #data: OnlineData | undefined;
  #step = 0;

  /**
   * @param queue The batches.
   * @param stepsPerEpoch Steps of an epoch.
   * @param batchSize Samples of the largest; by default those of the first.
   */
  constructor(
    private readonly queue: BatchQueue<AnyDataSet>,
    readonly stepsPerEpoch: number,
    private readonly batchSize: number | undefined,
  ) {}

  open(run: Run): void {
    this.#run = run;
    this.queue.open();
  }

  async next(): Promise<FedBatch | undefined> {
    const next = await this.queue.next();
    if (!next || this.#run!.closed) return undefined;
    const { value: batch } = next;
    const samples = sampleCount(batch);
    this.#data ??= this.#load(batch, this.batchSize ?? samples);
    this.#data.put(batch, ++this.#step);
    return { start: 0, samples, tensors: this.#data.batch(samples) };
  }

  close(): void {
    this.queue.close();
  }

  #load(first: AnyDataSet, batchSize: number): OnlineData {
    let data: OnlineData;
    this.#run!.load(first, "training", batchSize, (...given) => data = new OnlineData(...given));
    return data!;
  }
}
