/**
 * The largest of some numbers, however many: `Math.max` with an argument for each overflows the stack
 * from some 120,000 on.
 *
 * @param numbers The numbers, whole or not, none of them NaN.
 * @param least What is given where there are none or all are smaller.
 */
export function largest(numbers: readonly number[], least: number): number {
  return numbers.reduce((most, number) => Math.max(most, number), least);
}
