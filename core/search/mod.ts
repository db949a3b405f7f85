/**
 * Search for hyperparameters: a space, a stream of trials, samplers, and pruners as operators.
 *
 * @module
 */
export {
  choice,
  type ChoiceRange,
  type Condition,
  type Dimension,
  float,
  type FloatOptions,
  integer,
  type IntegerOptions,
  type NumericRange,
  type ParameterValue,
  type Range,
  when,
} from "./dimension.ts";
export { gridSearch, type GridSearchOptions } from "./grid_search.ts";
export { hyperband, type HyperbandOptions } from "./hyperband.ts";
export { medianPruning, type MedianPruningOptions } from "./median_pruning.ts";
export type { PrunedTrial, Pruner, PruningOperator } from "./pruner.ts";
export { randomSearch } from "./random_search.ts";
export type { Sampler, SamplerRequest, Suggest } from "./sampler.ts";
export { search, type SearchOptions } from "./search.ts";
export type { ParameterValues, SearchParameters, Space } from "./space.ts";
export { successiveHalving, type SuccessiveHalvingOptions } from "./successive_halving.ts";
export { tpe, type TpeOptions } from "./tpe.ts";
export type {
  Direction,
  EpochRecord,
  Objective,
  Trial,
  TrialContext,
  TrialEpoch,
  TrialRecord,
  TrialState,
} from "./trial.ts";
