import type { MonoTypeOperatorFunction } from "../nn/rxjs_types.ts";
import { blended, mixing, type MixingOptions } from "./mixing.ts";
import type { Batch } from "./stages.ts";

/**
 * Mixes each sample of a batch with another one of it, inputs and targets in the same shares, in
 * training: a network learns to go straight from one class to the next.
 *
 * x ← λ · x + (1 − λ) · x′ and y ← λ · y + (1 − λ) · y′, λ of Beta(α, α), one for each sample; x′ and
 * y′ stand some places further in the batch, by chance at each step. It follows from the run's seed
 * and the step, on every device alike, and stands before {@link forward}; validation does not see it.
 *
 * @param options `alpha`: default 0.2. `seed`: of the mixing.
 * @returns An operator from {@link Batch} to {@link Batch}. Targets are rows of f32, as one-hot rows
 * `[batch, classes]`.
 * @throws {RangeError} when alpha is not above 0 to 10.
 * @throws {ShapeError} on the error channel, when the targets are labels.
 *
 * @example
 * ```ts
 * import { arrays, miniBatches, mixUp } from "@millrace/millrace";
 * import { lastValueFrom, mergeMap } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const data = arrays([[0], [1]], [[1, 0], [0, 1]]);
 * const steps = miniBatches(data, { device: "cpu", threads: 1 }).pipe(
 *   mixUp({ alpha: 1 }),
 *   mergeMap(({ x, y }) => Promise.all([x.data(), y.data()])),
 * );
 * const [[a, b], [a0, a1]] = await lastValueFrom(steps);
 * assert.ok(a > 0 && a < 1 && b > 0 && b < 1);
 * assert.ok(Math.abs(a - a1) < 1e-6 && Math.abs(a0 + a1 - 1) < 1e-6);
 * ```
 *
 * Source: H. Zhang and others, "mixup: beyond empirical risk minimization", 2017. Keras: the layer `MixUp`
 * of images and labels, with one λ for a batch.
 */
export function mixUp(options: MixingOptions = {}): MonoTypeOperatorFunction<Batch> {
  return mixing("mixUp", options, 0.2, ({ x, other, share }) => ({
    x: blended(x, other, share),
    share,
  }));
}
