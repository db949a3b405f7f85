import type { ReferenceArray } from "../graph/operation.ts";
import { contiguousStrides } from "../graph/shape.ts";

/** Calls `visit` with every index of `shape`, last axis fastest, and its position. */
export function forEachIndex(
  shape: readonly number[],
  visit: (index: readonly number[], position: number) => void,
): void {
  if (shape.some((size) => size === 0)) return;
  const index = shape.map(() => 0);
  for (let position = 0;; position++) {
    visit(index, position);
    let axis = shape.length - 1;
    while (axis >= 0 && ++index[axis] === shape[axis]) index[axis--] = 0;
    if (axis < 0) return;
  }
}

/** Fills `output` from `x`, with the source index of every output index given by `source`. */
export function readAt(
  x: ReferenceArray,
  output: ReferenceArray,
  source: (index: readonly number[]) => readonly number[],
): void {
  const strides = contiguousStrides(x.shape);
  forEachIndex(output.shape, (index, position) => {
    let offset = 0;
    source(index).forEach((value, axis) => offset += value * strides[axis]);
    output.data[position] = x.data[offset];
  });
}
