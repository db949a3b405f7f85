/** How far outputs are from targets: one loss a file. */

export { binaryCrossentropy } from "./binary_crossentropy.ts";
export { categoricalCrossentropy } from "./categorical_crossentropy.ts";
export type { ErrorLossOptions } from "./error_loss.ts";
export { halfMeanSquaredError } from "./half_mean_squared_error.ts";
export type { HalfMeanSquaredErrorOptions } from "./half_mean_squared_error.ts";
export { huber } from "./huber.ts";
export type { HuberOptions } from "./huber.ts";
export { meanAbsoluteError } from "./mean_absolute_error.ts";
export { meanSquaredError } from "./mean_squared_error.ts";
export type { CrossentropyOptions } from "./probabilities.ts";
export { sparseCategoricalCrossentropy } from "./sparse_categorical_crossentropy.ts";
