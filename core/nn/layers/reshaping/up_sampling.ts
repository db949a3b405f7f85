import type { Tensor } from "../../../graph/tensor.ts";
import { add } from "../../../ops/add.ts";
import { concat, slice } from "../../../ops/concat.ts";
import { mul } from "../../../ops/mul.ts";
import { reshape } from "../../../ops/reshape.ts";
import { stack } from "../../../ops/stack.ts";
import { broadcastTo } from "../../../ops/sum.ts";
import type { Layer } from "../../layer.ts";
import { axes, type AxisSizes, checkPlaces } from "../convolution/geometry.ts";
import type { PlainOptions } from "./plain.ts";
import { checkInterpolation, type Interpolation, resampler } from "./resample.ts";

/** Larger inputs over `rank` axes; see `upSampling1d`, `2d` and `3d`. */
export function upSampling(
  rank: 1 | 2 | 3,
  size: AxisSizes,
  options: PlainOptions & { readonly interpolation?: Interpolation },
): Layer {
  const { interpolation = "nearest", name = "", inputShape } = options;
  const factors = axes(`upSampling${rank}d`, "size", rank, size);
  checkInterpolation(`upSampling${rank}d`, interpolation);
  const enlarge = enlarger(interpolation, factors);
  return {
    type: `UpSampling${rank}D`,
    config: { size, ...options },
    name,
    inputShape,
    init(given) {
      checkPlaces(rank, given);
      const sizes = factors.map((factor, axis) => factor * given[axis]);
      return { outputShape: [...sizes, given[rank]], parameters: [] };
    },
    apply: (_parameters, x) => enlarge(x),
  };
}

/** What makes inputs larger by `factors`. */
function enlarger(
  interpolation: Interpolation,
  factors: readonly number[],
): (x: Tensor) => Tensor {
  if (interpolation === "nearest") return (x) => repeated(x, factors);
  if (interpolation === "bilinear") {
    return (x) => factors.reduce((y, factor, axis) => interpolated(y, axis + 1, factor), x);
  }
  const resample = resampler(interpolation);
  return (x) => resample(x, factors[0] * x.shape[1], factors[1] * x.shape[2]);
}

/** Every place as often as `factors` say. */
function repeated(x: Tensor, factors: readonly number[]): Tensor {
  const [batch, ...rest] = x.shape;
  const channels = rest[factors.length];
  const split = factors.flatMap((_, axis) => [rest[axis], 1]);
  const spread = factors.flatMap((factor, axis) => [rest[axis], factor]);
  const sizes = factors.map((factor, axis) => rest[axis] * factor);
  const wide = broadcastTo(
    reshape(x, [batch, ...split, channels]),
    [batch, ...spread, channels],
  );
  return reshape(wide, [batch, ...sizes, channels]);
}

/**
 * `factor` places for one along an axis, each a mean of the two nearest inputs by distance; the
 * middles of first and last inputs stand for what lies outside.
 */
function interpolated(x: Tensor, axis: number, factor: number): Tensor {
  if (factor === 1) return x;
  const size = x.shape[axis];
  const part = (from: number, to: number) =>
    slice(x, x.shape.map((_, i) => i === axis ? from : 0), x.shape.with(axis, to));
  const left = concat([part(0, 1), part(0, size - 1)], axis);
  const right = concat([part(1, size), part(size - 1, size)], axis);
  const phases = Array.from({ length: factor }, (_, phase) => {
    // How far the middle of this place lies from that of its input.
    const shift = (phase + 0.5) / factor - 0.5;
    const near = mul(x, 1 - Math.abs(shift));
    return shift === 0 ? x : add(near, mul(shift < 0 ? left : right, Math.abs(shift)));
  });
  return reshape(stack(phases, axis + 1), x.shape.with(axis, size * factor));
}
