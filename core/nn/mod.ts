/**
 * Layers, models, losses, metrics, optimizers, initializers and schedules.
 *
 * @module
 */
export { activationNames, activationOf } from "./activations.ts";
export type { ActivationFunction, ActivationName } from "./activations.ts";
export { checkCount } from "./check_count.ts";
export { checkScalar } from "./check_scalar.ts";
export type { ScalarRange } from "./check_scalar.ts";
export type { Constraint } from "./constraint.ts";
export { connect, LayerOutput } from "./connect.ts";
export type { AnyLayer, AnyModel, LayerCall, ModelNode } from "./connect.ts";
export type { CtcPath } from "./ctc_beam_search.ts";
export { ctcDecode } from "./ctc_decode.ts";
export type { CtcDecodeOptions, StepScores } from "./ctc_decode.ts";
export { editDistance } from "./edit_distance.ts";
export { frozen, type FrozenOptions } from "./frozen.ts";
export { lora, type LoraOptions, mergeLora } from "./lora.ts";
export type { LowRankOptions } from "./layers/low_rank.ts";
export { reversed } from "./reversed.ts";
export { functional } from "./functional.ts";
export type { FunctionalDefinition, TensorsOf } from "./functional.ts";
export { hyperparameter } from "./hyperparameter.ts";
export type { Hyperparameter, HyperparameterOptions } from "./hyperparameter.ts";
export type { Initializer } from "./initializer.ts";
export * from "./initializers/mod.ts";
export type {
  ApplyContext,
  Layer,
  LayerInitialization,
  LayerParameter,
  ReverseCall,
} from "./layer.ts";
export * from "./json/mod.ts";
export * from "./layers/mod.ts";
export type { ClassIdTargets, Loss } from "./loss.ts";
export * from "./losses/mod.ts";
export type { Mask } from "./mask.ts";
export type { Metric, MetricTable } from "./metric.ts";
export { metricValue } from "./metric_value.ts";
export * from "./metrics/mod.ts";
export type { LoneMergeLayer, MergeLayer } from "./merge_layer.ts";
export type { Decoding } from "./decoding.ts";
export { Model } from "./model.ts";
export type { MaskedOutputs, ModelDefinition } from "./model.ts";
export type { GraphCall, ModelGraph } from "./model_graph.ts";
export type { Like, OneOrNamed, Tensors } from "./named.ts";
export { namedKey } from "./named_key.ts";
export type { NamedKey } from "./named_key.ts";
export type {
  OptimizedWeight,
  Optimizer,
  OptimizerUpdate,
  SlotStart,
  UpdateContext,
} from "./optimizer.ts";
export * from "./optimizers/mod.ts";
export * from "./regularizers/mod.ts";
export * from "./constraints/mod.ts";
export { Parameter } from "./parameter.ts";
export type { ParameterDefinition } from "./parameter.ts";
export type { Regularizer } from "./regularizer.ts";
export type { ModelLayer, PlacedCall } from "./place_layer.ts";
export { checkScalarSource } from "./scalar.ts";
export type { ScalarSource } from "./scalar.ts";
export type {
  MonoTypeOperatorFunction,
  Observable,
  OperatorFunction,
  RxjsTypes,
} from "./rxjs_types.ts";
export * from "./schedules/mod.ts";
export { sequential } from "./sequential.ts";
export type { ModelOptions } from "./sequential.ts";
export { summary } from "./summary.ts";
export { withInputShape } from "./with_input_shape.ts";
