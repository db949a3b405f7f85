/**
 * Training as a stream: the source, the stages, and the operators on steps and epochs.
 *
 * @module
 */
export {
  accumulateGradients,
  type AccumulationScheduleState,
  type AccumulationSteps,
} from "./accumulate_gradients.ts";
export { backward } from "./backward.ts";
export { batchesFrom, type BatchesFromOptions, type BatchInput } from "./batches_from.ts";
export { beamSearch, type BeamSearchOptions } from "./beam_search.ts";
export type { FoundSequence } from "./beams.ts";
export { classWeight, type ClassWeights } from "./class_weight.ts";
export { clipGradients, type ClipGradientsOptions } from "./clip_gradients.ts";
export type { Losses, LossWeights, Metrics } from "./criteria.ts";
export type { EndReason, Epoch, RunControl, RunDescription, SavedFile, Snapshot } from "./epoch.ts";
export { epochs, type EpochsOptions } from "./epochs.ts";
export { evaluate, type EvaluateOptions, evaluateTables } from "./evaluate.ts";
export {
  exponentialMovingAverage,
  type ExponentialMovingAverageOptions,
} from "./exponential_moving_average.ts";
export { fit, type FitOptions } from "./fit.ts";
export { forward } from "./forward.ts";
export { generate, type GenerateOptions } from "./generate.ts";
export type { GenerationOptions } from "./generation.ts";
export { gradientNoise, type GradientNoiseOptions } from "./gradient_noise.ts";
export { gradientNorms, type GradientNormsOptions } from "./gradient_norms.ts";
export { keepState, type KeptState, type StateValue } from "./kept_state.ts";
export { freeze, type FreezeRule } from "./freeze.ts";
export { loss, type LossFunctionOptions, type LossOptions } from "./loss.ts";
export type {
  AnyLossFunction,
  ByLossFunction,
  LossAccess,
  LossFunction,
  LossInputs,
  LossTerms,
  TermWeights,
} from "./loss_function.ts";
export { measure, measureWeighted, type MetricsByName } from "./measure.ts";
export { lossScaling, type LossScalingOptions } from "./loss_scaling.ts";
export { miniBatches, type MiniBatchesOptions } from "./mini_batches.ts";
export {
  type DeviceChoice,
  type DeviceOptions,
  openDevice,
  type OpenedDevice,
} from "./open_device.ts";
export type { InputValuesFor } from "./inference_data.ts";
export { type OpenModel, openModel, type OpenModelOptions } from "./open_model.ts";
export { predict } from "./predict.ts";
export {
  type Explanation,
  type Prediction,
  type Predictions,
  predictions,
  type PredictOptions,
} from "./predictions.ts";
export { loadModel, saveModel } from "./saved_model.ts";
export type { Reduction } from "./score.ts";
export { type ResetRule, resetStates } from "./reset_states.ts";
export type { InputsFor, TensorsFor } from "./resident_data.ts";
export type { AnyBatch, AnyDifferentiated, AnyForwarded, AnyScored, AnyUpdated } from "./stages.ts";
export {
  Batch,
  Differentiated,
  Forwarded,
  Scored,
  Updated,
  type WeighedClasses,
} from "./stages.ts";
export { update, type UpdateOptions } from "./update.ts";
export { updateTarget, type UpdateTargetOptions } from "./update_target.ts";
export type { WeightPairsOptions } from "./weight_pairs.ts";
export {
  stochasticWeightAveraging,
  type StochasticWeightAveragingOptions,
} from "./stochastic_weight_averaging.ts";
export { settled } from "./settled.ts";
export type { WeightPattern } from "../nn/weight_pattern.ts";
export { cutMix } from "./cut_mix.ts";
export { mixUp } from "./mix_up.ts";
export type { MixingOptions } from "./mixing.ts";
export { copyWeights, type CopyWeightsOptions } from "./copy_weights.ts";
export {
  loadWeights,
  type LoadWeightsOptions,
  readWeightsMetadata,
  saveWeights,
  type SaveWeightsOptions,
} from "./weights.ts";
export type { WeightSource } from "./foreign_weights.ts";
export * from "./explain/mod.ts";
export * from "./operators/mod.ts";
export { sampleToken, type TokenSampling } from "./sample_token.ts";
