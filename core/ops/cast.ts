import type { DType } from "../graph/dtype.ts";
import { wrapInteger } from "../graph/dtype.ts";
import { DTypeError } from "../graph/errors.ts";
import { registerMethod, type Tensor } from "../graph/tensor.ts";
import { elementwise, type TypeRule, type Unary } from "./elementwise.ts";

const target = (dtype: DType): TypeRule => (_name, [x]) => {
  if (x.dtype === "u8") {
    throw new DTypeError(
      `Cannot apply cast to ${dtype} as bytes are only read by gather: received ${x.describe()} ` +
        `(use gather(data, rows, { dtype: "${dtype}" }))`,
    );
  }
  return dtype;
};

// The largest float32 below 2³¹ and 2³²: WGSL and WebAssembly agree on what is between them. A NaN
// is found by its bits, as shader compilers may take for granted that there is none.
const toInteger = (type: "i32" | "u32", low: string, high: string) =>
  `let bits = bitcast<u32>(x) & 0x7fffffffu;
${type}(select(clamp(x, ${low}, ${high}), 0.0, bits > 0x7f800000u))`;

function saturated(low: number, high: number) {
  return ([from]: readonly DType[], to: DType): (x: number) => number =>
    from !== "f32"
      ? (x) => wrapInteger(to, x)
      : (x) => Number.isNaN(x) ? 0 : Math.trunc(Math.min(Math.max(x, low), high));
}

/** The ops behind {@link cast}, one for each type that they give. */
const casts: Readonly<Record<Exclude<DType, "u8">, Unary>> = {
  f32: elementwise({
    name: "castF32",
    types: target("f32"),
    wgsl: "f32(x)",
    reference: (x) => x,
    // Whole numbers and conditions do not vary smoothly: nothing flows back to them.
    vjp: (grad, x) => [x.dtype === "f32" ? grad : null],
  }),
  i32: elementwise({
    name: "castI32",
    types: target("i32"),
    wgsl: ([from]) => from === "f32" ? toInteger("i32", "-2147483648.0", "2147483520.0") : "i32(x)",
    reference: Math.trunc,
    typedReference: saturated(-2147483648, 2147483520),
    samples: [{ inputs: [[-1.5, 2.9, 3e9, NaN]], expected: [-1, 2, 2147483520, 0] }],
  }),
  u32: elementwise({
    name: "castU32",
    types: target("u32"),
    wgsl: ([from]) => from === "f32" ? toInteger("u32", "0.0", "4294967040.0") : "u32(x)",
    reference: Math.trunc,
    typedReference: saturated(0, 4294967040),
    samples: [{ inputs: [[-1.5, 2.9, 5e9, NaN]], expected: [0, 2, 4294967040, 0] }],
  }),
  bool: elementwise({
    name: "castBool",
    types: target("bool"),
    // Not !=, by which NaN is false in shaders of Vulkan.
    wgsl: ([from]) => ({ f32: "!(x == 0.0)", u32: "x != 0u", i32: "x != 0" })[from as "f32"] ?? "x",
    reference: (x) => x !== 0 ? 1 : 0,
    samples: [{ inputs: [[0, -2, 0.5]], expected: [0, 1, 1] }],
  }),
};

/**
 * The same values as another element type.
 *
 * f32 to an integer rounds towards 0, stops at the ends of the type's range (2147483520 and
 * 4294967040, the last float32 values in it) and takes NaN as 0; i32 and u32 keep their bits; `bool`
 * is 1 or 0, and is true for all but 0. No gradient flows through a change of type.
 *
 * @param x Any shape; f32, i32, u32 or bool.
 * @param dtype Wanted type; f32, i32, u32 or bool.
 * @throws {DTypeError} when `x` is, or is to be, u8: bytes are stored data that only `gather` reads.
 *
 * @example
 * ```ts
 * import { cast, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await cast(tensor([-1.5, 2.5]), "i32").data()], [-1, 2]);
 * ```
 */
export function cast(x: Tensor, dtype: DType): Tensor {
  if (dtype === "u8") {
    throw new DTypeError(
      `Cannot apply cast to u8 as bytes are only stored data: received ${x.describe()} (keep u32)`,
    );
  }
  return x.dtype === dtype ? x : casts[dtype](x);
}
registerMethod("cast", cast);
