import { ShapeError } from "../graph/errors.ts";
import { formatShape, sameShape } from "../graph/shape.ts";
import { literal } from "../graph/leaf.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Mask } from "../nn/mask.ts";
import type { ClassIdTargets } from "../nn/loss.ts";
import { weightOf } from "./class_weight.ts";
import type { WeighedClasses } from "./stages.ts";
import { areLabels } from "../nn/losses/targets.ts";
import { cast } from "../ops/cast.ts";
import { equal } from "../ops/equal.ts";
import { logicalAnd } from "../ops/logical.ts";
import { mul } from "../ops/mul.ts";
import { notEqual } from "../ops/not_equal.ts";
import { reshape } from "../ops/reshape.ts";
import { select } from "../ops/select.ts";

/** What a loss or a metric compares. */
export interface Compared {
  /** The targets. */
  readonly targets: Tensor;
  /** The outputs. */
  readonly outputs: Tensor;
  /** Which steps of the outputs count. */
  readonly mask: Mask;
  /** How much each sample counts, `[batch]`. */
  readonly sampleWeight: Tensor | null;
  /** Weights of classes, which are in `sampleWeight` unless targets are labels of steps. */
  readonly classWeights?: WeighedClasses | null;
}

/** As {@link Compared}, with the steps of all samples as one batch. */
export interface ComparedSteps extends Omit<Compared, "mask" | "classWeights"> {
  /** Which of them count, `[batch]`, bool. */
  readonly counted: Mask;
}

/** `x` with zeros, or another number, for rows that do not count. */
function onlyWhere(counted: Tensor, x: Tensor, other = 0): Tensor {
  const rows = reshape(counted, x.shape.map((size, axis) => axis === 0 ? size : 1));
  return select(rows, x, literal(other, x.dtype));
}

/**
 * As {@link stepsAsSamples}, for class ids of which some stand for no class: what has one of them does
 * not count either. A class takes its place, so that the loss need not leave out anything itself.
 */
function labelsAsSamples(compared: Compared, ignored: readonly number[]): ComparedSteps {
  const { targets, outputs, mask } = compared;
  // Others are refused by the loss, in its own words.
  if (!areLabels(targets, outputs)) return stepsAsSamples(compared);
  const labels = cast(reshape(targets, outputs.shape.slice(0, -1)), "i32");
  const known = ignored.map((label) => notEqual(labels, label))
    .reduce((all, one) => logicalAnd(all, one), equal(labels, labels));
  const aClass = ignored.map((_, place) => place).find((id) => !ignored.includes(id));
  const ones = (mask?.shape ?? []).concat(new Array(known.rank - (mask?.rank ?? 0)).fill(1));
  const both = mask ? logicalAnd(known, reshape(mask, ones)) : known;
  const steps = stepsAsSamples({ ...compared, targets: labels, mask: both });
  return {
    ...steps,
    targets: onlyWhere(steps.counted!, steps.targets, aClass ?? ignored.length),
    // One that is not finite does no harm where it is ignored; of ones there are shares, of zeros none.
    outputs: onlyWhere(steps.counted!, steps.outputs, 1),
  };
}

/**
 * What a loss or a metric compares, as samples: steps are some where there is a mask, and labels of
 * steps where one stands for no class, or classes have weights.
 */
export function asSamples(
  compared: Compared,
  classIds: ClassIdTargets | undefined,
  ignored: readonly number[],
): ComparedSteps {
  const { targets, outputs, classWeights } = compared;
  if (classIds?.count(outputs, targets) === undefined) return stepsAsSamples(compared);
  if (classWeights && targets.size > outputs.shape[0]) {
    const { sampleWeight, table } = classWeights;
    const steps = labelsAsSamples({ ...compared, sampleWeight }, ignored);
    const own = weightOf(cast(steps.targets, "i32"), table);
    return { ...steps, sampleWeight: mul(own, steps.sampleWeight ?? cast(steps.counted!, "f32")) };
  }
  return ignored.length > 0 ? labelsAsSamples(compared, ignored) : stepsAsSamples(compared);
}

/** Where there is a mask, makes every step a sample; a step weighs what its sample does, or 0. */
function stepsAsSamples(compared: Compared): ComparedSteps {
  const { targets, outputs, mask, sampleWeight } = compared;
  if (!mask) return { targets, outputs, sampleWeight, counted: undefined };
  const counted = reshape(mask, [mask.size]);
  const joined = (x: Tensor) => reshape(x, [mask.size, ...x.shape.slice(mask.rank)]);
  if (!sameShape(targets.shape.slice(0, mask.rank), mask.shape)) {
    throw new ShapeError(
      `Cannot leave out masked steps as targets must begin with the axes of the mask, ` +
        `${formatShape(mask.shape)}, one target a step: received ${formatShape(targets.shape)}`,
    );
  }
  const ones = mask.shape.map((size, axis) => axis === 0 ? size : 1);
  return {
    // Whatever stands there, as a label that is none: its slope times 0 could be NaN.
    targets: onlyWhere(counted, joined(targets)),
    outputs: joined(outputs),
    sampleWeight: sampleWeight &&
      reshape(mul(reshape(sampleWeight, ones), cast(mask, "f32")), [mask.size]),
    counted,
  };
}
