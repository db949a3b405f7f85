import { type Dimension, numbersOf, type ParameterValue, type Range } from "./dimension.ts";

/** What to search: a dimension for each name. */
export type Space = Readonly<Record<string, Dimension<unknown>>>;

/** The values of one trial, by the names of the space; those of `when` may be `undefined`. */
export type SearchParameters<S extends Space> = {
  readonly [Name in keyof S]: ReturnType<S[Name]["at"]>;
};

/** The values of one trial whatever the space; a parameter that is not there is left out. */
export type ParameterValues = Readonly<Record<string, ParameterValue>>;

/**
 * Refuses a space without dimensions, and conditions that can never hold.
 *
 * @throws {RangeError} with the name of the dimension.
 */
export function checkSpace(space: Space): void {
  const names = Object.keys(space);
  if (names.length === 0) refuse("a space without dimensions");
  names.forEach((name, place) => {
    const { condition = {} } = space[name];
    for (const [other, wanted] of Object.entries(condition)) {
      if (!names.slice(0, place).includes(other)) {
        refuse(
          `"${name}" as its condition must name a dimension that stands before it (` +
            `${names.slice(0, place).join(", ") || "there is none"}): received "${other}"`,
        );
      }
      const impossible = listOf(wanted).find((value) => !isIn(space[other].range, value));
      if (impossible !== undefined || listOf(wanted).length === 0) {
        refuse(
          `"${name}" as "${other}" is never ${JSON.stringify(impossible) ?? "one of no values"}`,
        );
      }
    }
  });
}

/**
 * Chooses the values of a trial in the space's order, and only those whose condition holds.
 *
 * @param space The space.
 * @param choose The value of a dimension.
 */
export function chooseValues(
  space: Space,
  choose: (name: string, dimension: Dimension<unknown>) => unknown,
): ParameterValues {
  const values: Record<string, ParameterValue> = {};
  for (const [name, dimension] of Object.entries(space)) {
    if (isActive(dimension, values)) values[name] = choose(name, dimension) as ParameterValue;
  }
  return values;
}

/** Whether the condition of a dimension holds for the values chosen before it. */
export function isActive({ condition = {} }: Dimension<unknown>, values: ParameterValues): boolean {
  return Object.entries(condition).every(([other, wanted]) =>
    Object.hasOwn(values, other) && listOf(wanted).includes(values[other])
  );
}

/** A space as text, to tell whether two are the same. */
export function describeSpace(space: Space): string {
  const entries = Object.entries(space).map(([name, { range, condition }]) => [
    name,
    { ...range, ...(condition ? { when: condition } : {}) },
  ]);
  return JSON.stringify(Object.fromEntries(entries));
}

function listOf(wanted: ParameterValue | readonly ParameterValue[]): readonly ParameterValue[] {
  return Array.isArray(wanted) ? wanted : [wanted as ParameterValue];
}

function isIn(range: Range, value: ParameterValue): boolean {
  if (range.type === "choice") return range.values.includes(value);
  return range.step !== undefined && !range.log
    ? numbersOf(range).includes(value as number)
    : Number.isInteger(value) && range.type === "integer" && Number(value) >= range.low &&
      Number(value) <= range.high;
}

function refuse(what: string): never {
  throw new RangeError(`Cannot search ${what}`);
}
