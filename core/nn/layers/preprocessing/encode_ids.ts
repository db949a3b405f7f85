import { ShapeError } from "../../../graph/errors.ts";
import type { Shape } from "../../../graph/shape.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { cast } from "../../../ops/cast.ts";
import { max } from "../../../ops/max.ts";
import { mul } from "../../../ops/mul.ts";
import { oneHot } from "../../../ops/one_hot.ts";
import { reshape } from "../../../ops/reshape.ts";
import { sum } from "../../../ops/sum.ts";

/** How ids become numbers that a network takes, other than as they are. */
export const encodings: readonly IdEncoding[] = ["oneHot", "multiHot", "count"];

/**
 * `oneHot`: each id is a row with a single 1. `multiHot`: the ids of a sample are one row, 1 where an
 * id is among them. `count`: how often it is among them.
 */
export type IdEncoding = "oneHot" | "multiHot" | "count";

/** Refuses a mode of another name. */
export function checkMode<Mode extends string>(
  layer: string,
  mode: Mode,
  modes: readonly Mode[],
): Mode {
  if (modes.includes(mode)) return mode;
  throw new RangeError(
    `Cannot use the outputMode of ${layer} as it must be one of ${modes.join(", ")}: received ` +
      `${JSON.stringify(mode)}`,
  );
}

/** Shape of {@link encodeIds}'s result, without the batch. */
export function encodedShape(inputShape: Shape, depth: number, mode: IdEncoding): Shape {
  if (inputShape.length === 0) throw new ShapeError(`expected inputs with an axis of ids, got []`);
  const single = mode !== "oneHot" || inputShape.at(-1) === 1;
  return [...(single ? inputShape.slice(0, -1) : inputShape), depth];
}

/**
 * Ids as rows of `depth` numbers.
 *
 * @param ids `[batch, ..., n]`, whole numbers of any type; one out of range counts nowhere.
 * @param depth Length of the rows.
 * @param mode How.
 * @param weights Factor of each column, for counts; default 1.
 */
export function encodeIds(ids: Tensor, depth: number, mode: IdEncoding, weights?: Tensor): Tensor {
  const rows = oneHot(cast(ids, "i32"), depth);
  const encoded = mode === "oneHot"
    ? reshape(rows, [ids.shape[0], ...encodedShape(ids.shape.slice(1), depth, mode)])
    : mode === "multiHot"
    ? max(rows, rows.rank - 2)
    : sum(rows, rows.rank - 2);
  return weights ? mul(encoded, weights) : encoded;
}
