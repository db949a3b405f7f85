import { type Binary, comparison, elementwise } from "./elementwise.ts";

/**
 * True where x = y, element by element, broadcast to one shape.
 *
 * @example
 * ```ts
 * import { equal, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await equal(tensor([1, 2]), 2).data()], [0, 1]);
 * ```
 */
export const equal: Binary = elementwise({
  name: "equal",
  types: comparison,
  wgsl: "x == y",
  reference: (x, y) => x === y ? 1 : 0,
  samples: [{ inputs: [[1, 2, 3], [2, 2, 2]], expected: [0, 1, 0] }],
});
