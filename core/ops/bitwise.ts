import { type Binary, elementwise, type TypeRule } from "./elementwise.ts";
import { commonDType } from "../graph/tensor.ts";

const integer: TypeRule = (name, inputs) => commonDType(name, inputs, ["u32", "i32"]);

/**
 * Bits set in both x and y; u32 or i32, broadcast to one shape.
 *
 * @example
 * ```ts
 * import { bitwiseAnd, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const x = tensor([5], { dtype: "u32" });
 * assert.deepEqual([...await bitwiseAnd(x, 6).data()], [4]);
 * ```
 */
export const bitwiseAnd: Binary = elementwise({
  name: "bitwiseAnd",
  types: integer,
  wgsl: "x & y",
  reference: (x, y) => x & y,
  samples: [{ inputs: [[5, 12, 0], [6, 10, 7]], expected: [4, 8, 0] }],
});

/**
 * Bits set in x or y; u32 or i32, broadcast to one shape.
 *
 * @example
 * ```ts
 * import { bitwiseOr, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const x = tensor([5], { dtype: "u32" });
 * assert.deepEqual([...await bitwiseOr(x, 6).data()], [7]);
 * ```
 */
export const bitwiseOr: Binary = elementwise({
  name: "bitwiseOr",
  types: integer,
  wgsl: "x | y",
  reference: (x, y) => x | y,
  samples: [{ inputs: [[5, 12, 0], [6, 10, 7]], expected: [7, 14, 7] }],
});

/**
 * Bits set in exactly one of x and y; u32 or i32, broadcast to one shape.
 *
 * @example
 * ```ts
 * import { bitwiseXor, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const x = tensor([5], { dtype: "u32" });
 * assert.deepEqual([...await bitwiseXor(x, 6).data()], [3]);
 * ```
 */
export const bitwiseXor: Binary = elementwise({
  name: "bitwiseXor",
  types: integer,
  wgsl: "x ^ y",
  reference: (x, y) => x ^ y,
  samples: [{ inputs: [[5, 12, 0], [6, 10, 7]], expected: [3, 6, 7] }],
});

/**
 * Bits of x moved up by y places (modulo 32); u32 or i32.
 *
 * @example
 * ```ts
 * import { shiftLeft, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const x = tensor([5], { dtype: "u32" });
 * assert.deepEqual([...await shiftLeft(x, 2).data()], [20]);
 * ```
 */
export const shiftLeft: Binary = elementwise({
  name: "shiftLeft",
  types: integer,
  // WGSL shifts by u32 alone.
  wgsl: ([, places]) => places === "u32" ? "x << y" : "x << u32(y)",
  reference: (x, y) => x << y,
  samples: [{ inputs: [[5, 12, 0], [2, 1, 7]], expected: [20, 24, 0] }],
});

/**
 * Bits of x moved down by y places (modulo 32), the sign kept for i32; u32 or i32.
 *
 * @example
 * ```ts
 * import { shiftRight, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const x = tensor([5], { dtype: "u32" });
 * assert.deepEqual([...await shiftRight(x, 2).data()], [1]);
 * ```
 */
export const shiftRight: Binary = elementwise({
  name: "shiftRight",
  types: integer,
  // WGSL shifts by u32 alone.
  wgsl: ([, places]) => places === "u32" ? "x >> y" : "x >> u32(y)",
  reference: (x, y) => x < 0 ? x >> y : x >>> y,
  samples: [{ inputs: [[5, 12, 0], [2, 1, 7]], expected: [1, 6, 0] }],
});
