import { type Shape, sizeOf } from "../../graph/shape.ts";
import { checkScalar } from "../check_scalar.ts";
import type { Initializer } from "../initializer.ts";

/**
 * Every weight the same number.
 *
 * @param value The number, finite; default 0.
 * @returns An initializer that uses no random numbers.
 * @throws {RangeError} when `value` is not a finite number.
 *
 * @example
 * ```ts
 * import { constant, namedKey } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...constant(0.5).values([2], namedKey(0, "bias"))], [0.5, 0.5]);
 * ```
 *
 * Keras: `Constant(value)`. PyTorch: `nn.init.constant_`.
 */
export function constant(value = 0): Initializer {
  return filled("constant", checkScalar("the value of constant", value), { value });
}

/**
 * Every weight 0: what biases start from.
 *
 * A kernel of zeros does not learn: all units of a layer would stay the same. Options give it by its
 * name, "zeros"; `zeros(shape)` is a tensor.
 *
 * @returns An initializer that uses no random numbers.
 *
 * @example
 * ```ts
 * import { namedKey, zerosInitializer } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...zerosInitializer().values([2], namedKey(0, "bias"))], [0, 0]);
 * ```
 *
 * Keras: `Zeros`. PyTorch: `nn.init.zeros_`.
 */
export function zerosInitializer(): Initializer {
  return filled("zeros", 0);
}

/**
 * Every weight 1. Options give it by its name, "ones"; `ones(shape)` is a tensor.
 *
 * @returns An initializer that uses no random numbers.
 *
 * @example
 * ```ts
 * import { namedKey, onesInitializer } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...onesInitializer().values([2], namedKey(0, "scale"))], [1, 1]);
 * ```
 *
 * Keras: `Ones`. PyTorch: `nn.init.ones_`.
 */
export function onesInitializer(): Initializer {
  return filled("ones", 1);
}

function filled(
  name: string,
  value: number,
  config: Readonly<Record<string, unknown>> = {},
): Initializer {
  return { name, config, values: (shape: Shape) => new Float32Array(sizeOf(shape)).fill(value) };
}
