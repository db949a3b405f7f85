import type { BatchTensors } from "./resident_data.ts";
import type { Run } from "./run.ts";

/** A batch that is on the device. */
export interface FedBatch {
  /** Its samples. */
  readonly samples: number;
  /** Samples before it in the epoch. */
  readonly start: number;
  /** Its tensors; the same ones for the same number of samples. */
  readonly tensors: BatchTensors;
}

/** Where a source has its batches from. */
export interface Feed {
  /** Steps of an epoch. */
  readonly stepsPerEpoch: number;
  /** True where batches come when they come: a loss that is NaN is to be known before the next. */
  readonly isOnline: boolean;
  /**
   * To be called before the first batch.
   *
   * @param run Where the batches go.
   * @param settle Waits until nothing is under way and all values are known.
   */
  open(run: Run, settle: () => Promise<void>): void;
  /** The batch of a step, its epoch from 1 and its index in it from 0; nothing when there is none. */
  next(epoch: number, index: number): Promise<FedBatch | undefined> | FedBatch | undefined;
  /** The run is over: whoever waits for a batch gets none. */
  close(): void;
}
