import { ShapeError } from "../../../graph/errors.ts";
import { formatShape, type Shape } from "../../../graph/shape.ts";
import { add } from "../../../ops/add.ts";
import { tensor } from "../../../ops/eager.ts";
import { mul } from "../../../ops/mul.ts";
import { checkScalar } from "../../check_scalar.ts";
import type { Layer } from "../../layer.ts";

/** Options of {@link rescaling}. */
export interface RescalingOptions {
  /** What is added, one number or one a feature of the last axis; default 0. */
  readonly offset?: number | readonly number[];
  /** Name; default `rescaling_1` and so on in the model. */
  readonly name?: string;
  /** Shape of the inputs without the batch, for a first layer. */
  readonly inputShape?: Shape;
}

/**
 * Brings inputs to another range.
 *
 * y = x · scale + offset, in training and in inference: 1 / 127.5 and −1 bring bytes to −1 to 1.
 *
 * @param scale The factor, one number or one a feature of the last axis.
 * @param options Offset, name, input shape.
 * @returns A layer without weights, from `[batch, ..., features]` to the same shape.
 * @throws {RangeError} when a number is not finite.
 *
 * @example
 * ```ts
 * import { input, predict, rescaling, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([3]), rescaling(1 / 127.5, { offset: -1 })]);
 * const inputs = { data: Float32Array.of(0, 127.5, 255), shape: [1, 3] };
 * const { data } = await predict(model, inputs, { device: "cpu", threads: 1 });
 * assert.deepEqual([...data], [-1, 0, 1]);
 * ```
 *
 * Keras: `Rescaling`.
 */
export function rescaling(
  scale: number | readonly number[],
  options: RescalingOptions = {},
): Layer {
  const { offset = 0 } = options;
  const [factor, term] = [constantOf("scale", scale), constantOf("offset", offset)];
  return {
    type: "Rescaling",
    name: options.name ?? "",
    inputShape: options.inputShape,
    config: { ...options, scale },
    init(given) {
      for (const value of [scale, offset]) {
        if (typeof value === "number" || value.length === given.at(-1)) continue;
        throw new ShapeError(
          `expected input of ${value.length} features, one a number of the scale or the offset, ` +
            `got shape ${formatShape(given)}`,
        );
      }
      return { outputShape: given, parameters: [] };
    },
    apply: (_parameters, x) => add(mul(x, factor), term),
  };
}

/** A number as a literal, numbers as one constant for all steps. */
function constantOf(what: string, value: number | readonly number[]) {
  if (typeof value === "number") return checkScalar(`the ${what} of rescaling`, value);
  value.forEach((item) => checkScalar(`the ${what} of rescaling`, item));
  return tensor([...value]);
}
