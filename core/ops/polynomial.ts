/** `value` as a float literal of WGSL: always with a point, so that it is not taken for an integer. */
function floatLiteral(value: number): string {
  const [mantissa, exponent] = String(value).split("e");
  const point = mantissa.includes(".") ? mantissa : `${mantissa}.0`;
  return exponent === undefined ? point : `${point}e${exponent}`;
}

/**
 * WGSL of the polynomial with `coefficients`, constant term first, in `variable`, by Horner's rule.
 *
 * Bodies that need better accuracy than WGSL promises for its functions (log near 1, sin, tanh near
 * 0) are written out, and then hold the same accuracy on every device.
 */
export function horner(variable: string, coefficients: readonly number[]): string {
  const [first, ...rest] = coefficients;
  if (rest.length === 0) return floatLiteral(first);
  const tail = rest.length === 1 ? floatLiteral(rest[0]) : `(${horner(variable, rest)})`;
  return `${floatLiteral(first)} + ${variable} * ${tail}`;
}

/** 1/1, 1/3, 1/5, …: log((1 + s) / (1 − s)) = 2s · Σ s²ᵏ / (2k + 1). */
export function inverseTangentSeries(terms: number): number[] {
  return Array.from({ length: terms }, (_, k) => Math.fround(1 / (2 * k + 1)));
}
