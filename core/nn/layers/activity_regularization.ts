import type { Shape } from "../../graph/shape.ts";
import { abs } from "../../ops/abs.ts";
import { add } from "../../ops/add.ts";
import { mul } from "../../ops/mul.ts";
import { square } from "../../ops/square.ts";
import { sum } from "../../ops/sum.ts";
import { checkScalar } from "../check_scalar.ts";
import type { Layer } from "../layer.ts";
import { penalizeOutputs } from "./weighted.ts";

/** Options of {@link activityRegularization}. */
export interface ActivityRegularizationOptions {
  /** Factor of the sum of absolute values, at least 0; default 0. */
  readonly l1?: number;
  /** Factor of the sum of squares, at least 0; default 0. */
  readonly l2?: number;
  /** Name; default `activity_regularization_1` and so on in the model. */
  readonly name?: string;
  /** Shape of the inputs without the batch, for a first layer. */
  readonly inputShape?: Shape;
}

/**
 * Adds a penalty on what flows through it to the loss: (l1 · Σ|x| + l2 · Σx²) / batch.
 *
 * @param options The factors.
 * @returns A layer that gives its inputs back.
 * @throws {RangeError} when a factor is negative or not finite.
 *
 * @example
 * ```ts
 * import {
 *   activityRegularization, arrays, evaluate, input, meanSquaredError, sequential,
 * } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([1]), activityRegularization({ l1: 0.5, l2: 0.25 })]);
 * const data = arrays([[2], [-4]], [[2], [-4]]);
 * const options = { loss: meanSquaredError(), device: "cpu", threads: 1 } as const;
 * assert.deepEqual(await evaluate(model, data, options), { loss: (0.5 * 6 + 0.25 * 20) / 2 });
 * ```
 *
 * Keras: `ActivityRegularization`.
 */
export function activityRegularization(options: ActivityRegularizationOptions = {}): Layer {
  const { l1 = 0, l2 = 0, name = "", inputShape } = options;
  checkScalar("the l1 of activityRegularization", l1, { minimum: 0 });
  checkScalar("the l2 of activityRegularization", l2, { minimum: 0 });
  const regularizer = l1 === 0 && l2 === 0 ? undefined : {
    name: "l1_l2",
    apply: (x: Parameters<typeof abs>[0]) => add(mul(sum(abs(x)), l1), mul(sum(square(x)), l2)),
  };
  return {
    type: "ActivityRegularization",
    config: { ...options },
    name,
    inputShape,
    supportsMasking: true,
    init: (given) => ({ outputShape: given, parameters: [] }),
    apply: (_parameters, x, context) => penalizeOutputs(x, regularizer, context),
  };
}
