import { ShapeError } from "./errors.ts";

/** Sizes of a tensor's axes, outermost first; `[]` is a scalar. */
export type Shape = readonly number[];

/** Number of elements of a tensor of `shape`. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** A shape as people write it: `[32, 784]`. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** True when both shapes have the same sizes. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/** Elements between neighbours along each axis, for a contiguous tensor (last axis 1). */
export function contiguousStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

/**
 * The shape to which all of `shapes` broadcast, by NumPy's rule: axes are aligned from the last,
 * and sizes must be equal or 1.
 *
 * @throws {ShapeError} when two sizes differ and neither is 1.
 */
export function broadcastShapes(operation: string, shapes: readonly Shape[]): number[] {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  const result = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    for (let axis = 0; axis < shape.length; axis++) {
      const target = rank - shape.length + axis;
      const size = shape[axis];
      if (size === 1) continue;
      if (result[target] !== 1 && result[target] !== size) {
        throw new ShapeError(
          `Cannot apply ${operation} as shapes must broadcast (sizes equal or 1, from the last axis): ` +
            `received ${shapes.map(formatShape).join(" and ")}`,
        );
      }
      result[target] = size;
    }
  }
  return result;
}

/**
 * An axis counted from the front; `-1` is the last one.
 *
 * @throws {ShapeError} when `axis` is not in `[-rank, rank)`.
 */
export function normalizeAxis(operation: string, axis: number, rank: number): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
    throw new ShapeError(
      `Cannot apply ${operation} as axis must be an integer from ${-rank} to ${
        rank - 1
      }: received ${axis}`,
    );
  }
  return axis < 0 ? axis + rank : axis;
}

/** Several axes counted from the front, sorted, without repeats; `undefined` means all of them. */
export function normalizeAxes(
  operation: string,
  axes: number | readonly number[] | undefined,
  rank: number,
): number[] {
  if (axes === undefined) return Array.from({ length: rank }, (_, axis) => axis);
  const list = typeof axes === "number" ? [axes] : axes;
  // Where the compiler did not look, NumPy's { axis: 1 } may stand here.
  if (!Array.isArray(list)) {
    throw new ShapeError(
      `Cannot apply ${operation} as axes must be a number or a list of numbers: received ` +
        `${JSON.stringify(axes)} (options come after them)`,
    );
  }
  const normal = list.map((axis) => normalizeAxis(operation, axis, rank));
  if (new Set(normal).size !== normal.length) {
    throw new ShapeError(
      `Cannot apply ${operation} as axes must differ: received ${list.join(", ")}`,
    );
  }
  return normal.sort((a, b) => a - b);
}

/**
 * Checks that `shape` holds whole numbers ≥ 0.
 *
 * @throws {ShapeError} when a size is negative, fractional or too large.
 */
export function checkShape(operation: string, shape: Shape): void {
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0) {
      throw new ShapeError(
        `Cannot apply ${operation} as sizes must be whole numbers from 0: received ${
          formatShape(shape)
        }`,
      );
    }
  }
}
