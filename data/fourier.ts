/**
 * Squared magnitudes of the discrete Fourier transform of real numbers, at the frequencies from 0 to
 * half the sampling rate: |Σₙ xₙ e^(−2πikn/N)|² for k from 0 to N/2.
 *
 * A transform is made for one length and has its sines and cosines ready. Float64; a fast Fourier
 * transform of N/2 complex numbers, the even and the odd ones of the input.
 *
 * @param length N, a power of two from 2.
 * @returns A function from N numbers to N/2 + 1, which it puts into the array that it is given.
 * @throws {RangeError} If N is not a power of two from 2.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { powerSpectrum } from "@millrace/millrace";
 *
 * const spectrum = powerSpectrum(8);
 * const wave = Float64Array.from({ length: 8 }, (_, n) => Math.cos(2 * Math.PI * 2 * n / 8));
 * const found = spectrum(wave, new Float64Array(5));
 * assert(Math.abs(found[2] - 16) < 1e-12 && Math.abs(found[1]) < 1e-12);
 * ```
 *
 * Source: J. Cooley and J. Tukey, 1965. NumPy: `abs(numpy.fft.rfft(x)) ** 2`.
 */
export function powerSpectrum(
  length: number,
): (values: Float64Array, result: Float64Array) => Float64Array {
  if (!(length >= 2 && length <= 2 ** 24 && Number.isInteger(Math.log2(length)))) {
    throw new RangeError(
      `Cannot transform as the length must be a power of two from 2 to 2^24: received ${length}`,
    );
  }
  const half = length / 2;
  const angle = (place: number) => -2 * Math.PI * place / length;
  const cosines = Float64Array.from({ length }, (_, place) => Math.cos(angle(place)));
  const sines = Float64Array.from({ length }, (_, place) => Math.sin(angle(place)));
  const order = bitReversed(half);
  const real = new Float64Array(half);
  const imaginary = new Float64Array(half);
  return (values, result) => {
    for (let place = 0; place < half; place++) {
      real[place] = values[2 * order[place]];
      imaginary[place] = values[2 * order[place] + 1];
    }
    transform(real, imaginary, cosines, sines);
    for (let k = 0; k <= half; k++) {
      // The even numbers' transform and the odd ones', taken apart by their symmetry.
      const [a, b] = [k % half, (half - k) % half];
      const evenReal = (real[a] + real[b]) / 2;
      const evenImaginary = (imaginary[a] - imaginary[b]) / 2;
      const oddReal = (imaginary[a] + imaginary[b]) / 2;
      const oddImaginary = (real[b] - real[a]) / 2;
      const [c, s] = [cosines[k], sines[k]];
      const x = evenReal + c * oddReal - s * oddImaginary;
      const y = evenImaginary + c * oddImaginary + s * oddReal;
      result[k] = x * x + y * y;
    }
    return result;
  };
}

/** Places with their bits in the other order. */
function bitReversed(count: number): Uint32Array {
  const order = new Uint32Array(count);
  for (let place = 1; place < count; place++) {
    order[place] = (order[place >> 1] >> 1) + (place & 1 ? count >> 1 : 0);
  }
  return order;
}

/** The transform of numbers in reversed order, in place; the tables are of twice as many. */
function transform(
  real: Float64Array,
  imaginary: Float64Array,
  cosines: Float64Array,
  sines: Float64Array,
): void {
  const count = real.length;
  for (let width = 1; width < count; width *= 2) {
    const step = count / width;
    for (let start = 0; start < count; start += 2 * width) {
      for (let place = 0; place < width; place++) {
        const [a, b] = [start + place, start + place + width];
        const [c, s] = [cosines[place * step], sines[place * step]];
        const x = real[b] * c - imaginary[b] * s;
        const y = real[b] * s + imaginary[b] * c;
        real[b] = real[a] - x;
        imaginary[b] = imaginary[a] - y;
        real[a] += x;
        imaginary[a] += y;
      }
    }
  }
}
