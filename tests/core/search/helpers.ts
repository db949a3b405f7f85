import { lastValueFrom, type Observable, toArray } from "rxjs";
import type {
  EpochRecord,
  ParameterValues,
  PrunedTrial,
  TrialEpoch,
  TrialRecord,
} from "../../../core/search/mod.ts";

/** All values of a stream. */
export function all<Value>(stream: Observable<Value>): Promise<Value[]> {
  return lastValueFrom(stream.pipe(toArray()));
}

/** Epochs whose loss has these values. */
export function losses(values: readonly number[]): TrialEpoch[] {
  return values.map((loss, index) => ({
    epoch: index + 1,
    step: 10 * (index + 1),
    logs: { loss },
  }));
}

/** What is kept of such epochs. */
export function records(values: readonly number[]): EpochRecord[] {
  return values.map((value, index) => ({ epoch: index + 1, value, logs: { loss: value } }));
}

/** A trial with these losses. */
export function trialOf(
  number: number,
  values: readonly number[],
  { state = "complete", parameters = {} }: {
    state?: TrialRecord["state"];
    parameters?: ParameterValues;
  } = {},
): TrialRecord {
  const known = values.filter((value) => !Number.isNaN(value));
  const value = known.length === 0 ? undefined : Math.min(...known);
  return { number, state, parameters, epochs: records(values), value };
}

/** The latest trial of a study with these others. */
export function after(
  trials: readonly TrialRecord[],
  more: Partial<PrunedTrial> = {},
): PrunedTrial {
  const number = trials.length + 1;
  return { number, seed: 0, monitor: "loss", direction: "min", trials: () => trials, ...more };
}

/** The one in the middle, or the mean of both. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}
