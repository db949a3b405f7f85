import { ShapeError } from "../graph/errors.ts";
import { iota } from "../graph/leaf.ts";
import { formatShape } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { MonoTypeOperatorFunction } from "../nn/rxjs_types.ts";
import { add } from "../ops/add.ts";
import { cast } from "../ops/cast.ts";
import { greaterEqual } from "../ops/greater_equal.ts";
import { less } from "../ops/less.ts";
import { logicalAnd } from "../ops/logical.ts";
import { mul } from "../ops/mul.ts";
import { reshape } from "../ops/reshape.ts";
import { select } from "../ops/select.ts";
import { sqrt } from "../ops/sqrt.ts";
import { sub } from "../ops/sub.ts";
import { mean } from "../ops/sum.ts";
import { mixing, type MixingOptions } from "./mixing.ts";
import type { Batch } from "./stages.ts";

/**
 * Puts a rectangle of another picture of the batch into each picture, and mixes the targets by area,
 * in training.
 *
 * Height and width of the rectangle are √(1 − λ) of those of the picture, λ of Beta(α, α), one for each
 * picture, at any place where it fits; y ← a · y′ + (1 − a) · y, a the part of the pixels that are
 * the other picture's. That one stands some places further in the batch, by chance at each step. It
 * follows from the run's seed and the step, on every device alike, and stands before
 * {@link forward}; validation does not see it.
 *
 * @param options `alpha`: default 1, where λ is spread evenly. `seed`: of the mixing.
 * @returns An operator from {@link Batch} to {@link Batch}. Inputs are `[batch, height, width,
 * channels]`, targets rows of f32, as one-hot rows `[batch, classes]`.
 * @throws {RangeError} when alpha is not above 0 to 10.
 * @throws {ShapeError} on the error channel, when inputs are no pictures, or targets are labels.
 *
 * @example
 * ```ts
 * import { arrays, cutMix, miniBatches } from "@millrace/millrace";
 * import { lastValueFrom, mergeMap } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const picture = (value: number) => [0, 1, 2, 3].map(() => [0, 1, 2, 3].map(() => [value]));
 * const data = arrays([picture(0), picture(1)], [[1, 0], [0, 1]]);
 * const steps = miniBatches(data, { device: "cpu", threads: 1, shuffle: false }).pipe(
 *   cutMix(),
 *   mergeMap(({ x, y }) => Promise.all([x.data(), y.data()])),
 * );
 * const [pixels, targets] = await lastValueFrom(steps);
 * const ones = pixels.subarray(0, 16).filter((value) => value === 1).length;
 * assert.ok(Math.abs(targets[1] - ones / 16) < 1e-6);
 * ```
 *
 * Source: S. Yun and others, "CutMix", 2019. Keras: the layer `CutMix` of images and labels, whose α is
 * drawn anew for each batch, from 0 to its `factor`, and which mixes targets by the area before it
 * is rounded to pixels.
 */
export function cutMix(options: MixingOptions = {}): MonoTypeOperatorFunction<Batch> {
  return mixing("cutMix", options, 1, ({ x, other, share, uniform }) => {
    if (x.rank !== 4) {
      throw new ShapeError(
        `Cannot apply cutMix as inputs must be [batch, height, width, channels]: received ` +
          formatShape(x.shape),
      );
    }
    const side = sqrt(sub(1, share));
    const within = (axis: 1 | 2, name: string): Tensor => {
      const length = mul(reshape(side, [x.shape[0], 1, 1]), x.shape[axis]);
      const free = sub(x.shape[axis], length);
      const start = mul(reshape(uniform(name), [x.shape[0], 1, 1]), free);
      const places = iota([1, 1, 1].with(axis, x.shape[axis]), axis, "f32");
      return logicalAnd(greaterEqual(places, start), less(places, add(start, length)));
    };
    const patch = logicalAnd(within(1, "top"), within(2, "left"));
    return {
      x: select(reshape(patch, [...patch.shape, 1]), other, x),
      share: sub(1, mean(cast(patch, "f32"), [1, 2])),
    };
  });
}
