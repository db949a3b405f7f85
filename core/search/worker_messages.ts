import type { ParameterValues } from "./space.ts";
import type { TrialContext, TrialEpoch } from "./trial.ts";

/** What a search tells a Worker. */
export type ToWorker =
  | {
    readonly type: "run";
    /** Address of the module with the objective. */
    readonly module: string;
    readonly parameters: ParameterValues;
    readonly trial: TrialContext;
  }
  /** The epoch that was told of is not the last: go on. */
  | { readonly type: "continue"; readonly number: number }
  /** Nobody listens to the trial any more: end it. */
  | { readonly type: "stop"; readonly number: number };

/** What a Worker tells of a trial. */
export type FromWorker =
  & { readonly number: number }
  & (
    | { readonly type: "epoch"; readonly epoch: Pick<TrialEpoch, "epoch" | "step" | "logs"> }
    | { readonly type: "complete" }
    /** The trial failed. */
    | { readonly type: "error"; readonly message: string }
    /** There is no objective: no trial can be run. */
    | { readonly type: "refused"; readonly message: string }
  );
