import { DTypeError, ShapeError } from "../graph/errors.ts";
import { iota, literal } from "../graph/leaf.ts";
import type { CompositeOperation, StructuredOperation } from "../graph/operation.ts";
import { formatShape, sameShape, sizeOf } from "../graph/shape.ts";
import { commonDType, Tensor } from "../graph/tensor.ts";
import { add } from "./add.ts";
import { cast } from "./cast.ts";
import { slice } from "./concat.ts";
import { ctcBackward, ctcForward, ctcLosses, impossible } from "./ctc_reference.ts";
import { expandDims } from "./expand_dims.ts";
import { less } from "./less.ts";
import { logSoftmax } from "./softmax.ts";
import { logicalAnd } from "./logical.ts";
import { logSumExp } from "./log_sum_exp.ts";
import { mul } from "./mul.ts";
import { neg } from "./neg.ts";
import { notEqual } from "./not_equal.ts";
import { register } from "./registry.ts";
import { reshape } from "./reshape.ts";
import { select } from "./select.ts";
import { sub } from "./sub.ts";
import { sum } from "./sum.ts";

/** The blank's class among attributes. */
function blankOf({ maskIndex }: Readonly<Record<string, unknown>>): number {
  return maskIndex as number;
}

/**
 * Logarithms of all paths to each state of a sample's targets, with blanks before, between and behind
 * them, before the first step and after every one: `[batch, steps + 1, 2 labels + 1]`.
 */
const ctcPathsOperation: StructuredOperation & { name: "ctcPaths" } = register({
  kind: "structured",
  name: "ctcPaths",
  infer: ([given, labels]) => ({
    shape: [given.shape[0], given.shape[1] + 1, 2 * labels.shape[1] + 1],
    dtype: commonDType("ctcLoss", [given], ["f32"]),
  }),
  reference: (inputs, attributes, output) => ctcForward(inputs, blankOf(attributes), output),
  work: (_inputs, output) => ({ flops: 12 * sizeOf(output) }),
});

/** How likely each class is at each step, given the targets: `[batch, steps, classes]`. */
const ctcPosteriorsOperation: StructuredOperation & { name: "ctcPosteriors" } = register({
  kind: "structured",
  name: "ctcPosteriors",
  infer: ([paths, given]) => ({
    shape: given.shape,
    dtype: commonDType("ctcLoss", [paths, given], ["f32"]),
  }),
  reference: (inputs, attributes, output) => ctcBackward(inputs, blankOf(attributes), output),
  work: ([paths]) => ({ flops: 20 * sizeOf(paths) }),
});

function pathsOf(inputs: readonly Tensor[], maskIndex: number): Tensor {
  return Tensor.node(ctcPathsOperation, inputs, { maskIndex });
}

/** The op behind {@link ctcLoss}. */
const ctcLossOperation: CompositeOperation = register<CompositeOperation>({
  kind: "composite",
  name: "ctcLoss",
  infer: ([given]) => ({
    shape: [given.shape[0]],
    dtype: commonDType("ctcLoss", [given], ["f32"]),
  }),
  reference: (inputs, attributes, output) => {
    const [{ shape: [batch, steps] }, labels] = inputs;
    const width = 2 * labels.shape[1] + 1;
    const shape = [batch, steps + 1, width];
    const paths = { shape, dtype: "f32" as const, data: new Float64Array(sizeOf(shape)) };
    ctcForward(inputs, blankOf(attributes), paths);
    ctcLosses(paths, labels, blankOf(attributes), output);
  },
  vjp: (grad, { inputs, attributes }) => {
    const paths = pathsOf(inputs, blankOf(attributes));
    const likely = Tensor.node(ctcPosteriorsOperation, [paths, ...inputs], {
      maskIndex: blankOf(attributes),
    });
    return [
      mul(neg(likely), reshape(grad, [grad.shape[0], 1, 1])),
      ...inputs.slice(1).map(() => null),
    ];
  },
  expand: (inputs, attributes) => {
    const [{ shape: [batch, steps] }, labels] = inputs;
    const width = 2 * labels.shape[1] + 1;
    const paths = pathsOf(inputs, blankOf(attributes));
    const last = reshape(slice(paths, [0, steps, 0], [batch, steps + 1, width]), [batch, width]);
    const counted = cast(notEqual(labels, literal(blankOf(attributes), "i32")), "i32");
    const end = mul(expandDims(sum(counted, 1), 1), 2);
    const states = iota([batch, width], 1, "i32");
    const isEnd = logicalAnd(less(states, add(end, 1)), less(sub(end, 2), states));
    const total = logSumExp(select(isEnd, last, impossible), -1);
    return select(less(total, impossible / 2), Infinity, neg(total));
  },
});

/** Settings of {@link ctcLoss}. */
export interface CtcLossOptions {
  /** The class that is the blank, and that pads labels; default 0. */
  readonly maskIndex?: number;
  /** Which steps count, `[batch, steps]`, bool; by default all do. */
  readonly mask?: Tensor;
}

/**
 * How surprising sequences of labels are where it is not known at which steps they stand, in nats:
 * minus the logarithm of all paths of classes, one a step, that become the labels once repetitions
 * are one and blanks are left out.
 *
 * All steps are one kernel, in logarithms, and so are those of its gradient, softmax − posterior.
 *
 * @param logits `[batch, steps, classes]`, f32, before the softmax; logarithms of probabilities, too.
 * @param labels `[batch, labels]`, whole numbers as i32, u32 or f32: of each row those that are not
 * `maskIndex`, which stand first.
 * @param options The blank, and which steps count.
 * @returns `[batch]`, f32; Infinity where there are too few steps for the labels, with a gradient of
 * 0, and NaN where a label is no class.
 * @throws {ShapeError} when shapes do not fit.
 *
 * @example
 * ```ts
 * import { ctcLoss, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * // Two steps of two classes that are as likely: a–, –a and aa are 3 paths of 4.
 * const [loss] = await ctcLoss(tensor([[[0, 0], [0, 0]]]), tensor([[1]])).data();
 * assert(Math.abs(loss - -Math.log(3 / 4)) < 1e-6);
 * ```
 *
 * Source: A. Graves and others, "Connectionist temporal classification", 2006. Keras:
 * `keras.ops.ctc_loss`. PyTorch: `nn.functional.ctc_loss` with `reduction="none"`.
 */
export function ctcLoss(logits: Tensor, labels: Tensor, options: CtcLossOptions = {}): Tensor {
  const { maskIndex = 0, mask } = options;
  const [batch, steps, classes] = logits.shape;
  const fits = logits.rank === 3 && labels.rank === 2 && labels.shape[0] === batch && steps > 0 &&
    (!mask || sameShape(mask.shape, [batch, steps]));
  if (!fits) {
    throw new ShapeError(
      `Cannot apply ctcLoss as logits must be [batch, steps, classes], labels [batch, labels] and a ` +
        `mask [batch, steps]: received ${
          [logits, labels, ...(mask ? [mask] : [])].map((x) => formatShape(x.shape)).join(", ")
        }`,
    );
  }
  if (!(Number.isInteger(maskIndex) && maskIndex >= 0 && maskIndex < classes)) {
    throw new RangeError(
      `Cannot apply ctcLoss as maskIndex must be one of the ${classes} classes: received ${maskIndex}`,
    );
  }
  if (mask && mask.dtype !== "bool") {
    throw new DTypeError(`Cannot apply ctcLoss as its mask must be bool: received ${mask.dtype}`);
  }
  const inputs = [logSoftmax(logits), cast(labels, "i32"), ...(mask ? [cast(mask, "f32")] : [])];
  return Tensor.node(ctcLossOperation, inputs, { maskIndex });
}
