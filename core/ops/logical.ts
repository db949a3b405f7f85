import { type Binary, elementwise, logical, type Unary } from "./elementwise.ts";

/**
 * True where both x and y are true; bool, broadcast to one shape.
 *
 * @example
 * ```ts
 * import { logicalAnd, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const x = tensor([1, 2]);
 * assert.deepEqual([...await logicalAnd(x.less(3), x.less(2)).data()], [1, 0]);
 * ```
 */
export const logicalAnd: Binary = elementwise({
  name: "logicalAnd",
  types: logical,
  wgsl: "x && y",
  reference: (x, y) => x && y ? 1 : 0,
  samples: [{ inputs: [[0, 0, 1, 1], [0, 1, 0, 1]], expected: [0, 0, 0, 1] }],
});

/**
 * True where x or y is true; bool, broadcast to one shape.
 *
 * @example
 * ```ts
 * import { logicalOr, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const x = tensor([1, 2]);
 * assert.deepEqual([...await logicalOr(x.less(3), x.less(2)).data()], [1, 1]);
 * ```
 */
export const logicalOr: Binary = elementwise({
  name: "logicalOr",
  types: logical,
  wgsl: "x || y",
  reference: (x, y) => x || y ? 1 : 0,
  samples: [{ inputs: [[0, 0, 1, 1], [0, 1, 0, 1]], expected: [0, 1, 1, 1] }],
});

/**
 * True where x is false; bool.
 *
 * @example
 * ```ts
 * import { logicalNot, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await logicalNot(tensor([1, 2]).less(2)).data()], [0, 1]);
 * ```
 */
export const logicalNot: Unary = elementwise({
  name: "logicalNot",
  types: logical,
  wgsl: "!x",
  reference: (x) => x ? 0 : 1,
  samples: [{ inputs: [[0, 1]], expected: [1, 0] }],
});
