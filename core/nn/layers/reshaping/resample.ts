import type { Tensor } from "../../../graph/tensor.ts";
import { tensor } from "../../../ops/eager.ts";
import { matmul } from "../../../ops/matmul.ts";
import { reshape } from "../../../ops/reshape.ts";
import { transpose } from "../../../ops/transpose.ts";
import { checkChoice } from "../../check_choice.ts";

/** Interpolations by weighted sums of more neighbours than two. */
export type SmoothInterpolation = "bicubic" | "lanczos3" | "lanczos5";

/** How values between places are found: see {@link upSampling2d} and {@link resizing}. */
export type Interpolation = "nearest" | "bilinear" | SmoothInterpolation;

/** Every interpolation. */
export const interpolations: readonly Interpolation[] = [
  ...["nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"] as const,
];

/** Refuses an interpolation that is none. */
export function checkInterpolation(factory: string, name: Interpolation): void {
  checkChoice(factory, "interpolation", name, interpolations);
}

/** The weight of a neighbour by its distance, from 0. */
const kernels: Readonly<Record<SmoothInterpolation, (distance: number) => number>> = {
  // R. Keys, "Cubic convolution interpolation for digital image processing", 1981: a = −1/2.
  bicubic: (x) =>
    x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0,
  lanczos3: (x) => lanczos(x, 3),
  lanczos5: (x) => lanczos(x, 5),
};

/** C. Duchon, "Lanczos filtering in one and two dimensions", 1979: sinc(x) · sinc(x / radius). */
function lanczos(x: number, radius: number): number {
  if (x === 0) return 1;
  if (x >= radius) return 0;
  const angle = Math.PI * x;
  return radius * Math.sin(angle) * Math.sin(angle / radius) / angle ** 2;
}

/**
 * What brings pictures to another size by weighted sums of neighbours.
 *
 * Middles of pixels lie half a pixel behind their beginnings; weights of neighbours that lie outside
 * are shared out among the others. Each axis is a product with its matrix of weights, which is made once
 * for two sizes.
 *
 * @returns What makes `[batch, height, width, channels]` of `[batch, rows, columns, channels]`.
 */
export function resampler(
  interpolation: SmoothInterpolation,
): (x: Tensor, height: number, width: number) => Tensor {
  const known = new Map<string, Tensor>();
  const weightsOf = (from: number, to: number): Tensor => {
    const key = `${from} ${to}`;
    const weights = known.get(key) ?? weightMatrix(from, to, kernels[interpolation]);
    known.set(key, weights);
    return weights;
  };
  return (x, height, width) => {
    const [batch, rows, columns, channels] = x.shape;
    const lines = (y: Tensor, from: number, to: number) =>
      from === to ? y : matmul(reshape(y, [y.size / from, from]), weightsOf(from, to));
    const down = reshape(
      lines(transpose(x, [0, 3, 2, 1]), rows, height),
      [batch, channels, columns, height],
    );
    const across = lines(transpose(down, [0, 1, 3, 2]), columns, width);
    return transpose(reshape(across, [batch, channels, height, width]), [0, 2, 3, 1]);
  };
}

/** How much each of `from` places, a row each, is of each of `to`. */
function weightMatrix(from: number, to: number, kernel: (distance: number) => number): Tensor {
  const weights = new Float32Array(from * to);
  for (let out = 0; out < to; out++) {
    const middle = (out + 0.5) * from / to - 0.5;
    const column = Array.from({ length: from }, (_, place) => kernel(Math.abs(place - middle)));
    const total = column.reduce((sum, weight) => sum + weight, 0);
    column.forEach((weight, place) => weights[place * to + out] = weight / total);
  }
  return tensor(weights, { shape: [from, to] });
}
