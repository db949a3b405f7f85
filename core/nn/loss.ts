import type { Tensor } from "../graph/tensor.ts";
import type { Mask } from "./mask.ts";

/** What the class ids are that a loss or a metric takes. */
export interface ClassIdTargets {
  /**
   * How many classes outputs have.
   *
   * @returns The number; `undefined` where these targets are no class ids.
   */
  count(outputs: Tensor, targets: Tensor): number | undefined;
  /** A label that stands for none of them. */
  readonly ignored?: number;
}

/** How far outputs are from targets, sample by sample. */
export interface Loss {
  /** Keras's name, for logs: `mean_squared_error`. */
  readonly name: string;
  /**
   * Whether {@link Loss.apply} goes by the mask of the outputs itself. By default steps are the
   * samples where there is a mask, and those that it leaves out count for nothing.
   */
  readonly supportsMasking?: boolean;
  /** For a loss of class ids: what they are. A data set with another label is refused. */
  readonly classIds?: ClassIdTargets;
  /**
   * Whether it takes outputs for logits.
   *
   * @returns False for probabilities; `undefined`, as by default, where it takes either.
   */
  takesLogits?(outputs: Tensor): boolean | undefined;
  /**
   * The loss of every sample; what training makes small is its mean over the batch.
   *
   * @param targets What the outputs should be: `[batch, outputs]` f32, or labels `[batch]` or
   * `[batch, 1]` of integers or f32, as the loss says.
   * @param outputs Outputs of a model, `[batch, outputs]` or `[batch]`, f32.
   * @param mask Which steps of the outputs count, `[batch, steps]`, bool, for a loss that supports
   * masking.
   * @returns `[batch]`, f32; of further axes the mean is taken.
   * @throws {ShapeError} when targets and outputs do not fit the loss.
   */
  apply(targets: Tensor, outputs: Tensor, mask?: Mask): Tensor;
}
