import { ShapeError } from "../graph/errors.ts";
import { formatShape, normalizeAxes } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { mul } from "./mul.ts";
import { sigmoid } from "./sigmoid.ts";
import { split } from "./stack.ts";

/**
 * Gated linear unit: a · sigmoid(b), with a and b the halves of `x` along an axis.
 *
 * @param x Any shape of one axis or more, f32.
 * @param axis The axis that is halved, of even size; default the last.
 * @returns The shape of `x`, f32, with half the size along `axis`.
 * @throws {ShapeError} when that size is odd.
 *
 * @example
 * ```ts
 * import { glu, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await glu(tensor([[3, 5, 0, 100]])).data()], [1.5, 5]);
 * ```
 *
 * Source: Y. Dauphin and others, "Language modeling with gated convolutional networks", 2016; Keras's
 * `glu`. PyTorch: `GLU`.
 */
export function glu(x: Tensor, axis = -1): Tensor {
  const [normal] = normalizeAxes("glu", axis, x.rank);
  if (x.shape[normal] % 2 !== 0) {
    throw new ShapeError(
      `Cannot apply glu as the size of axis ${axis} must be even, for two halves: received ` +
        formatShape(x.shape),
    );
  }
  const [value, gate] = split(x, 2, normal);
  return mul(value, sigmoid(gate));
}
