import { type AnyDataSet, sampleCount } from "../../data/data_set.ts";
import { BatchWalk } from "./batch_walk.ts";
import type { MiniBatchesOptions } from "./mini_batches.ts";
import { received } from "../state/received.ts";
import type { RunSettings } from "./saved_run.ts";
import type { SourceSettings } from "./source.ts";

/** Options of `miniBatches` that were checked. */
export interface BatchSettings extends SourceSettings {
  /** Which batch every step has. */
  readonly walk: BatchWalk;
}

function refuse(name: string, rule: string, given: unknown): never {
  throw new RangeError(
    `Cannot make mini-batches as ${name} must be ${rule}: received ${received(given)}`,
  );
}

function checkWhole(name: string, value: number | undefined, from = 1): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= from)) return;
  refuse(name, `a whole number from ${from}`, value);
}

/** Checks the options of `miniBatches`. */
export function batchSettings(dataSet: AnyDataSet, options: MiniBatchesOptions): BatchSettings {
  const { batchSize = 32, epochs = 1, seed = 0, shuffle = true, dropRemainder = false } = options;
  const { stepsPerEpoch, limitBatches, overfitBatches, fastDevRun = false } = options;
  const samples = sampleCount(dataSet);
  if (samples < 1) refuse("the data set", "at least one sample", samples);
  checkWhole("batchSize", batchSize);
  if (dropRemainder && batchSize > samples) {
    refuse("batchSize", `at most the ${samples} samples when dropRemainder is set`, batchSize);
  }
  if (!(Number.isInteger(epochs) || epochs === Infinity) || epochs < 0) {
    refuse("epochs", "a whole number from 0, or Infinity", epochs);
  }
  checkWhole("seed", seed, 0);
  checkWhole("stepsPerEpoch", stepsPerEpoch);
  checkWhole("overfitBatches", overfitBatches);
  if (limitBatches !== undefined && !(limitBatches > 0 && limitBatches < 1)) {
    if (!Number.isSafeInteger(limitBatches) || limitBatches < 1) {
      refuse("limitBatches", "a whole number from 1, or a share between 0 and 1", limitBatches);
    }
  }
  const rehearsal = fastDevRun === true ? 1 : fastDevRun === false ? undefined : fastDevRun;
  checkWhole("fastDevRun", rehearsal);
  const { device, threads, dtypePolicy, resume } = options;
  if (rehearsal !== undefined && resume !== undefined) {
    refuse("fastDevRun", "left out when a run is resumed", fastDevRun);
  }
  return {
    run: { seed, batchSize, shuffle, dropRemainder, samples, ...given(options) },
    epochs: rehearsal === undefined ? epochs : Math.min(epochs, 1),
    walk: new BatchWalk({
      samples,
      batchSize,
      dropRemainder,
      stepsPerEpoch: rehearsal === undefined ? stepsPerEpoch : undefined,
      limitBatches: rehearsal ?? limitBatches,
      overfitBatches,
    }),
    rehearsal,
    resume,
    device,
    threads,
    dtypePolicy,
  };
}

/** Options that a run may do without: those that were given. */
function given(
  { stepsPerEpoch, limitBatches, overfitBatches, dtypePolicy: policy }: MiniBatchesOptions,
): Partial<RunSettings> {
  const dtypePolicy = policy === "float32" ? undefined : policy;
  const options = { stepsPerEpoch, limitBatches, overfitBatches, dtypePolicy };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
