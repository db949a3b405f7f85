import { elementwise, type Unary } from "./elementwise.ts";

/**
 * Largest whole number not above x; f32. Its gradient is zero.
 *
 * @example
 * ```ts
 * import { floor, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await floor(tensor([-1.5, 1.5])).data()], [-2, 1]);
 * ```
 */
export const floor: Unary = elementwise({
  name: "floor",
  wgsl: "floor(x)",
  reference: Math.floor,
  vjp: () => [null],
  samples: [{ inputs: [[-2.5, -0.25, 0, 1.5]], expected: [-3, -1, 0, 1] }],
});

/**
 * Smallest whole number not below x; f32. Its gradient is zero.
 *
 * @example
 * ```ts
 * import { ceil, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await ceil(tensor([-1.5, 1.5])).data()], [-1, 2]);
 * ```
 */
export const ceil: Unary = elementwise({
  name: "ceil",
  wgsl: "ceil(x)",
  reference: Math.ceil,
  vjp: () => [null],
  samples: [{ inputs: [[-2.5, -0.25, 0, 1.5]], expected: [-2, -0, 0, 2] }],
});

/**
 * Nearest whole number, halves to the even one as in NumPy; f32. Its gradient is zero.
 *
 * @example
 * ```ts
 * import { round, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await round(tensor([0.5, 1.5, 2.5])).data()], [0, 2, 2]);
 * ```
 */
export const round: Unary = elementwise({
  name: "round",
  wgsl: "round(x)",
  reference: halfToEven,
  vjp: () => [null],
  samples: [{ inputs: [[-2.5, -0.25, 0, 1.5]], expected: [-2, -0, 0, 2] }],
});

function halfToEven(x: number): number {
  const up = Math.round(x);
  return up - x === 0.5 && up % 2 !== 0 ? up - 1 : up;
}
