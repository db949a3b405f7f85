import { checkCount } from "../nn/check_count.ts";
import {
  type Dimension,
  fromSpread,
  numbersOf,
  type NumericRange,
  type ParameterValue,
  spreadOf,
} from "./dimension.ts";
import type { Sampler } from "./sampler.ts";
import { isActive, type ParameterValues, type Space } from "./space.ts";

/** Options of {@link gridSearch}. */
export interface GridSearchOptions {
  /**
   * Points of a dimension that has no steps, at least 1, evenly spread with both ends among them; one
   * number for all dimensions or one for each by name. A dimension with steps that is named gets so
   * many as well. Default none.
   */
  readonly points?: number | Readonly<Record<string, number>>;
}

/**
 * Tries every combination of values once; the last dimension changes fastest.
 *
 * A dimension whose condition does not hold adds no combinations. The search ends with the grid, if
 * its number of trials does not end it before: give `trials: Infinity` for all.
 *
 * @param options Points of dimensions without steps.
 * @returns The sampler.
 * @throws {RangeError} from `search`, when a dimension has neither steps nor points, or a name of
 * `points` is no number's.
 *
 * @example
 * ```ts
 * import { choice, float, gridSearch } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const space = { optimizer: choice("sgd", "adam"), rate: float(0.01, 1, { log: true }) };
 * const suggest = gridSearch({ points: { rate: 3 } })(space);
 * const at = (number: number) => suggest({ number, seed: 0, direction: "min", trials: [] });
 * assert.deepEqual(at(2), { optimizer: "sgd", rate: 0.1 });
 * assert.equal(at(7), undefined);
 * ```
 *
 * Optuna: `GridSampler`, which is given all values and tries them in random order.
 */
export function gridSearch(options: GridSearchOptions = {}): Sampler {
  return (space) => {
    checkNames(options, space);
    const values = Object.fromEntries(
      Object.entries(space).map(([name, dimension]) => [name, valuesOf(name, dimension, options)]),
    );
    return ({ number }) => {
      // Counted again for each trial: nothing beside the training of a network.
      let place = 0;
      for (const combination of combinations(space, values)) {
        if (++place === number) return combination;
      }
      return undefined;
    };
  };
}

function* combinations(
  space: Space,
  values: Readonly<Record<string, readonly ParameterValue[]>>,
  chosen: ParameterValues = {},
  depth = 0,
): Generator<ParameterValues> {
  const name = Object.keys(space)[depth];
  if (name === undefined) {
    yield chosen;
  } else if (!isActive(space[name], chosen)) {
    yield* combinations(space, values, chosen, depth + 1);
  } else {
    for (const value of values[name]) {
      yield* combinations(space, values, { ...chosen, [name]: value }, depth + 1);
    }
  }
}

function checkNames({ points }: GridSearchOptions, space: Space): void {
  if (points === undefined || typeof points === "number") return;
  for (const name of Object.keys(points)) {
    if (space[name] && space[name].range.type !== "choice") continue;
    const numbers = Object.keys(space).filter((other) => space[other].range.type !== "choice");
    throw new RangeError(
      `Cannot use gridSearch as points must name numbers of the space (${numbers.join(", ")}): ` +
        `received "${name}"`,
    );
  }
}

function valuesOf(
  name: string,
  { range }: Dimension<unknown>,
  { points }: GridSearchOptions,
): readonly ParameterValue[] {
  if (range.type === "choice") return range.values;
  const own = typeof points === "object" ? points[name] : undefined;
  const shared = typeof points === "number" && range.step === undefined ? points : undefined;
  const count = own ?? shared;
  if (count !== undefined) {
    return spreadPoints(range, checkCount(`the points of "${name}" in gridSearch`, count, 1));
  }
  if (range.step !== undefined) return numbersOf(range);
  throw new RangeError(
    `Cannot use gridSearch as "${name}" has no steps: give it some, or gridSearch({ points: ` +
      `{ ${name}: 5 } })`,
  );
}

/** Numbers from `low` to `high`, those that steps make equal once. */
function spreadPoints(range: NumericRange, count: number): number[] {
  const { low, high } = range;
  // Without the half steps beyond the ends.
  const [first, last] = spreadOf({ ...range, step: 0 });
  const points = Array.from({ length: count }, (_, place) => {
    const share = count === 1 ? 0.5 : place / (count - 1);
    const point = fromSpread(range, first + share * (last - first));
    // exp(log(0.1)) is 0.10000000000000002.
    return Math.min(Math.max(Number(point.toPrecision(12)), low), high);
  });
  return [...new Set(points)];
}
