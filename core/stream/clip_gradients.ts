import type { MonoTypeOperatorFunction } from "../nn/rxjs_types.ts";
import type { Tensors } from "../nn/named.ts";
import { literal } from "../graph/leaf.ts";
import type { Tensor } from "../graph/tensor.ts";
import { checkScalar } from "../nn/check_scalar.ts";
import { clip } from "../ops/clip.ts";
import { minimum } from "../ops/minimum.ts";
import { add } from "../ops/add.ts";
import { sqrt } from "../ops/sqrt.ts";
import { square } from "../ops/square.ts";
import { sum } from "../ops/sum.ts";
import { Memory, stage } from "./stage.ts";
import { checkUnused } from "./stage_order.ts";
import { Differentiated } from "./stages.ts";

/** Options of {@link clipGradients}; exactly one is given. */
export interface ClipGradientsOptions {
  /** Largest absolute value of any element, above 0 (Keras: `clipvalue`). */
  readonly value?: number;
  /** Largest L2 norm of the gradient of each weight, above 0 (Keras: `clipnorm`). */
  readonly norm?: number;
  /** Largest L2 norm of all gradients together, above 0 (Keras: `global_clipnorm`). */
  readonly globalNorm?: number;
}

/**
 * Limits gradients before they are used.
 *
 * With a norm n above the limit c, gradients are multiplied by c / n; below it they stay.
 *
 * @param options The limit: `value`, `norm` or `globalNorm`.
 * @returns An operator from {@link Differentiated} to {@link Differentiated}.
 * @throws {RangeError} when there is not exactly one limit, or it is not above 0.
 *
 * @example
 * ```ts
 * import {
 *   arrays, backward, clipGradients, dense, forward, input, loss, meanSquaredError, miniBatches,
 *   sequential,
 * } from "@millrace/millrace";
 * import { lastValueFrom, mergeMap } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([1]), dense(1, { kernelInitializer: "zeros" })]);
 * const gradient = miniBatches(arrays([[1]], [[2]]), { device: "cpu", threads: 1 }).pipe(
 *   forward(model),
 *   loss(meanSquaredError()),
 *   backward(),
 *   clipGradients({ value: 0.5 }),
 *   mergeMap((step) => step.gradients.get(model.parameters[0])!.data()),
 * );
 * assert.deepEqual([...await lastValueFrom(gradient)], [-0.5]);
 * ```
 *
 * Source: Pascanu, Mikolov, Bengio, "On the difficulty of training recurrent neural networks",
 * 2013.
 */
export function clipGradients<
  X extends Tensors = Tensor,
  Y extends Tensors = Tensor,
  O extends Tensors = Tensor,
>(
  options: ClipGradientsOptions,
): MonoTypeOperatorFunction<Differentiated<X, Y, O>> {
  const given = Object.entries(options).filter(([, limit]) => limit !== undefined);
  if (given.length !== 1) {
    throw new RangeError(
      `Cannot clip gradients as exactly one of value, norm and globalNorm must be given: ` +
        `received ${given.map(([name]) => name).join(", ") || "none"}`,
    );
  }
  const [[name, limit]] = given as [[keyof ClipGradientsOptions, number]];
  checkScalar(name, limit, { minimum: Number.MIN_VALUE });
  return stage("clipGradients", "backward", () => {
    const memory = new Memory<Differentiated["gradients"]>();
    return (step) => {
      const gradients = memory.get([step.gradients], () => {
        checkUnused("clipGradients", step);
        const parameters = [...step.gradients.keys()];
        const clipped = clipAll([...step.gradients.values()], name, limit);
        return new Map(parameters.map((parameter, place) => [parameter, clipped[place]]));
      });
      return new Differentiated(step, gradients);
    };
  });
}

function clipAll(
  gradients: readonly Tensor[],
  name: keyof ClipGradientsOptions,
  limit: number,
): Tensor[] {
  // All of them may be frozen at this step.
  if (gradients.length === 0) return [];
  if (name === "value") return gradients.map((gradient) => clip(gradient, -limit, limit));
  const squares = gradients.map((gradient) => sum(square(gradient)));
  if (name === "norm") {
    return gradients.map((gradient, place) => gradient.mul(factor(squares[place], limit)));
  }
  const scale = factor(squares.reduce((total, part) => add(total, part)), limit);
  return gradients.map((gradient) => gradient.mul(scale));
}

/** min(1, limit / norm); where the norm is 0 the quotient is infinite, and 1 is taken. */
function factor(squared: Tensor, limit: number): Tensor {
  return minimum(literal(limit).div(sqrt(squared)), literal(1));
}
