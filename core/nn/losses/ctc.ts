import { ShapeError } from "../../graph/errors.ts";
import { formatShape } from "../../graph/shape.ts";
import { ctcLoss } from "../../ops/ctc.ts";
import { greater } from "../../ops/greater.ts";
import { select } from "../../ops/select.ts";
import { checkCount } from "../check_count.ts";
import type { Loss } from "../loss.ts";

/** Options of {@link ctc}. */
export interface CtcOptions {
  /** The class that is the blank, and that pads targets; default 0. */
  readonly maskIndex?: number;
  /**
   * Whether a sample with too few steps for its labels counts 0, where its loss would be infinite
   * and stop the run; default false.
   */
  readonly zeroInfinity?: boolean;
}

/**
 * Connectionist temporal classification: how surprising a sequence of labels is where nobody has said
 * at which steps they stand, in nats.
 *
 * −log Σ over paths of Π over steps of softmax(outputs)[step, path[step]], over all paths of a class a
 * step that become the labels when repetitions are one and blanks are left out. Its gradient is the
 * softmax minus how likely each class is at a step, given the labels.
 *
 * Steps that the mask of the outputs leaves out are passed over: {@link masking} before the network
 * makes sequences of several lengths.
 *
 * @param options Which class is the blank, and what becomes of impossible samples.
 * @returns A loss of labels `[batch, labels]`, whole numbers from 0 to classes − 1, of which those that
 * are not the blank stand first, and outputs `[batch, steps, classes]`, logits.
 * @throws {RangeError} when `maskIndex` is not a whole number from 0.
 *
 * @example
 * ```ts
 * import { ctc, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * // Of two steps of two classes that are as likely, three paths of four are the label 1.
 * const losses = await ctc().apply(tensor([[1, 0]]), tensor([[[5, 5], [7, 7]]])).data();
 * assert(Math.abs(losses[0] - Math.log(4 / 3)) < 1e-6);
 * ```
 *
 * Source: A. Graves and others, "Connectionist temporal classification", 2006. Keras: `CTC`, which
 * knows no lengths of outputs. PyTorch: `nn.CTCLoss`, whose mean divides each loss by its labels first.
 */
export function ctc(options: CtcOptions = {}): Loss {
  const { maskIndex = 0, zeroInfinity = false } = options;
  checkCount("the maskIndex of ctc", maskIndex);
  return {
    name: "ctc",
    supportsMasking: true,
    apply(targets, outputs, mask) {
      if (targets.rank !== 2 || outputs.rank !== 3) {
        throw new ShapeError(
          `Cannot apply ctc as targets must be [batch, labels] and outputs [batch, steps, classes]: ` +
            `received ${formatShape(targets.shape)} and ${formatShape(outputs.shape)}`,
        );
      }
      const losses = ctcLoss(outputs, targets, { maskIndex, ...(mask && { mask }) });
      // A label that is no class is NaN, and stays so.
      return zeroInfinity ? select(greater(losses, 1e29), 0, losses) : losses;
    },
  };
}
