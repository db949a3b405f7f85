/** Numbers that people read: one metric a file. */

export { accuracy } from "./accuracy.ts";
export { binaryAccuracy } from "./binary_accuracy.ts";
export type { BinaryAccuracyOptions } from "./binary_accuracy.ts";
export { categoricalAccuracy } from "./categorical_accuracy.ts";
export { meanSquaredErrorMetric } from "./mean_squared_error_metric.ts";
export { sparseCategoricalAccuracy } from "./sparse_categorical_accuracy.ts";
