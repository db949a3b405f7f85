/** Where a batch lies. */
export interface BatchPlace {
  /** The pass over the data, from 1, whose order the samples have. */
  readonly pass: number;
  /** Samples before it in that order. */
  readonly start: number;
  /** Samples in it. */
  readonly samples: number;
}

/** What decides the way of a run through its data. */
export interface WalkOptions {
  /** Samples of the data set. */
  readonly samples: number;
  /** Samples in a batch. */
  readonly batchSize: number;
  /** Whether a last batch that is not full is left out. */
  readonly dropRemainder: boolean;
  /** Steps of an epoch, where it is no pass over the data. */
  readonly stepsPerEpoch?: number;
  /** The first batches of a pass: so many, or this share of them. */
  readonly limitBatches?: number;
  /** So many batches of the first pass, again and again. */
  readonly overfitBatches?: number;
}

/** The way of a run through its data: which batch every step has. */
export class BatchWalk {
  /** Steps of an epoch. */
  readonly stepsPerEpoch: number;
  /** Batches of a pass. */
  readonly #batches: number;

  /** @param options What was asked for, with no number out of range. */
  constructor(private readonly options: WalkOptions) {
    const { samples, batchSize, dropRemainder, stepsPerEpoch } = options;
    const { limitBatches = Infinity, overfitBatches = Infinity } = options;
    const all = dropRemainder ? Math.floor(samples / batchSize) : Math.ceil(samples / batchSize);
    const limited = limitBatches < 1 ? Math.max(1, Math.floor(limitBatches * all)) : limitBatches;
    this.#batches = Math.min(all, limited, overfitBatches);
    this.stepsPerEpoch = stepsPerEpoch ?? this.#batches;
  }

  /** The batch of a step: its epoch is counted from 1, its index in the epoch from 0. */
  place(epoch: number, index: number): BatchPlace {
    const { samples, batchSize, overfitBatches } = this.options;
    const before = (epoch - 1) * this.stepsPerEpoch + index;
    const start = before % this.#batches * batchSize;
    return {
      pass: overfitBatches === undefined ? Math.floor(before / this.#batches) + 1 : 1,
      start,
      samples: Math.min(batchSize, samples - start),
    };
  }
}
