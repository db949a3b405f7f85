import { ShapeError } from "../../../graph/errors.ts";
import { cellLayouts, type CellName } from "../../../graph/recurrence.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { checkCount } from "../../check_count.ts";
import type { LayerParameter } from "../../layer.ts";
import type { RecurrentOptions } from "./recurrent_options.ts";

/** The weight in which a stateful layer keeps its states from batch to batch. */
export interface CarriedStates {
  /** The weight, `[batchSize, states · units]`: zeros at first. */
  readonly parameter: LayerParameter;
  /** The states that a batch begins with. */
  before(states: Tensor, batch: number): Tensor;
}

/**
 * What a stateful layer keeps.
 *
 * @returns `undefined` for a layer that is none.
 * @throws {RangeError} when the size of batches is missing, or given in vain.
 */
export function carriedStates(
  factory: string,
  cell: CellName,
  units: number,
  { stateful = false, batchSize }: RecurrentOptions,
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
  const width = cellLayouts[cell].states * units;
  return {
    parameter: {
      name: "states",
      shape: [batchSize, width],
      values: new Float32Array(batchSize * width),
      trainable: false,
      state: true,
    },
    before: (states, batch) => {
      if (batch === batchSize) return states;
      throw new ShapeError(
        `expected batches of ${batchSize} samples, its batchSize, as it is stateful, got ${batch} ` +
          `(give that batchSize to miniBatches, fit, predict or evaluate, with dropRemainder: true ` +
          `or a multiple of it as samples)`,
      );
    },
  };
}
