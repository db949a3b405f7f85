/** Numbers that people read: one metric a file. */

export { accuracy } from "./accuracy.ts";
export { binaryAccuracy } from "./binary_accuracy.ts";
export type { BinaryAccuracyOptions } from "./binary_accuracy.ts";
export { binaryCrossentropyMetric } from "./binary_crossentropy_metric.ts";
export { categoricalAccuracy } from "./categorical_accuracy.ts";
export { categoricalCrossentropyMetric } from "./categorical_crossentropy_metric.ts";
export { categoricalHingeMetric } from "./categorical_hinge_metric.ts";
export { cosineSimilarityMetric } from "./cosine_similarity_metric.ts";
export { hingeMetric } from "./hinge_metric.ts";
export { klDivergenceMetric } from "./kl_divergence_metric.ts";
export { logCoshError } from "./log_cosh_error.ts";
export { meanAbsoluteErrorMetric } from "./mean_absolute_error_metric.ts";
export { meanAbsolutePercentageErrorMetric } from "./mean_absolute_percentage_error_metric.ts";
export { meanMetric } from "./mean_metric.ts";
export type { MetricValues, ValuesMetricOptions } from "./mean_metric.ts";
export { meanSquaredErrorMetric } from "./mean_squared_error_metric.ts";
export { meanSquaredLogarithmicErrorMetric } from "./mean_squared_logarithmic_error_metric.ts";
export { perplexity } from "./perplexity.ts";
export type { PerplexityOptions } from "./perplexity.ts";
export { poissonMetric } from "./poisson_metric.ts";
export { sparseCategoricalAccuracy } from "./sparse_categorical_accuracy.ts";
export type { SparseCategoricalAccuracyOptions } from "./sparse_categorical_accuracy.ts";
export { sparseCategoricalCrossentropyMetric } from "./sparse_categorical_crossentropy_metric.ts";
export { squaredHingeMetric } from "./squared_hinge_metric.ts";
export { sumMetric } from "./sum_metric.ts";
export { falseNegatives, falsePositives, trueNegatives, truePositives } from "./answer_counts.ts";
export { auc } from "./auc.ts";
export type { AucOptions } from "./auc.ts";
export {
  precisionAtRecall,
  recallAtPrecision,
  sensitivityAtSpecificity,
  specificityAtSensitivity,
} from "./best_threshold.ts";
export type { BestThresholdOptions } from "./best_threshold.ts";
export { confusionMatrix } from "./confusion_matrix.ts";
export type { ConfusionMatrixOptions } from "./confusion_matrix.ts";
export { concordanceCorrelation, pearsonCorrelation } from "./correlation.ts";
export type { CorrelationOptions } from "./correlation.ts";
export type { AnswerOptions } from "./counts_at_thresholds.ts";
export { f1Score, fBetaScore } from "./f_beta_score.ts";
export type { F1ScoreOptions, FBetaScoreOptions } from "./f_beta_score.ts";
export { binaryIoU, iou, meanIoU } from "./iou.ts";
export type { BinaryIouOptions, IouOptions } from "./iou.ts";
export { precision } from "./precision.ts";
export type { PrecisionOptions } from "./precision.ts";
export type { ThresholdOptions } from "./precision.ts";
export { r2Score } from "./r2_score.ts";
export type { R2ScoreOptions } from "./r2_score.ts";
export { recall } from "./recall.ts";
export { rootMeanSquaredError } from "./root_mean_squared_error.ts";
export {
  sparseTopKCategoricalAccuracy,
  topKCategoricalAccuracy,
} from "./top_k_categorical_accuracy.ts";
export type { TopKOptions } from "./top_k_categorical_accuracy.ts";
