import type { Observable } from "../nn/rxjs_types.ts";
import type { EndReason } from "../stream/epoch.ts";
import type { ParameterValues, SearchParameters, Space } from "./space.ts";

/** Where better is. */
export type Direction = "min" | "max";

/**
 * What a search needs to know of an epoch. Every `Epoch` of a training is one; the objective of
 * anything else may make its own: `of({ epoch: 1, logs: { loss: 0.5 } })`.
 */
export interface TrialEpoch {
  /** Number of the epoch, from 1; each is larger than the one before it. */
  readonly epoch: number;
  /** Steps since the trial began. */
  readonly step?: number;
  /** Numbers by name. */
  readonly logs: Readonly<Record<string, number>>;
  /** The run behind it, which a pruner tells that it was stopped early. */
  readonly run?: {
    /** Why it ended. */
    reason: EndReason | undefined;
  };
  /** Makes the next epoch wait until `promise` has settled. */
  hold?(promise: Promise<unknown>): void;
}

/** What an objective is told of its trial beside the parameters. */
export interface TrialContext {
  /** Number of the trial, from 1. */
  readonly number: number;
  /** A seed for the weights and shuffles of this trial, from that of the study and the number. */
  readonly seed: number;
}

/**
 * What is tried: makes the stream of epochs of a trial, `fit(…)` or a pipe that ends in `epochs()`.
 * Subscribing begins the trial, unsubscribing ends it.
 */
export type Objective<S extends Space> = (
  parameters: SearchParameters<S>,
  trial: TrialContext,
) => Observable<TrialEpoch>;

/**
 * How a trial stands: `running`; `complete`, as its epochs came to their end; `pruned`, as the pruner
 * ended them; `failed`, as they ended with an error, or without a number to judge it by.
 */
export type TrialState = "running" | "complete" | "pruned" | "failed";

/** What is kept of an epoch. */
export interface EpochRecord {
  /** Number of the epoch. */
  readonly epoch: number;
  /** Steps since the trial began, if the objective said so. */
  readonly step?: number;
  /** The monitored number; may be NaN. */
  readonly value: number;
  /** All numbers by name. */
  readonly logs: Readonly<Record<string, number>>;
}

/** A trial as samplers and pruners see it. */
export interface TrialRecord {
  /** Number of the trial, from 1. */
  readonly number: number;
  /** How it stands. */
  readonly state: TrialState;
  /** Its parameters. */
  readonly parameters: ParameterValues;
  /** Its epochs so far. */
  readonly epochs: readonly EpochRecord[];
  /** The best monitored number of its epochs; `undefined` while there is none. */
  readonly value?: number;
  /** Seconds that it took; of a trial that was begun again, those of the last time. */
  readonly seconds?: number;
  /** What went wrong, if it failed. */
  readonly error?: string;
}

/** A trial that has ended. */
export interface Trial<S extends Space = Space> extends Omit<TrialRecord, "parameters"> {
  /** How it ended. */
  readonly state: Exclude<TrialState, "running">;
  /** Its parameters. */
  readonly parameters: SearchParameters<S>;
  /** Whether it is complete and better than all complete trials that came before it. */
  readonly best: boolean;
}

/** Whether one number is better than another; NaN never is. */
export function isBetter(value: number, other: number, direction: Direction): boolean {
  return direction === "min" ? value < other : value > other;
}

/** The best number, NaN left out; `undefined` when there is none. */
export function bestOf(values: readonly number[], direction: Direction): number | undefined {
  return values.filter((value) => !Number.isNaN(value)).reduce<number | undefined>(
    (best, value) => best === undefined || isBetter(value, best, direction) ? value : best,
    undefined,
  );
}
