import { type Binary, comparison, elementwise } from "./elementwise.ts";

/**
 * True where x ≠ y, element by element, broadcast to one shape.
 *
 * @example
 * ```ts
 * import { notEqual, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await notEqual(tensor([1, 2]), 2).data()], [1, 0]);
 * ```
 */
export const notEqual: Binary = elementwise({
  name: "notEqual",
  types: comparison,
  // Shaders of Vulkan get an ordered comparison for !=, by which NaN differs from nothing.
  wgsl: "!(x == y)",
  reference: (x, y) => x !== y ? 1 : 0,
  samples: [{ inputs: [[1, 2, 3], [2, 2, 2]], expected: [1, 0, 1] }],
});
