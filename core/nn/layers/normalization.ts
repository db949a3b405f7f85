import { ShapeError } from "../../graph/errors.ts";
import { formatShape, type Shape } from "../../graph/shape.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { add } from "../../ops/add.ts";
import { cast } from "../../ops/cast.ts";
import { div } from "../../ops/div.ts";
import { maximum } from "../../ops/maximum.ts";
import { mul } from "../../ops/mul.ts";
import { reshape } from "../../ops/reshape.ts";
import { sqrt } from "../../ops/sqrt.ts";
import { square } from "../../ops/square.ts";
import { sub } from "../../ops/sub.ts";
import { broadcastTo, mean, sum } from "../../ops/sum.ts";
import { checkScalar } from "../check_scalar.ts";
import type { Constraint } from "../constraint.ts";
import type { Initializer } from "../initializer.ts";
import type { InitializerName } from "../initializers/by_name.ts";
import type { ApplyContext, LayerParameter } from "../layer.ts";
import type { Mask } from "../mask.ts";
import type { NamedKey } from "../named_key.ts";
import type { Regularizer } from "../regularizer.ts";
import { weight, type WeightedLayerOptions } from "./weighted.ts";

/** Options of layers that normalise, then scale by gamma and shift by beta. */
export interface NormalizationOptions extends WeightedLayerOptions {
  /** What is added to the variance, above 0; default 0.001. */
  readonly epsilon?: number;
  /** Whether beta is added; default true. */
  readonly center?: boolean;
  /** Whether is multiplied by gamma; default true. */
  readonly scale?: boolean;
  /** How beta starts; default `zeros`. */
  readonly betaInitializer?: InitializerName | Initializer;
  /** How gamma starts; default `ones`. */
  readonly gammaInitializer?: InitializerName | Initializer;
  /** Penalty on beta; default none. */
  readonly betaRegularizer?: Regularizer;
  /** Penalty on gamma; default none. */
  readonly gammaRegularizer?: Regularizer;
  /** What beta must keep after every update; default nothing. */
  readonly betaConstraint?: Constraint;
  /** What gamma must keep after every update; default nothing. */
  readonly gammaConstraint?: Constraint;
}

/** A maker of gamma and beta, of those that are wanted. */
export function affineWeights(
  options: NormalizationOptions,
): (shape: Shape, key: NamedKey) => LayerParameter[] {
  const { center = true, scale = true } = options;
  const makeGamma = weight("gamma", {
    initializer: options.gammaInitializer ?? "ones",
    regularizer: options.gammaRegularizer,
    constraint: options.gammaConstraint,
  });
  const makeBeta = weight("beta", {
    initializer: options.betaInitializer ?? "zeros",
    regularizer: options.betaRegularizer,
    constraint: options.betaConstraint,
  });
  return (shape, key) => [
    ...(scale ? [makeGamma(shape, key)] : []),
    ...(center ? [makeBeta(shape, key)] : []),
  ];
}

/** Refuses an epsilon that is not above 0; with none, a constant input would be divided by 0. */
export function checkEpsilon(layer: string, epsilon: number, option = "epsilon"): number {
  return checkScalar(`the ${option} of ${layer}`, epsilon, { minimum: Number.MIN_VALUE });
}

/**
 * Axes of the inputs, the batch being axis 0, counted from the front.
 *
 * @throws {ShapeError} when one is the batch, out of range, or given twice.
 */
export function featureAxes(axes: number | readonly number[], inputShape: Shape): number[] {
  const rank = inputShape.length + 1;
  const list = typeof axes === "number" ? [axes] : axes;
  const found = list.map((axis) => axis < 0 ? axis + rank : axis);
  const right = found.every((axis) => Number.isInteger(axis) && axis >= 1 && axis < rank);
  if (right && found.length > 0 && new Set(found).size === found.length) {
    return found.sort((a, b) => a - b);
  }
  throw new ShapeError(
    `expected axes from 1 to ${rank - 1} or from ${1 - rank} to −1, each once, of inputs ` +
      `${formatShape(inputShape)} behind the batch, got ${list.join(", ") || "none"}`,
  );
}

/** Refuses to go over steps, of which a sequence that is generated has only those so far. */
export function checkNotOverSteps(
  axes: readonly number[],
  inputs: readonly Tensor[],
  { decoding }: ApplyContext,
): void {
  if (!axes.includes(1) || !decoding?.follows(inputs)) return;
  throw new ShapeError(
    "expected axes behind that of the steps, as this layer is given a sequence a few steps at a time",
  );
}

/** A weight that lies along `axes`, in a shape that broadcasts to `x`. */
export function alongAxes(value: Tensor, axes: readonly number[], x: Tensor): Tensor {
  return reshape(value, x.shape.map((size, axis) => axes.includes(axis) ? size : 1));
}

/**
 * Mean and variance (over n, not n − 1) of `x` over `axes`, which stay with size 1; of the steps that
 * a mask lets through.
 */
export function moments(
  x: Tensor,
  axes: readonly number[],
  mask?: Mask,
): { average: Tensor; variance: Tensor } {
  const over = mask
    ? maskedMean(x, axes, mask)
    : (value: Tensor) => mean(value, axes, { keepDims: true });
  const average = over(x);
  return { average, variance: over(square(sub(x, average))) };
}

function maskedMean(x: Tensor, axes: readonly number[], mask: Tensor): (value: Tensor) => Tensor {
  const steps = x.shape.map((_, axis) => mask.shape[axis] ?? 1);
  const weights = broadcastTo(reshape(cast(mask, "f32"), steps), x.shape);
  // Where nothing counts the sums are 0, too.
  const count = maximum(sum(weights, axes, { keepDims: true }), 1);
  return (value) => div(sum(mul(value, weights), axes, { keepDims: true }), count);
}

/** (x − average) / √(variance + epsilon) · gamma + beta, of what is given; all broadcast to `x`. */
export function normalize(
  x: Tensor,
  { average, variance }: { average: Tensor; variance: Tensor },
  epsilon: number,
  gamma: Tensor | undefined,
  beta: Tensor | undefined,
): Tensor {
  const inverse = div(1, sqrt(add(variance, epsilon)));
  const scaled = mul(sub(x, average), gamma ? mul(inverse, gamma) : inverse);
  return beta ? add(scaled, beta) : scaled;
}
