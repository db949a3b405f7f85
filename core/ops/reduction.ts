import { wrapInteger } from "../graph/dtype.ts";
import type { ReferenceArray } from "../graph/operation.ts";
import { contiguousStrides, type Shape } from "../graph/shape.ts";
import { forEachIndex } from "./indexing.ts";

/** `shape` without `axes`. */
export function reducedShape(shape: Shape, axes: readonly number[]): number[] {
  return shape.filter((_, axis) => !axes.includes(axis));
}

/** Folds `x` over `axes` into `output`, element by element from `initial`. */
export function reduceReference(
  x: ReferenceArray,
  axes: readonly number[],
  output: ReferenceArray,
  initial: number,
  fold: (a: number, b: number) => number,
): void {
  output.data.fill(initial);
  const strides = contiguousStrides(output.shape);
  const kept = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  forEachIndex(x.shape, (index, position) => {
    let target = 0;
    kept.forEach((axis, place) => target += index[axis] * strides[place]);
    output.data[target] = wrapInteger(output.dtype, fold(output.data[target], x.data[position]));
  });
}
