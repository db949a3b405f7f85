import { type Binary, comparison, elementwise } from "./elementwise.ts";

/**
 * True where `x` > `y`.
 *
 * @example
 * ```ts
 * import { greater, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await greater(tensor([1, 2]), 1).data()], [0, 1]);
 * ```
 */
export const greater: Binary = elementwise({
  name: "greater",
  types: comparison,
  wgsl: "x > y",
  reference: (x, y) => x > y ? 1 : 0,
  samples: [{ inputs: [[1, 2, 3], [2, 2, 2]], expected: [0, 0, 1] }],
});
