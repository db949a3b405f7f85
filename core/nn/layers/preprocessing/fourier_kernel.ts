/** Which part of a transform: the cosines', or the sines'. */
export type FourierSide = "real" | "imag";

/**
 * What the samples of a frame are multiplied by for the real or the imaginary parts of its spectrum,
 * `[samples, frequencies]`: w(t) e^(−2πi k t / N) for frequencies k from 0 to N / 2.
 *
 * @param window w, one number a sample.
 * @param length N.
 * @param first Where the first sample stands in the transform.
 */
export function fourierKernel(
  side: FourierSide,
  window: Float64Array,
  length: number,
  first = 0,
): Float32Array<ArrayBuffer> {
  const frequencies = length / 2 + 1;
  const wave = side === "real" ? Math.cos : (angle: number) => -Math.sin(angle);
  const kernel = new Float32Array(window.length * frequencies);
  window.forEach((factor, place) => {
    for (let k = 0; k < frequencies; k++) {
      // Within one turn, where sines are exact to the last bits.
      const turn = (k * (first + place)) % length / length;
      kernel[place * frequencies + k] = factor * wave(2 * Math.PI * turn);
    }
  });
  return kernel;
}
