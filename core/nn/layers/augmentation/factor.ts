import { checkScalar, type ScalarRange } from "../../check_scalar.ts";

/** How much: one number for as much both ways, or the least and the most. */
export type Factor = number | readonly [low: number, high: number];

/** The least and the most of a random number. */
export type Bounds = readonly [low: number, high: number];

/**
 * The range of a factor: one number stands for −number to number, or for 0 to number where numbers
 * below 0 mean nothing.
 *
 * @throws {RangeError} when a number is out of `allowed`, or the first is above the second.
 */
export function rangeOf(
  layer: string,
  name: string,
  factor: Factor,
  allowed: Required<ScalarRange>,
): Bounds {
  const what = `${name} of ${layer}`;
  if (typeof factor === "number") {
    const high = Math.abs(checkScalar(what, factor, allowed));
    return [Math.max(-high, allowed.minimum), high];
  }
  return orderedPair(layer, name, factor, allowed);
}

/**
 * Two numbers, the first not above the second.
 *
 * @throws {RangeError} when they are not.
 */
export function orderedPair(
  layer: string,
  name: string,
  pair: readonly number[],
  allowed: ScalarRange = {},
): Bounds {
  const [low, high] = Array.isArray(pair) ? pair : [];
  if (Array.isArray(pair) && pair.length === 2 && !(low > high)) {
    return [
      checkScalar(`${name} of ${layer}`, low, allowed),
      checkScalar(`${name} of ${layer}`, high, allowed),
    ];
  }
  throw new RangeError(
    `Cannot make ${layer} as ${name} must be one number, or two with the smaller one first: ` +
      `received ${JSON.stringify(pair)}`,
  );
}
