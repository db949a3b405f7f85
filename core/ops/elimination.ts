import type { ReferenceArray, StructuredOperation } from "../graph/operation.ts";
import { ShapeError } from "../graph/errors.ts";
import { formatShape } from "../graph/shape.ts";
import { commonDType, Tensor } from "../graph/tensor.ts";
import { register } from "./registry.ts";

/** Most numbers of a matrix and what stands to its right: the scratch of a thread. */
const most = 2 ** 18;

/**
 * Of `[a]` or `[a, b]`, `[batch, n, n]` and `[batch, n, m]`: the solutions of a · x = b, and behind them a
 * column of pivots, whose product is the determinant; `[batch, n, m + 1]`. Rows are chosen by the largest
 * number of a column, and each is taken off all others (Gauss and Jordan).
 */
const eliminateOperation: StructuredOperation & { name: "eliminate" } = register({
  kind: "structured",
  name: "eliminate",
  infer: ([a, b], { what }) => {
    const [batch, size] = a.shape;
    const columns = b?.shape[2] ?? 0;
    return {
      shape: [batch, size, columns + 1],
      dtype: commonDType(what as string, b ? [a, b] : [a], ["f32"]),
    };
  },
  reference: ([a, b], _attributes, output) => {
    const width = output.shape[2];
    solutions(a, b).forEach(({ solved, pivot }, row) => {
      output.data.set([...solved, pivot], row * width);
    });
  },
  work: ([[batch, size]], output) => ({ flops: 2 * batch * size * size * (size + output[2] - 1) }),
});

/**
 * The node of an elimination.
 *
 * @param what The op that is asked for, for messages.
 * @param a `[batch, n, n]`.
 * @param b `[batch, n, m]`, or nothing.
 */
export function eliminated(what: string, a: Tensor, b?: Tensor): Tensor {
  return Tensor.node(eliminateOperation, b ? [a, b] : [a], { what });
}

/** Refuses matrices `[size, size]`, with so many columns to their right, that are too large. */
export function checkSize(what: string, size: number, columns: number): void {
  if (size * (size + columns) <= most) return;
  throw new ShapeError(
    `Cannot apply ${what} as a matrix and what stands to its right may have ${most} numbers: ` +
      `received ${formatShape([size, size])}${
        columns > 0 ? ` and ${formatShape([size, columns])}` : ""
      }`,
  );
}

/** Each row of the solutions, and its pivot, of all matrices. */
export function solutions(
  a: ReferenceArray,
  b?: ReferenceArray,
): { readonly solved: readonly number[]; readonly pivot: number }[] {
  const [batch, size] = a.shape;
  return Array.from({ length: batch }, (_, at) => {
    const rows = Array.from({ length: size }, (_, row) => [
      ...rowOf(a, at * size + row),
      ...(b ? rowOf(b, at * size + row) : []),
    ]);
    const signs = eliminate(rows);
    return rows.map((row, place) => ({
      solved: row.slice(size).map((value) => value / row[place]),
      pivot: signs[place] * row[place],
    }));
  }).flat();
}

function rowOf({ data, shape: [, , width] }: ReferenceArray, row: number): Float64Array {
  return data.subarray(row * width, (row + 1) * width);
}

/** Brings rows to a diagonal; gives −1 for each that has changed its place with another. */
function eliminate(rows: number[][]): number[] {
  return rows.map((_, column) => {
    let best = column;
    for (let row = column; row < rows.length; row++) {
      if (Math.abs(rows[row][column]) > Math.abs(rows[best][column])) best = row;
    }
    [rows[column], rows[best]] = [rows[best], rows[column]];
    const pivot = rows[column];
    for (const row of rows) {
      // Of no pivot at all nothing can be taken off: the determinant is 0.
      if (row === pivot || pivot[column] === 0) continue;
      const factor = row[column] / pivot[column];
      for (let at = column + 1; at < row.length; at++) row[at] -= factor * pivot[at];
    }
    return best === column ? 1 : -1;
  });
}
