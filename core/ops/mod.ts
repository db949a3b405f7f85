/**
 * The operations on tensors; importing this module also gives {@link Tensor} its methods.
 *
 * @module
 */
export { abs } from "./abs.ts";
export { hardSigmoid, leakyRelu, mish, relu6, silu, softsign, step } from "./activations.ts";
export { add } from "./add.ts";
export { cholesky } from "./cholesky.ts";
export { det, type SignAndLogDeterminant, slogdet } from "./det.ts";
export { inv, solve } from "./solve.ts";
export { kron, outer, tensordot, trace } from "./tensordot.ts";
export { arctan2 } from "./arctan2.ts";
export { argMax, argMin } from "./arg_max.ts";
export { bitwiseAnd, bitwiseOr, bitwiseXor, shiftLeft, shiftRight } from "./bitwise.ts";
export { bincount } from "./bincount.ts";
export { cast } from "./cast.ts";
export { clip } from "./clip.ts";
export { concat, slice } from "./concat.ts";
export { ctcLoss, type CtcLossOptions } from "./ctc.ts";
export { cumsum } from "./cumsum.ts";
export { div } from "./div.ts";
export { full, type NestedNumbers, ones, tensor, type TensorOptions, zeros } from "./eager.ts";
export { einsum } from "./einsum.ts";
export { elementwise } from "./elementwise.ts";
export type { Binary, ElementwiseDefinition, Ternary, TypeRule, Unary } from "./elementwise.ts";
export { elu, selu } from "./elu.ts";
export { equal } from "./equal.ts";
export { erf } from "./erf.ts";
export { exp } from "./exp.ts";
export { expandDims, squeeze } from "./expand_dims.ts";
export { expm1 } from "./expm1.ts";
export { flip } from "./flip.ts";
export { convolution } from "./convolution.ts";
export { gather, type GatherOptions, scatterAdd, take } from "./gather.ts";
export { gelu } from "./gelu.ts";
export { grad, gradients, type ScalarFunction, valueAndGrad } from "./gradients.ts";
export { greater } from "./greater.ts";
export { greaterEqual } from "./greater_equal.ts";
export { isFinite } from "./is_finite.ts";
export { isNaN } from "./is_nan.ts";
export { less } from "./less.ts";
export { lessEqual } from "./less_equal.ts";
export { log } from "./log.ts";
export { log1p } from "./log1p.ts";
export { logAddExp } from "./log_add_exp.ts";
export { logSumExp } from "./log_sum_exp.ts";
export { logicalAnd, logicalNot, logicalOr } from "./logical.ts";
export { matmul } from "./matmul.ts";
export { max, min } from "./max.ts";
export { maximum } from "./maximum.ts";
export { minimum } from "./minimum.ts";
export { mul } from "./mul.ts";
export { neg } from "./neg.ts";
export { norm, type VectorNormOptions } from "./norm.ts";
export { normalCdf } from "./normal_cdf.ts";
export { notEqual } from "./not_equal.ts";
export { oneHot } from "./one_hot.ts";
export { maxPool, sumPool } from "./pooling.ts";
export { pow } from "./pow.ts";
export { dropoutMask, normal, randomBits, type RandomKey, uniform } from "./random.ts";
export { recurrence, type RecurrenceOptions } from "./recurrence.ts";
export { recompute } from "./recompute.ts";
export { relu } from "./relu.ts";
export { repeat, tile } from "./repeat.ts";
export { reshape } from "./reshape.ts";
export { ceil, floor, round } from "./round.ts";
export { segmentGather, type SegmentOptions, segmentSum } from "./segment.ts";
export { segmentMax, type SegmentMaxOptions } from "./segment_max.ts";
export { segmentMean } from "./segment_mean.ts";
export { segmentSoftmax } from "./segment_softmax.ts";
export { sampleImage, type SampleImageOptions } from "./sample_image.ts";
export type { FillMode } from "../graph/sampling.ts";
export {
  type AttentionDropout,
  type AttentionOptions,
  scaledDotProductAttention,
} from "./scaled_dot_product_attention.ts";
export { select } from "./select.ts";
export { sigmoid } from "./sigmoid.ts";
export { sign } from "./sign.ts";
export { cos, sin } from "./sin.ts";
export { logSoftmax, softmax } from "./softmax.ts";
export { softmaxCrossEntropy, sparseSoftmaxCrossEntropy } from "./softmax_cross_entropy.ts";
export { softplus } from "./softplus.ts";
export { argsort, sort, type SortOptions, type TopK, topK } from "./sort.ts";
export { sqrt } from "./sqrt.ts";
export { square } from "./square.ts";
export { pad, split, stack } from "./stack.ts";
export { stopGradient } from "./stop_gradient.ts";
export { sub } from "./sub.ts";
export { broadcastTo, mean, sum } from "./sum.ts";
export { takeAlongAxis } from "./take_along_axis.ts";
export { tanh } from "./tanh.ts";
export { transpose } from "./transpose.ts";
export { tril, triu } from "./triangle.ts";
export { type MomentOptions, std, variance } from "./variance.ts";
export { celu, logSigmoid, squareplus } from "./smooth_activations.ts";
export { glu } from "./glu.ts";
export {
  hardShrink,
  hardSilu,
  hardTanh,
  softShrink,
  sparsePlus,
  sparseSigmoid,
  tanhShrink,
  threshold,
} from "./piecewise_activations.ts";
export { sparsemax } from "./sparsemax.ts";
