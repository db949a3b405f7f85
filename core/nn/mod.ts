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
export { hyperparameter } from "./hyperparameter.ts";
export type { Hyperparameter, HyperparameterOptions } from "./hyperparameter.ts";
export type { Initializer } from "./initializer.ts";
export * from "./initializers/mod.ts";
export type { ApplyContext, Layer, LayerInitialization, LayerParameter } from "./layer.ts";
export * from "./layers/mod.ts";
export type { Loss } from "./loss.ts";
export * from "./losses/mod.ts";
export type { Metric, MetricTable } from "./metric.ts";
export { metricValue } from "./metric_value.ts";
export * from "./metrics/mod.ts";
export { Model, sequential } from "./model.ts";
export type { ModelDefinition, ModelLayer, SequentialOptions } from "./model.ts";
export { namedKey } from "./named_key.ts";
export type { NamedKey } from "./named_key.ts";
export type { Optimizer, OptimizerUpdate, UpdateContext } from "./optimizer.ts";
export * from "./optimizers/mod.ts";
export { Parameter } from "./parameter.ts";
export type { ParameterDefinition } from "./parameter.ts";
export type { Regularizer } from "./regularizer.ts";
export { checkScalarSource } from "./scalar.ts";
export type { ScalarSource } from "./scalar.ts";
export type {
  MonoTypeOperatorFunction,
  Observable,
  OperatorFunction,
  RxjsTypes,
} from "./rxjs_types.ts";
export * from "./schedules/mod.ts";
export { summary } from "./summary.ts";
