import type { Tensor } from "../graph/tensor.ts";
import type { Tensors } from "../nn/named.ts";
import type { MonoTypeOperatorFunction } from "../nn/rxjs_types.ts";
import { checkScalar } from "../nn/check_scalar.ts";
import { normal } from "../ops/random.ts";
import { Memory, stage } from "./stage.ts";
import { checkUnused } from "./stage_order.ts";
import { Differentiated } from "./stages.ts";

/** Options of {@link gradientNoise}. */
export interface GradientNoiseOptions {
  /** Variance η of the noise at the first step, from 0; default 0.3. */
  readonly eta?: number;
  /** How fast it falls, γ, from 0; default 0.55. */
  readonly gamma?: number;
}

/**
 * Adds normal noise to gradients, less and less of it as training goes on.
 *
 * g + N(0, σ²) with σ² = η / (1 + t)^γ, where t counts updates from 0. The noise follows from the
 * run's seed, the weight's name and the step, so that it is the same on every device. Put it below
 * `clipGradients`, as its source does.
 *
 * @param options η and γ.
 * @returns An operator from {@link Differentiated} to {@link Differentiated}.
 * @throws {RangeError} when an option is negative or not finite.
 *
 * @example
 * ```ts
 * import {
 *   arrays, backward, dense, forward, gradientNoise, input, loss, meanSquaredError, miniBatches,
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
 *   gradientNoise({ eta: 0.01 }),
 *   mergeMap((step) => step.gradients.get(model.parameters[0])!.data()),
 * );
 * const [noisy] = await lastValueFrom(gradient);
 * assert.ok(noisy !== -4 && Math.abs(noisy + 4) < 0.6);
 * ```
 *
 * Source: Neelakantan and others, "Adding gradient noise improves learning for very deep networks",
 * 2015; η is one of 0.01, 0.3 and 1 there, and γ is 0.55. Keras has no such option.
 */
export function gradientNoise<
  X extends Tensors = Tensor,
  Y extends Tensors = Tensor,
  O extends Tensors = Tensor,
>(
  options: GradientNoiseOptions = {},
): MonoTypeOperatorFunction<Differentiated<X, Y, O>> {
  const { eta = 0.3, gamma = 0.55 } = options;
  checkScalar("eta of gradientNoise", eta, { minimum: 0 });
  checkScalar("gamma of gradientNoise", gamma, { minimum: 0 });
  return stage("gradientNoise", "backward", (onRun) => {
    const memory = new Memory<Differentiated["gradients"]>();
    const state = { updates: 0 };
    let name = "noise";
    onRun((run) =>
      name = run.keep(name, {
        save: () => ({ ...state }),
        restore: (saved) => void Object.assign(state, saved),
      })
    );
    return (step) => {
      // Steps that only gather gradients make no use of these.
      if (!step.updates) return step;
      state.updates++;
      const { run } = step.frame;
      const gradients = memory.get([step.gradients], () => {
        checkUnused("gradientNoise", step);
        const deviation = run.scalars.computed(
          `${name}/deviation`,
          () => Math.sqrt(eta / state.updates ** gamma),
        );
        const { counter, randomKey } = run.context(true);
        return new Map([...step.gradients].map(([parameter, gradient]) => {
          const key = randomKey(`${name}/${parameter.name}`);
          return [
            parameter,
            gradient.add(normal(key, parameter.shape, counter).mul(deviation)),
          ];
        }));
      });
      return new Differentiated(step, gradients);
    };
  });
}
