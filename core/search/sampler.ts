import type { ParameterValues, Space } from "./space.ts";
import type { Direction, TrialRecord } from "./trial.ts";

/** What a sampler may look at to choose the parameters of a trial. */
export interface SamplerRequest {
  /** Number of the trial to choose for, from 1. */
  readonly number: number;
  /** The study's seed. */
  readonly seed: number;
  /** Where better is. */
  readonly direction: Direction;
  /** All trials so far by number, those that run among them. */
  readonly trials: readonly TrialRecord[];
}

/** Chooses the parameters of a trial; `undefined` when there are no more to try. */
export type Suggest = (request: SamplerRequest) => ParameterValues | undefined;

/** How parameters are chosen: checks a space, and gives what chooses in it. */
export type Sampler = (space: Space) => Suggest;
