import { ShapeError } from "../../../graph/errors.ts";
import { formatShape, type Shape, sizeOf } from "../../../graph/shape.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { div } from "../../../ops/div.ts";
import { matmul } from "../../../ops/matmul.ts";
import { maximum } from "../../../ops/maximum.ts";
import { reshape } from "../../../ops/reshape.ts";
import { sqrt } from "../../../ops/sqrt.ts";
import { square } from "../../../ops/square.ts";
import { sum } from "../../../ops/sum.ts";
import { transpose } from "../../../ops/transpose.ts";
import type { MergeLayer } from "../../merge_layer.ts";
import { checkAxis } from "./check_axis.ts";
import { checkInputs, type MergeOptions } from "./elementwise.ts";

/** Options of {@link dot}. */
export interface DotOptions extends MergeOptions {
  /** Whether vectors along the axes are divided by their L2 norms first; default false. */
  readonly normalize?: boolean;
}

/** Smallest square of a norm, as in Keras. */
const epsilon = 1e-12;

/**
 * Dot products of two inputs along an axis of each.
 *
 * The axes are left out; what is left of the second follows what is left of the first. Of two inputs
 * `[batch, n]` come products `[batch, 1]`; with `normalize`, cosines.
 *
 * @param axes The axis of both, or one for each, counted with the batch, which is 0.
 * @param options `normalize`, name.
 * @returns A layer of two inputs, without weights.
 * @throws {RangeError} when an axis is not a whole number, or is the batch.
 *
 * @example
 * ```ts
 * import { connect, dot, functional, input } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const queries = input([3, 8]);
 * const keys = input([5, 8]);
 * const model = functional({ inputs: { queries, keys }, outputs: connect([queries, keys], dot(2)) });
 * assert.deepEqual(model.outputShape, [3, 5]);
 * ```
 *
 * Keras: `Dot`.
 */
export function dot(
  axes: number | readonly [number, number],
  options: DotOptions = {},
): MergeLayer {
  const { normalize = false, name = "" } = options;
  const pair: readonly number[] = typeof axes === "number" ? [axes, axes] : axes;
  if (pair.length !== 2) {
    throw new RangeError(
      `Cannot use the axes of dot as there must be one, or one for each input: received ` +
        `${pair.length}`,
    );
  }
  pair.forEach((axis) => checkAxis("dot", axis));
  return {
    merges: true,
    type: "Dot",
    name,
    config: { axes, normalize },
    init(shapes) {
      checkInputs(shapes, { minimum: 2, maximum: 2 });
      const places = shapes.map((shape, input) => placeOf(shape, pair[input]));
      const [first, second] = shapes;
      if (first[places[0]] !== second[places[1]]) {
        throw new ShapeError(
          `expected inputs of the same size along axes ${pair.join(" and ")}, got ` +
            shapes.map(formatShape).join(", "),
        );
      }
      const rest = shapes.flatMap((shape, input) => shape.toSpliced(places[input], 1));
      return { outputShape: rest.length === 0 ? [1] : rest, parameters: [] };
    },
    computeMask: () => undefined,
    apply(_parameters, inputs) {
      const [a, b] = inputs.map((input, place) => {
        const rows = asRows(input, placeOf(input.shape.slice(1), pair[place]) + 1);
        return normalize ? unitRows(rows) : rows;
      });
      const products = matmul(a, transpose(b, [0, 2, 1]));
      const rest = inputs.flatMap((input, place) =>
        input.shape.slice(1).toSpliced(placeOf(input.shape.slice(1), pair[place]), 1)
      );
      return reshape(products, [inputs[0].shape[0], ...(rest.length === 0 ? [1] : rest)]);
    },
  };
}

/** Where an axis that was counted with the batch stands in a shape without it. */
function placeOf(shape: Shape, axis: number): number {
  const place = axis < 0 ? axis + shape.length : axis - 1;
  if (place >= 0 && place < shape.length) return place;
  throw new ShapeError(
    `expected inputs with an axis ${axis}, got [${["batch", ...shape].join(", ")}]`,
  );
}

/** `[batch, rest, size]`: the axis comes last, all others but the batch become one. */
function asRows(x: Tensor, axis: number): Tensor {
  const others = x.shape.map((_, place) => place).filter((place) => place !== axis);
  const moved = axis === x.rank - 1 ? x : transpose(x, [...others, axis]);
  const size = x.shape[axis];
  return reshape(moved, [x.shape[0], sizeOf(x.shape.slice(1)) / size, size]);
}

function unitRows(rows: Tensor): Tensor {
  const squares = sum(square(rows), -1, { keepDims: true });
  return div(rows, sqrt(maximum(squares, epsilon)));
}
