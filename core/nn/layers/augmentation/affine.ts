import { type FillMode, fillModes } from "../../../graph/sampling.ts";
import { iota } from "../../../graph/leaf.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { add } from "../../../ops/add.ts";
import { less } from "../../../ops/less.ts";
import { mul } from "../../../ops/mul.ts";
import { round } from "../../../ops/round.ts";
import { sampleImage } from "../../../ops/sample_image.ts";
import { select } from "../../../ops/select.ts";
import { cos, sin } from "../../../ops/sin.ts";
import { sub } from "../../../ops/sub.ts";
import { broadcastTo } from "../../../ops/sum.ts";
import { checkScalar } from "../../check_scalar.ts";
import type { Bounds } from "./factor.ts";
import type { AugmentationOptions, Draws } from "./image_layer.ts";

/** Options of layers that move pixels. */
export interface SamplingOptions extends AugmentationOptions {
  /**
   * What stands where the picture has ended: `reflect` (default; the last pixel first: d c b a | a b c
   * d), `wrap`, `constant` (see `fillValue`) or `nearest`.
   */
  readonly fillMode?: FillMode;
  /** How values between pixels are found: `bilinear` (default) or `nearest`. */
  readonly interpolation?: "bilinear" | "nearest";
  /** The value outside the picture for `constant`; default 0. */
  readonly fillValue?: number;
}

/** Pixels of `x` at rows and columns, as a layer's options say. */
export type Sampler = (x: Tensor, rows: Tensor, columns: Tensor) => Tensor;

/**
 * How a layer's options say that pixels are found.
 *
 * @throws {RangeError} when one is not known.
 */
export function samplerOf(layer: string, options: SamplingOptions): Sampler {
  const { fillMode = "reflect", interpolation = "bilinear", fillValue = 0 } = options;
  if (!fillModes.includes(fillMode)) {
    throw new RangeError(
      `Cannot make ${layer} as fillMode must be one of ${fillModes.join(", ")}: received ` +
        JSON.stringify(fillMode),
    );
  }
  if (interpolation !== "bilinear" && interpolation !== "nearest") {
    throw new RangeError(
      `Cannot make ${layer} as interpolation must be bilinear or nearest: received ` +
        JSON.stringify(interpolation),
    );
  }
  checkScalar(`fillValue of ${layer}`, fillValue);
  const placed = interpolation === "nearest" ? round : (coordinate: Tensor) => coordinate;
  return (x, rows, columns) =>
    sampleImage(x, placed(rows), placed(columns), { fillMode, fillValue });
}

/** By how much pictures are moved, turned, stretched and mirrored; what is left out stays. */
export interface AffineRanges {
  /** Shift downwards, as a share of the height. */
  readonly height?: Bounds;
  /** Shift to the right, as a share of the width. */
  readonly width?: Bounds;
  /** Turn counter-clockwise, as a share of a full turn. */
  readonly rotation?: Bounds;
  /** Shift to the right of a row, as a share of its distance from the middle, upwards. */
  readonly shear?: Bounds;
  /** Shift downwards of a column, as a share of its distance from the middle, to the right. */
  readonly rise?: Bounds;
  /** What is added to the height of what is seen, as a share: above 0 a picture grows smaller. */
  readonly heightZoom?: Bounds;
  /** The same for the width; `same` draws no number of its own. */
  readonly widthZoom?: Bounds | "same";
  /** Whether half of the pictures, by chance, are upside down. */
  readonly upsideDown?: boolean;
  /** Whether half of the pictures, by chance, have left and right exchanged. */
  readonly mirrored?: boolean;
}

/**
 * Pictures moved, turned, stretched and mirrored around their middle, in one sampling.
 *
 * The pixel at (i, j) of the output shows the place y = cy + zy · (u cos a + v sin a),
 * x = cx + zx · (v cos a − u sin a), with u = p + rise · q, v = q + shear · p, p = i − cy − shift down and
 * q = j − cx − shift right.
 */
export function transformed(
  x: Tensor,
  ranges: AffineRanges,
  draws: Draws,
  sample: Sampler,
): Tensor {
  const [batch, height, width] = x.shape;
  const [middleY, middleX] = [(height - 1) / 2, (width - 1) / 2];
  const drawn = (name: string, range: Bounds | undefined) => range && draws.uniform(name, range);
  const shifted = (positions: Tensor, shift: Tensor | undefined, size: number) =>
    shift ? sub(positions, mul(shift, size)) : positions;
  const down = sub(iota([1, height, 1], 1, "f32"), middleY);
  const right = sub(iota([1, 1, width], 2, "f32"), middleX);
  const p = shifted(down, drawn("height", ranges.height), height);
  const shear = drawn("shear", ranges.shear);
  const q = shifted(right, drawn("width", ranges.width), width);
  const rise = drawn("rise", ranges.rise);
  const u = rise ? add(p, mul(rise, q)) : p;
  const v = shear ? add(q, mul(shear, p)) : q;
  const turn = drawn("rotation", ranges.rotation);
  const angle = turn && mul(turn, 2 * Math.PI);
  const [rows, columns] = angle
    ? [
      add(mul(cos(angle), u), mul(sin(angle), v)),
      sub(mul(cos(angle), v), mul(sin(angle), u)),
    ]
    : [u, v];
  const heightZoom = drawn("height_zoom", ranges.heightZoom);
  const widthZoom = ranges.widthZoom === "same"
    ? heightZoom
    : drawn("width_zoom", ranges.widthZoom);
  const stretched = (positions: Tensor, zoom: Tensor | undefined, name: string, turned = false) => {
    const zoomed = zoom ? mul(positions, add(zoom, 1)) : positions;
    if (!turned) return zoomed;
    return mul(zoomed, select(less(draws.uniform(name, [0, 1]), 0.5), -1, 1));
  };
  const whole = (positions: Tensor, middle: number) =>
    broadcastTo(add(positions, middle), [batch, height, width]);
  return sample(
    x,
    whole(stretched(rows, heightZoom, "vertical", ranges.upsideDown), middleY),
    whole(stretched(columns, widthZoom, "horizontal", ranges.mirrored), middleX),
  );
}
