import type { MetricTable } from "../nn/metric.ts";
import type { KeptState } from "./kept_state.ts";

/** Why a run ended. */
export type EndReason = "completed" | "early_stopping" | "interrupted" | "error";

/** What a run is, for people and logs. */
export interface RunDescription {
  /** The model's name. */
  readonly model: string;
  /** Number of trainable and other weights. */
  readonly parameters: number;
  /** Where it runs. */
  readonly device: {
    readonly type: string;
    readonly name: string;
    readonly threads: number;
    /** Why it was taken, where nobody named it. */
    readonly reason?: string;
  };
  /** The seed of shuffles and masks. */
  readonly seed: number;
  /** Samples of each part. */
  readonly samples: { readonly train: number; readonly validation?: number };
  /** Where the run stood when it was saved, if it was resumed. */
  readonly resumed?: { readonly epoch: number; readonly step: number };
}

/** A copy of all weights of a run, on its device. */
export interface Snapshot {
  /** Frees the copy; a second call does nothing. */
  dispose(): void;
}

/** A run as the bytes of a safetensors file. */
export interface SavedFile {
  /** The file. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Whether a run may be resumed from it; one that ends within a validation leaves its weights. */
  readonly complete: boolean;
}

/** What operators on epochs may ask of the run behind them. */
export interface RunControl {
  /** What the run is. */
  describe(): RunDescription;
  /** Settles when it is known where it runs; absent where it always is. */
  readonly decided?: Promise<void>;
  /** Why it ended, if an operator has said so; `undefined` means that it was not cut short. */
  reason: EndReason | undefined;
  /** More about why, in words, if an operator has said so. */
  explanation?: string;
  /** True when it is tried for a few batches: operators write no files then. */
  readonly isRehearsal?: boolean;
  /** True once its start event has been written, so that it is written once. */
  announced: boolean;
  /** Copies all weights on the device, at once. */
  snapshot(): Snapshot;
  /** Puts the weights of a snapshot back, at once; into the models where the run has ended. */
  restore(snapshot: Snapshot): void;
  /** All weights by name, `dense_1/kernel`, as they are after the steps so far. */
  weights(): Promise<
    Map<string, { readonly shape: readonly number[]; readonly data: Float32Array }>
  >;
  /** What files say of the run's models, where several have weights of one name. */
  readonly modelTexts?: Readonly<Record<string, string>>;
  /**
   * Makes a state a part of checkpoints, before the first step; see {@link keepState}.
   *
   * @returns A name of its own, of which `kind` is the beginning.
   */
  keep(kind: string, state: KeptState): string;
  /**
   * Writes the run to a file between two steps: as soon as the chain below the present one has
   * returned and all that was held has settled, or as the run ends. The next step waits for it.
   *
   * @param metadata More texts for the file's metadata.
   * @param write Writes the file; its error ends the run.
   * @returns Settles when the file is written.
   */
  save(
    metadata: Readonly<Record<string, string>>,
    write: (file: SavedFile) => Promise<void>,
  ): Promise<void>;
}

/** One epoch, after its last step and its validation. */
export interface Epoch {
  /** Number of the epoch, from 1. */
  readonly epoch: number;
  /** Steps since the run began. */
  readonly step: number;
  /** Means over the epoch by Keras's names: `loss`, `accuracy`, `val_loss`, `learning_rate`. */
  readonly logs: Readonly<Record<string, number>>;
  /** Tables of metrics that give one, by name: `confusion_matrix`, `val_confusion_matrix`. */
  readonly tables?: Readonly<Record<string, MetricTable>>;
  /** Where logs get better, by name: losses, and metrics by what they say of themselves. */
  readonly directions?: Readonly<Record<string, "min" | "max">>;
  /** Seconds that the epoch took, validation included. */
  readonly seconds: number;
  /** Training samples a second, validation not counted. */
  readonly samplesPerSecond: number;
  /** The run. */
  readonly run: RunControl;
  /** Makes the next epoch wait until `promise` has settled; its error ends the run. */
  hold(promise: Promise<unknown>): void;
}
