import type { Initializer } from "../initializer.ts";
import { varianceScaling } from "./variance_scaling.ts";

/**
 * Uniform weights in ±√(6 / (inputs + outputs)): for tanh, sigmoid and softmax.
 *
 * @returns An initializer.
 *
 * @example
 * ```ts
 * import { glorotUniform, namedKey } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const values = glorotUniform().values([30, 10], namedKey(1, "kernel"));
 * assert(values.every((value) => Math.abs(value) <= Math.sqrt(6 / 40)));
 * ```
 *
 * Source: X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural
 * networks", 2010. Keras: `GlorotUniform`.
 */
export function glorotUniform(): Initializer {
  return {
    ...varianceScaling({ scale: 1, mode: "fanAvg", distribution: "uniform" }),
    name: "glorotUniform",
    config: {},
  };
}

/**
 * Normal weights of variance 2 / (inputs + outputs), cut at two standard deviations: for tanh, sigmoid and softmax.
 *
 * @returns An initializer.
 *
 * @example
 * ```ts
 * import { glorotNormal, namedKey } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const values = glorotNormal().values([30, 10], namedKey(1, "kernel"));
 * assert.equal(values.length, 300);
 * assert(values.every((value) => Math.abs(value) < 1));
 * ```
 *
 * Source: X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural
 * networks", 2010. Keras: `GlorotNormal`, also a truncated
 * normal; PyTorch's is not truncated.
 */
export function glorotNormal(): Initializer {
  return { ...varianceScaling({ scale: 1, mode: "fanAvg" }), name: "glorotNormal", config: {} };
}
