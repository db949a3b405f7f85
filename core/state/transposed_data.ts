/** A typed array. */
interface Elements {
  readonly length: number;
  [place: number]: unknown;
  slice(): this;
}

/**
 * Elements with the axes in another order, row by row.
 *
 * @param data The elements, row by row.
 * @param shape Sizes of their axes.
 * @param axes Which of them each axis of the result is.
 */
export function transposedData<Data extends Elements>(
  data: Data,
  shape: readonly number[],
  axes: readonly number[],
): Data {
  const strides = axes.map((axis) =>
    shape.slice(axis + 1).reduce((product, size) => product * size, 1)
  );
  const counts = axes.map((axis) => shape[axis]);
  const moved = data.slice();
  const index = new Array<number>(axes.length).fill(0);
  let from = 0;
  for (let to = 0; to < data.length; to++) {
    moved[to] = data[from];
    for (let axis = axes.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < counts[axis]) break;
      from -= strides[axis] * counts[axis];
      index[axis] = 0;
    }
  }
  return moved;
}
