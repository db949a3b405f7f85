import type { Initializer } from "../initializer.ts";
import { varianceScaling } from "./variance_scaling.ts";

/**
 * Uniform weights in ±√(6 / inputs): for ReLU and its kin.
 *
 * @returns An initializer.
 *
 * @example
 * ```ts
 * import { heUniform, namedKey } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const values = heUniform().values([30, 10], namedKey(1, "kernel"));
 * assert(values.every((value) => Math.abs(value) <= Math.sqrt(6 / 30)));
 * ```
 *
 * Source: K. He and others, "Delving deep into rectifiers", 2015. Keras: `HeUniform`.
 */
export function heUniform(): Initializer {
  return {
    ...varianceScaling({ scale: 2, mode: "fanIn", distribution: "uniform" }),
    name: "heUniform",
    config: {},
  };
}

/**
 * Normal weights of variance 2 / inputs, cut at two standard deviations: for ReLU and its kin.
 *
 * @returns An initializer.
 *
 * @example
 * ```ts
 * import { heNormal, namedKey } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const values = heNormal().values([30, 10], namedKey(1, "kernel"));
 * assert.equal(values.length, 300);
 * assert(values.every((value) => Math.abs(value) < 1));
 * ```
 *
 * Source: K. He and others, "Delving deep into rectifiers", 2015. Keras: `HeNormal`, also a truncated
 * normal; PyTorch's is not truncated.
 */
export function heNormal(): Initializer {
  return { ...varianceScaling({ scale: 2, mode: "fanIn" }), name: "heNormal", config: {} };
}
