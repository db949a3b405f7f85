import type { Tensor } from "../graph/tensor.ts";

/**
 * Which steps of a batch of sequences count: `[batch, steps]`, bool; undefined where all do.
 *
 * A mask begins in a layer that knows padding, {@link masking} or {@link embedding}, and goes with the
 * tensor through layers that support masking, to the loss and the metrics.
 */
export type Mask = Tensor | undefined;

/** A tensor and the mask that goes with it. */
export interface Masked {
  /** The tensor. */
  readonly tensor: Tensor;
  /** Which of its steps count. */
  readonly mask: Mask;
}
