/**
 * The weights with the least squared errors, by the normal equations XᵀX w = Xᵀy in float64; a column
 * of ones stands behind the features, so that the last weight is the bias.
 *
 * @param x Features, `[samples, features]`, row by row.
 * @param y Targets, `[samples]`.
 * @returns A weight for each feature, and the bias.
 * @throws {RangeError} If the features are linear functions of each other: then no weights are best.
 */
export function leastSquares(x: ArrayLike<number>, y: ArrayLike<number>): Float64Array {
  const features = x.length / y.length;
  const size = features + 1;
  // Each row is that of XᵀX, and behind it the one number of Xᵀy.
  const rows = Array.from({ length: size }, () => new Float64Array(size + 1));
  for (let sample = 0; sample < y.length; sample++) {
    const value = (place: number) => place < features ? x[sample * features + place] : 1;
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) rows[i][j] += value(i) * value(j);
      rows[i][size] += value(i) * y[sample];
    }
  }
  solve(rows, y.length);
  return Float64Array.from(rows, (row) => row[size]);
}

/** Gauss and Jordan's elimination with the largest pivot; the last column becomes the solution. */
function solve(rows: Float64Array[], scale: number): void {
  for (let step = 0; step < rows.length; step++) {
    let pivot = step;
    for (let row = step + 1; row < rows.length; row++) {
      if (Math.abs(rows[row][step]) > Math.abs(rows[pivot][step])) pivot = row;
    }
    [rows[step], rows[pivot]] = [rows[pivot], rows[step]];
    const divisor = rows[step][step];
    if (Math.abs(divisor) < 1e-9 * scale) {
      throw new RangeError(
        "Cannot solve the normal equations as the features are linear functions of each other: " +
          "leave one out, or a category by dropFirst",
      );
    }
    for (let column = step; column <= rows.length; column++) rows[step][column] /= divisor;
    for (let row = 0; row < rows.length; row++) {
      const factor = rows[row][step];
      if (row === step || factor === 0) continue;
      for (let column = step; column <= rows.length; column++) {
        rows[row][column] -= factor * rows[step][column];
      }
    }
  }
}
