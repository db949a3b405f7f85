import { type Binary, comparison, elementwise } from "./elementwise.ts";

/**
 * True where x ≥ y, element by element, broadcast to one shape.
 *
 * @example
 * ```ts
 * import { greaterEqual, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await greaterEqual(tensor([1, 2]), 2).data()], [0, 1]);
 * ```
 */
export const greaterEqual: Binary = elementwise({
  name: "greaterEqual",
  types: comparison,
  wgsl: "x >= y",
  reference: (x, y) => x >= y ? 1 : 0,
  samples: [{ inputs: [[1, 2, 3], [2, 2, 2]], expected: [0, 1, 1] }],
});
