/**
 * Mathematical functions that WebAssembly has no instruction for, in the language of the ops'
 * bodies. They are inlined, so that four lanes run at once.
 *
 * Polynomials: Moshier, Cephes Mathematical Library, single precision (expf, logf).
 */
export const prelude: Readonly<
  Record<string, { readonly parameters: readonly string[]; readonly body: string }>
> = {
  exp: {
    parameters: ["x"],
    // The sum with 1.5·2²³ is rounded to a whole number, whose last bits are n: a conversion of floats
    // costs V8 eight instructions. 2ⁿ in two factors: n = 128 and the denormals need both.
    body: `
      let c = min(max(x, -104.0), 89.0);
      let shifted = c * 1.44269504088896341 + 12582912.0;
      let n = shifted - 12582912.0;
      let r = (c - n * 0.693359375) - n * -2.12194440e-4;
      let p = ((((1.9875691500e-4 * r + 1.3981999507e-3) * r + 8.3334519073e-3) * r
        + 4.1665795894e-2) * r + 1.6666665459e-1) * r + 5.0000001201e-1;
      let y = p * (r * r) + r + 1.0;
      let k = bitcast<i32>(shifted) - 0x4b400000;
      let h = k >> 1u;
      y * bitcast<f32>((h + 127) << 23u) * bitcast<f32>((k - h + 127) << 23u)`,
  },
  log: {
    parameters: ["x"],
    body: `
      let small = x < 1.17549435e-38;
      let b = bitcast<i32>(select(x, x * 8388608.0, small));
      let m = bitcast<f32>((b & 0x007fffff) | 0x3f000000);
      let low = m < 0.707106781186547524;
      let e = f32((b >> 23u) - 126) - select(0.0, 1.0, low) - select(0.0, 23.0, small);
      let r = select(m, m + m, low) - 1.0;
      let z = r * r;
      let p = (((((((7.0376836292e-2 * r - 1.1514610310e-1) * r + 1.1676998740e-1) * r
        - 1.2420140846e-1) * r + 1.4249322787e-1) * r - 1.6668057665e-1) * r
        + 2.0000714765e-1) * r - 2.4999993993e-1) * r + 3.3333331174e-1;
      let y = p * r * z + e * -2.12194440e-4 - 0.5 * z;
      let v = r + y + e * 0.693359375;
      let zero = select(v, bitcast<f32>(0xff800000u), x == 0.0);
      let large = select(zero, x, x > 3.40282346e38);
      select(large, bitcast<f32>(0x7fc00000u), (x < 0.0) || (x != x))`,
  },
  pow: {
    parameters: ["x", "y"],
    body: `select(exp(y * log(x)), 1.0, y == 0.0)`,
  },
  sign: {
    parameters: ["x"],
    body: `select(select(0.0, -1.0, x < 0.0), 1.0, x > 0.0)`,
  },
  clamp: {
    parameters: ["x", "low", "high"],
    body: `min(max(x, low), high)`,
  },
};
