/** What models are put together from: one layer a file. */

export { activation } from "./activation.ts";
export type { ActivationOptions } from "./activation.ts";
export { dense } from "./dense.ts";
export type { DenseOptions } from "./dense.ts";
export { dropout } from "./dropout.ts";
export type { DropoutOptions } from "./dropout.ts";
export { flatten } from "./flatten.ts";
export type { FlattenOptions } from "./flatten.ts";
export { input } from "./input.ts";
export type { InputOptions } from "./input.ts";
export type { WeightedLayerOptions } from "./weighted.ts";
