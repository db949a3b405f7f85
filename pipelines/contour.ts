/** A point in the plane. */
export type Point = readonly [x: number, y: number];

/**
 * Where values on a grid pass a level, by marching squares: in each square, straight lines between
 * the places on its sides where the values, interpolated, are at the level.
 *
 * @param xs Where the columns stand, increasing.
 * @param ys Where the rows stand, increasing.
 * @param values Row by row, `[ys, xs]`.
 * @param level The level.
 * @returns Parts of the line, each from a point to another.
 *
 * Source: W. Lorensen, H. Cline, "Marching cubes", 1987, in the plane.
 */
export function contour(
  xs: ArrayLike<number>,
  ys: ArrayLike<number>,
  values: ArrayLike<number>,
  level: number,
): [Point, Point][] {
  const corner = (row: number, column: number) => ({
    place: [xs[column], ys[row]] as Point,
    value: values[row * xs.length + column],
  });
  const parts: [Point, Point][] = [];
  for (let row = 0; row + 1 < ys.length; row++) {
    for (let column = 0; column + 1 < xs.length; column++) {
      // Around the square, so that sides follow each other.
      const corners = [
        corner(row, column),
        corner(row, column + 1),
        corner(row + 1, column + 1),
        corner(row + 1, column),
      ];
      const crossings = corners.flatMap((from, side) => {
        const to = corners[(side + 1) % 4];
        if ((from.value < level) === (to.value < level)) return [];
        const share = (level - from.value) / (to.value - from.value);
        const at = (axis: 0 | 1) => from.place[axis] + share * (to.place[axis] - from.place[axis]);
        return [[at(0), at(1)] as Point];
      });
      // None, two, or four where opposite corners are of one kind: then by twos around.
      for (let pair = 0; pair < crossings.length; pair += 2) {
        parts.push([crossings[pair], crossings[pair + 1]]);
      }
    }
  }
  return parts;
}
