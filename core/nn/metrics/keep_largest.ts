import { ShapeError } from "../../graph/errors.ts";
import { literal } from "../../graph/leaf.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { argMax, positions } from "../../ops/arg_max.ts";
import { equal } from "../../ops/equal.ts";
import { expandDims } from "../../ops/expand_dims.ts";
import { select } from "../../ops/select.ts";

/** Below every output and every threshold that is in use: Keras's NEG_INF. */
export const belowAll = -1e10;

/** The least float32: no output is below it. */
const least = -3.4028234663852886e38;

/**
 * The `k` largest outputs of each sample as they are, and all others as {@link belowAll}; of equal
 * ones the first.
 *
 * @param name The metric's factory, for messages.
 * @param outputs `[batch, classes]`.
 * @param k How many, from 1.
 * @returns The shape of `outputs`.
 * @throws {ShapeError} when there are fewer than `k`.
 */
export function keepLargest(name: string, outputs: Tensor, k: number): Tensor {
  const classes = outputs.rank < 2 ? 1 : outputs.shape[outputs.rank - 1];
  if (k > classes) {
    throw new ShapeError(
      `Cannot apply ${name} as topK must be at most the number of outputs: received ${k} for ` +
        `${classes}`,
    );
  }
  if (k === classes) return outputs;
  const places = positions(outputs, outputs.rank - 1);
  // One after another: a sort would need k to be large to be worth its while.
  let [rest, kept]: [Tensor, Tensor] = [outputs, literal(belowAll)];
  for (let found = 0; found < k; found++) {
    const isLargest = equal(places, expandDims(argMax(rest), -1));
    kept = select(isLargest, outputs, kept);
    rest = select(isLargest, literal(least), rest);
  }
  return kept;
}
