import type { DType } from "../graph/dtype.ts";
import { ShapeError } from "../graph/errors.ts";
import type { ReductionOperation } from "../graph/operation.ts";
import { formatShape, normalizeAxes } from "../graph/shape.ts";
import { commonDType, registerMethod, Tensor } from "../graph/tensor.ts";
import { cast } from "./cast.ts";
import { div } from "./div.ts";
import { equal } from "./equal.ts";
import { reducedShape, reduceReference } from "./reduction.ts";
import { register } from "./registry.ts";
import { reshape } from "./reshape.ts";
import { select } from "./select.ts";
import { expandReduced, sum } from "./sum.ts";

type Extreme = "max" | "min";

/** The value that changes no maximum or minimum of elements of `dtype`. */
function neutral(reducer: Extreme, dtype: DType): number {
  const bounds = { f32: [-Infinity, Infinity], i32: [-2147483648, 2147483647] }[dtype as "f32"] ??
    [0, 4294967295];
  return bounds[reducer === "max" ? 0 : 1];
}

function extremeOperation(reducer: Extreme): ReductionOperation {
  const fold = reducer === "max" ? Math.max : Math.min;
  return register({
    kind: "reduction",
    name: reducer,
    reducer,
    infer: ([x], attributes) => ({
      shape: reducedShape(x.shape, attributes.axes as number[]),
      dtype: commonDType(reducer, [x], ["f32", "i32", "u32"]),
    }),
    reference: ([x], attributes, output) =>
      reduceReference(x, attributes.axes as number[], output, neutral(reducer, x.dtype), fold),
    vjp: (grad, node) => {
      const [x] = node.inputs;
      const chosen = equal(x, expandReduced(node, node));
      const count = sum(cast(chosen, "f32"), node.attributes.axes as number[]);
      return [select(chosen, expandReduced(div(grad, count), node), 0)];
    },
  });
}

function extreme(operation: ReductionOperation) {
  return (
    x: Tensor,
    axes?: number | readonly number[],
    options: { keepDims?: boolean } = {},
  ): Tensor => {
    const normal = normalizeAxes(operation.name, axes, x.rank);
    if (normal.some((axis) => x.shape[axis] === 0)) {
      throw new ShapeError(
        `Cannot apply ${operation.name} as the axes it is taken over must have elements: ` +
          `received ${formatShape(x.shape)}`,
      );
    }
    const kept = x.shape.map((size, axis) => normal.includes(axis) ? 1 : size);
    const result = normal.length === 0 ? x : Tensor.node(operation, [x], { axes: normal });
    return options.keepDims ? reshape(result, kept) : result;
  };
}

const largest = extreme(extremeOperation("max"));
const smallest = extreme(extremeOperation("min"));

/**
 * Largest value of `x` over `axes`.
 *
 * Equal largest values share the gradient equally, as in JAX. NaN is left to the device.
 *
 * @param x Any shape, f32, i32 or u32.
 * @param axes Axes to go over, counted from the end when negative; all by default.
 * @param options `keepDims` keeps the axes with size 1; default false.
 * @returns The shape of `x` without `axes`, of its type.
 * @throws {ShapeError} when an axis is out of range, given twice or empty.
 *
 * @example
 * ```ts
 * import { max, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await max(tensor([[1, 5], [3, 2]]), 1).data()], [5, 3]);
 * ```
 */
export function max(
  x: Tensor,
  axes?: number | readonly number[],
  options?: { keepDims?: boolean },
): Tensor {
  return largest(x, axes, options);
}
registerMethod("max", max);

/**
 * Smallest value of `x` over `axes`.
 *
 * Equal smallest values share the gradient equally, as in JAX. NaN is left to the device.
 *
 * @param x Any shape, f32, i32 or u32.
 * @param axes Axes to go over, counted from the end when negative; all by default.
 * @param options `keepDims` keeps the axes with size 1; default false.
 * @returns The shape of `x` without `axes`, of its type.
 * @throws {ShapeError} when an axis is out of range, given twice or empty.
 *
 * @example
 * ```ts
 * import { min, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await min(tensor([[1, 5], [3, 2]]), 1).data()], [1, 2]);
 * ```
 */
export function min(
  x: Tensor,
  axes?: number | readonly number[],
  options?: { keepDims?: boolean },
): Tensor {
  return smallest(x, axes, options);
}
registerMethod("min", min);
