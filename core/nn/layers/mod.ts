/** What models are put together from: one layer a file. */

export { activation } from "./activation.ts";
export type { ActivationOptions } from "./activation.ts";
export { activityRegularization } from "./activity_regularization.ts";
export type { ActivityRegularizationOptions } from "./activity_regularization.ts";
export { batchNormalization } from "./batch_normalization.ts";
export type { BatchNormalizationOptions } from "./batch_normalization.ts";
export { dense } from "./dense.ts";
export type { DenseOptions } from "./dense.ts";
export { dropout } from "./dropout.ts";
export type { DropoutOptions } from "./dropout.ts";
export { flatten } from "./flatten.ts";
export type { FlattenOptions } from "./flatten.ts";
export { groupNormalization } from "./group_normalization.ts";
export type { GroupNormalizationOptions } from "./group_normalization.ts";
export { input } from "./input.ts";
export type { InputLayer, InputOptions } from "./input.ts";
export { layerNormalization } from "./layer_normalization.ts";
export type { LayerNormalizationOptions } from "./layer_normalization.ts";
export type { NormalizationOptions } from "./normalization.ts";
export { prelu } from "./prelu.ts";
export type { PreluOptions } from "./prelu.ts";
export { rmsNormalization } from "./rms_normalization.ts";
export type { RmsNormalizationOptions } from "./rms_normalization.ts";
export { unitNormalization } from "./unit_normalization.ts";
export type { UnitNormalizationOptions } from "./unit_normalization.ts";
export type { WeightedLayerOptions } from "./weighted.ts";
export * from "./merge/mod.ts";
