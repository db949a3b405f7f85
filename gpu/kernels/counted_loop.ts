/**
 * Turns that a shader may take in all of its loops together: after 65,535 Mesa's software adapter
 * leaves them, without a word.
 */
export const mostTurns = 1 << 15;

/**
 * A loop over the numbers from `first` to below `count`; where there are many turns, each does
 * several numbers, in order.
 *
 * @param name The number's name in the body.
 * @param first Expression of the first number.
 * @param count End of the numbers.
 * @param body Statements over `name`; they may break, but not continue.
 * @param turns Turns that the loop takes in all, where it is inside of others; default `count`.
 */
export function countedLoop(
  name: string,
  first: string,
  count: number,
  body: readonly string[],
  turns = count,
): string[] {
  const together = Math.min(count, Math.ceil(turns / mostTurns));
  const inner = body.map((line) => `  ${line}`);
  if (together <= 1) {
    return [`for (var ${name} = ${first}; ${name} < ${count}u; ${name}++) {`, ...inner, "}"];
  }
  const copies = Array.from({ length: together }, (_, place) => [
    `if (${name}First + ${place}u < ${count}u) {`,
    `  let ${name} = ${name}First + ${place}u;`,
    ...inner,
    "}",
  ]);
  return [
    `for (var ${name}First = ${first}; ${name}First < ${count}u; ${name}First += ${together}u) {`,
    ...copies.flat().map((line) => `  ${line}`),
    "}",
  ];
}
