import { ShapeError } from "../graph/errors.ts";
import { formatShape, normalizeAxis } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { reshape } from "./reshape.ts";
import { broadcastTo } from "./sum.ts";

/**
 * `x` with each element along an axis several times, one behind the other.
 *
 * @param x Rank 1 or more, any type.
 * @param times How often, from 0.
 * @param axis The axis; default the last.
 * @returns The shape of `x` with `times` the size along `axis`.
 * @throws {ShapeError} when `times` is not a whole number from 0, or the axis out of range.
 *
 * @example
 * ```ts
 * import { repeat, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await repeat(tensor([1, 2]), 2).data()], [1, 1, 2, 2]);
 * ```
 *
 * NumPy, Keras: `repeat`, which lays all axes in one line by default. PyTorch: `repeat_interleave`.
 */
export function repeat(x: Tensor, times: number, axis = -1): Tensor {
  const along = normalizeAxis("repeat", axis, x.rank);
  checkTimes("repeat", [times]);
  const before = x.shape.slice(0, along + 1);
  const after = x.shape.slice(along + 1);
  const wide = broadcastTo(reshape(x, [...before, 1, ...after]), [...before, times, ...after]);
  return reshape(wide, x.shape.with(along, x.shape[along] * times));
}

/**
 * `x` laid side by side with itself along each axis.
 *
 * @param x Any shape, any type.
 * @param times How often along each axis, from 0; of fewer numbers than axes those of the last axes.
 * @returns `x` so many times as large.
 * @throws {ShapeError} when a number is not whole and from 0, or there are more than axes.
 *
 * @example
 * ```ts
 * import { tensor, tile } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await tile(tensor([[1, 2]]), [2, 2]).data()], [1, 2, 1, 2, 1, 2, 1, 2]);
 * ```
 *
 * NumPy, Keras: `tile`, which takes more numbers than axes, too: reshape `x` first. PyTorch: `tile`.
 */
export function tile(x: Tensor, times: readonly number[]): Tensor {
  checkTimes("tile", times);
  if (times.length > x.rank) {
    throw new ShapeError(
      `Cannot apply tile as there may be a number for each axis: received ${
        formatShape(times)
      } for ` +
        formatShape(x.shape),
    );
  }
  const all = [...new Array<number>(x.rank - times.length).fill(1), ...times];
  const apart = x.shape.flatMap((size) => [1, size]);
  const wide = broadcastTo(
    reshape(x, apart),
    apart.map((size, place) => place % 2 === 0 ? all[place / 2] : size),
  );
  return reshape(wide, x.shape.map((size, axis) => size * all[axis]));
}

function checkTimes(op: string, times: readonly number[]): void {
  if (times.every((count) => Number.isInteger(count) && count >= 0)) return;
  throw new ShapeError(
    `Cannot apply ${op} as it repeats whole numbers of times from 0: received ${times.join(", ")}`,
  );
}
