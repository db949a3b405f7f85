import type { Initializer } from "../initializer.ts";
import { varianceScaling } from "./variance_scaling.ts";

/**
 * Uniform weights in ±√(3 / inputs): for SELU.
 *
 * @returns An initializer.
 *
 * @example
 * ```ts
 * import { lecunUniform, namedKey } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const values = lecunUniform().values([30, 10], namedKey(1, "kernel"));
 * assert(values.every((value) => Math.abs(value) <= Math.sqrt(3 / 30)));
 * ```
 *
 * Source: Y. LeCun and others, "Efficient BackProp", 1998. Keras: `LecunUniform`.
 */
export function lecunUniform(): Initializer {
  return {
    ...varianceScaling({ scale: 1, mode: "fanIn", distribution: "uniform" }),
    name: "lecunUniform",
    config: {},
  };
}

/**
 * Normal weights of variance 1 / inputs, cut at two standard deviations: for SELU.
 *
 * @returns An initializer.
 *
 * @example
 * ```ts
 * import { lecunNormal, namedKey } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const values = lecunNormal().values([30, 10], namedKey(1, "kernel"));
 * assert.equal(values.length, 300);
 * assert(values.every((value) => Math.abs(value) < 1));
 * ```
 *
 * Source: Y. LeCun and others, "Efficient BackProp", 1998. Keras: `LecunNormal`, also a truncated
 * normal; PyTorch's is not truncated.
 */
export function lecunNormal(): Initializer {
  return { ...varianceScaling({ scale: 1, mode: "fanIn" }), name: "lecunNormal", config: {} };
}
