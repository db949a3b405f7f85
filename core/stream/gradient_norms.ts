import type { MonoTypeOperatorFunction } from "../nn/rxjs_types.ts";
import type { Tensor } from "../graph/tensor.ts";
import { checkCount } from "../nn/check_count.ts";
import type { Parameter } from "../nn/parameter.ts";
import { add } from "../ops/add.ts";
import { sqrt } from "../ops/sqrt.ts";
import { square } from "../ops/square.ts";
import { sum } from "../ops/sum.ts";
import type { Effect } from "./frame.ts";
import { layerOf } from "./layer_of.ts";
import type { RecordDefinition } from "./record_layout.ts";
import { Memory, stage } from "./stage.ts";
import type { AnyDifferentiated } from "./stages.ts";

/** Options of {@link gradientNorms}. */
export interface GradientNormsOptions {
  /** Steps from one measurement to the next, from 1; default 1. */
  readonly every?: number;
}

/**
 * Adds the length of the gradient to the logs, for each layer and for all of them together, so that
 * gradients that vanish or explode are seen.
 *
 * √Σ g² over the weights of a layer, as `gradient_norm/dense_1`, and over all, as `gradient_norm`.
 * The numbers are recorded on the device and read late: `step.values()` gives those of a step, and
 * an epoch's logs their means over the steps that were measured. Below `clipGradients` it measures
 * what is left, above it what came.
 *
 * @param options How often.
 * @returns An operator on steps from `backward` on, which it passes on as they are. Steps that only
 * gather gradients are not measured.
 * @throws {RangeError} when `every` is not a whole number from 1.
 *
 * @example
 * ```ts
 * import {
 *   arrays, backward, dense, forward, gradientNorms, input, loss, meanSquaredError, miniBatches,
 *   sequential,
 * } from "@millrace/millrace";
 * import { lastValueFrom, mergeMap } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([1]), dense(1, { useBias: false, kernelInitializer: "zeros" })]);
 * const norms = miniBatches(arrays([[1]], [[2]]), { device: "cpu", threads: 1 }).pipe(
 *   forward(model),
 *   loss(meanSquaredError()),
 *   backward(),
 *   gradientNorms(),
 *   mergeMap((step) => step.values()),
 * );
 * assert.deepEqual(
 *   await lastValueFrom(norms),
 *   { loss: 4, gradient_norm: 4, "gradient_norm/dense_1": 4 },
 * );
 * ```
 *
 * Source: Pascanu, Mikolov, Bengio, "On the difficulty of training recurrent neural networks",
 * 2013. Keras has no such callback; Lightning: `grad_norm`.
 */
export function gradientNorms<Step extends AnyDifferentiated>(
  options: GradientNormsOptions = {},
): MonoTypeOperatorFunction<Step> {
  const every = checkCount("every of gradientNorms", options.every ?? 1, 1);
  return stage("gradientNorms", "backward", () => {
    const memory = new Memory<Effect>();
    return (step) => {
      if (!step.updates || step.step % every !== 0) return step;
      step.frame.add(
        memory.get([step.gradients], () => ({
          records: norms(step.gradients, (parameter) => step.model.nameOf(parameter)),
        })),
      );
      return step;
    };
  });
}

function norms(
  gradients: ReadonlyMap<Parameter, Tensor>,
  nameOf: (parameter: Parameter) => string,
): RecordDefinition[] {
  const layers = new Map<string, Tensor>();
  for (const [parameter, gradient] of gradients) {
    const layer = layerOf(nameOf(parameter));
    const squares = sum(square(gradient));
    const before = layers.get(layer);
    layers.set(layer, before ? add(before, squares) : squares);
  }
  const record = (name: string, norm: Tensor | number): RecordDefinition => ({
    name,
    totals: [norm, 1],
    result: (total, count) => total[0] / count[0],
  });
  const parts = [...layers.values()];
  // All weights may be frozen at this step.
  const whole = parts.length > 0 ? sqrt(parts.reduce((total, part) => add(total, part))) : 0;
  return [
    record("gradient_norm", whole),
    ...[...layers].map(([layer, squares]) => record(`gradient_norm/${layer}`, sqrt(squares))),
  ];
}
