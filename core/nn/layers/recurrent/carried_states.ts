import { ShapeError } from "../../../graph/errors.ts";
import { type Shape, sizeOf } from "../../../graph/shape.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { checkCount } from "../../check_count.ts";
import type { ApplyContext, LayerParameter } from "../../layer.ts";
import type { RecurrentOptions } from "./recurrent_options.ts";

/** The weight in which a stateful layer keeps its states from batch to batch. */
export interface CarriedStates {
  /**
   * The weight: zeros at first.
   *
   * @param shape That of the states of a sample, side by side in the last axis.
   */
  parameter(shape: Shape): LayerParameter;
  /** The states that a batch begins with; none where a sequence is generated, which is another one. */
  before(states: Tensor, batch: number, context: ApplyContext): Tensor | undefined;
  /** Keeps the states after a batch. */
  keep(states: Tensor, context: ApplyContext): void;
}

/**
 * What a stateful layer keeps.
 *
 * @returns `undefined` for a layer that is none.
 * @throws {RangeError} when the size of batches is missing, or given in vain.
 */
export function carriedStates(
  factory: string,
  { stateful = false, batchSize }: Pick<RecurrentOptions, "stateful" | "batchSize">,
): CarriedStates | undefined {
  if (!stateful) {
    if (batchSize === undefined) return undefined;
    throw new RangeError(
      `Cannot make ${factory} with batchSize as it is for layers that keep states from batch to ` +
        `batch: received ${batchSize} without stateful: true`,
    );
  }
  if (batchSize === undefined) {
    throw new RangeError(
      `Cannot make ${factory} stateful as it keeps a state for each place of a batch: give ` +
        `batchSize, the samples of every batch`,
    );
  }
  checkCount(`the batchSize of ${factory}`, batchSize, 1);
  return {
    parameter: (shape) => ({
      name: "states",
      shape: [batchSize, ...shape],
      values: new Float32Array(batchSize * sizeOf(shape)),
      trainable: false,
      state: true,
    }),
    keep: (states, context) => {
      if (!context.decoding) context.assign("states", states);
    },
    before: (states, batch, { decoding }) => {
      if (decoding) return undefined;
      if (batch === batchSize) return states;
      throw new ShapeError(
        `expected batches of ${batchSize} samples, its batchSize, as it is stateful, got ${batch} ` +
          `(give that batchSize to miniBatches, fit, predict or evaluate, with dropRemainder: true ` +
          `or a multiple of it as samples)`,
      );
    },
  };
}
