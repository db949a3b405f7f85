import { checkCount } from "../../check_count.ts";

/** Places before and behind the input along one axis. */
export type Sides = readonly [before: number, after: number];

/**
 * Places around a picture or a volume: one number for all sides, or for each axis one number or one
 * before and one after.
 */
export type Border = number | readonly (number | Sides)[];

/** Places around a sequence: one number for both ends, or one before and one after. */
export type Ends = number | Sides;

/**
 * Places before and after along each of `rank` axes.
 *
 * @throws {RangeError} when one is not a whole number from 0, or there are too many or too few.
 */
export function sidesOf(layer: string, rank: number, border: Border): readonly Sides[] {
  const axes = typeof border === "number" ? new Array<number>(rank).fill(border) : border;
  const pairs = axes.map((sides): Sides => typeof sides === "number" ? [sides, sides] : sides);
  if (pairs.length !== rank || pairs.some((pair) => pair.length !== 2)) {
    throw new RangeError(
      `Cannot make ${layer} as it needs one number, or for each of ${rank} axes one or two: ` +
        `received ${JSON.stringify(border)}`,
    );
  }
  for (const places of pairs.flat()) checkCount(`the border of ${layer}`, places);
  return pairs;
}

/** Ends as the border of one axis. */
export function endsAsBorder(ends: Ends): Border {
  return typeof ends === "number" ? ends : [ends];
}
