import { ShapeError } from "../../../graph/errors.ts";
import { formatShape, type Shape } from "../../../graph/shape.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { reshape } from "../../../ops/reshape.ts";
import type { Triple, Window } from "../../../graph/window.ts";
import { checkCount } from "../../check_count.ts";

/** One number for all axes, or one an axis. */
export type AxisSizes = number | readonly number[];

/**
 * Zeros around the input: `valid` none, `same` as many as give ⌈input / stride⌉ outputs, the odd one
 * behind (Keras; PyTorch pads both sides alike), `causal` (one axis) all in front, so that no
 * output sees a later input.
 */
export type Padding = "valid" | "same" | "causal";

/** A window over one to three axes, as a user describes it. */
export interface WindowOptions {
  /** Taps along each axis. */
  readonly size: AxisSizes;
  /** Places from one output to the next. */
  readonly strides: AxisSizes;
  /** Zeros around the input. */
  readonly padding: Padding;
  /** Places from one tap to the next. */
  readonly dilation: AxisSizes;
}

/** A checked window over `rank` axes. */
export interface Geometry {
  /** Number of axes, 1 to 3. */
  readonly rank: number;
  /** Taps along each axis. */
  readonly size: readonly number[];
  /** Places from one output to the next. */
  readonly strides: readonly number[];
  /** Zeros around the input. */
  readonly padding: Padding;
  /** Places from one tap to the next. */
  readonly dilation: readonly number[];
}

/**
 * Checks the options of a layer whose window goes over `rank` axes.
 *
 * @throws {RangeError} when a number is not whole and from 1, there are too many or few, or padding
 * is unknown.
 */
export function geometryOf(layer: string, rank: number, options: WindowOptions): Geometry {
  const { padding } = options;
  const paddings = rank === 1 ? ["valid", "same", "causal"] : ["valid", "same"];
  if (!paddings.includes(padding)) {
    throw new RangeError(
      `Cannot make ${layer} as padding must be ${paddings.join(", ")}: received ` +
        JSON.stringify(padding),
    );
  }
  return {
    rank,
    padding,
    size: axes(layer, "the size of the window", rank, options.size),
    strides: axes(layer, "strides", rank, options.strides),
    dilation: axes(layer, "dilation", rank, options.dilation),
  };
}

/** One whole number from 1 an axis. */
export function axes(
  layer: string,
  name: string,
  rank: number,
  sizes: AxisSizes,
): readonly number[] {
  const all = typeof sizes === "number" ? new Array<number>(rank).fill(sizes) : [...sizes];
  if (all.length !== rank) {
    throw new RangeError(
      `Cannot make ${layer} as ${name} must be one number or ${rank}: received [${all.join(", ")}]`,
    );
  }
  for (const size of all) checkCount(`${name} of ${layer}`, size, 1);
  return all;
}

/**
 * The window over inputs of a shape, `[...sizes, channels]`.
 *
 * @throws {ShapeError} when there are not `rank` axes and channels, or the window does not fit.
 */
export function windowOver(geometry: Geometry, shape: Shape): Window {
  const { rank, size, strides, dilation, padding } = geometry;
  checkPlaces(rank, shape);
  const zeros = size.map((taps, axis) => {
    const reach = (taps - 1) * dilation[axis] + 1;
    if (padding === "valid") {
      if (shape[axis] >= reach) return [0, 0];
      throw new ShapeError(
        `expected input of ${reach} places or more along axis ${axis + 1}, as the window reaches ` +
          `so far, got shape ${formatShape(shape)} (pad it: padding "same")`,
      );
    }
    if (padding === "causal") return [reach - 1, 0];
    const outputs = Math.ceil(shape[axis] / strides[axis]);
    const missing = Math.max(0, (outputs - 1) * strides[axis] + reach - shape[axis]);
    return [Math.floor(missing / 2), Math.ceil(missing / 2)];
  });
  return {
    size: threeAxes(size),
    strides: threeAxes(strides),
    before: threeAxes(zeros.map(([front]) => front), 0),
    after: threeAxes(zeros.map(([, back]) => back), 0),
    dilation: threeAxes(dilation),
    inputDilation: [1, 1, 1],
  };
}

/**
 * Refuses inputs that are not `[...sizes, channels]` with `rank` sizes.
 *
 * @throws {ShapeError} when there are not `rank` axes and channels.
 */
export function checkPlaces(rank: number, shape: Shape): void {
  if (shape.length === rank + 1) return;
  throw new ShapeError(
    `expected input of ${["length", "height, width", "depth, height, width"][rank - 1]} and ` +
      `channels, got shape ${formatShape(shape)}${hint(rank, shape)}`,
  );
}

/** The last of three axes; those in front have `fill`. */
export function threeAxes(sizes: readonly number[], fill = 1): Triple {
  const [depth, height, width] = [...new Array<number>(3 - sizes.length).fill(fill), ...sizes];
  return [depth, height, width];
}

/** `[batch, ...sizes, channels]` as `[batch, depth, height, width, channels]`. */
export function asVolume(x: Tensor): Tensor {
  const { shape } = x;
  return reshape(x, [shape[0], ...threeAxes(shape.slice(1, -1)), shape[shape.length - 1]]);
}

/** A volume without the axes that were put in front. */
export function fromVolume(x: Tensor, rank: number): Tensor {
  return reshape(x, [x.shape[0], ...x.shape.slice(4 - rank)]);
}

/** A kernel `[...size, channels, filters]` with three axes of taps. */
export function kernelVolume(kernel: Tensor, { size }: Geometry): Tensor {
  return reshape(kernel, [...threeAxes(size), ...kernel.shape.slice(-2)]);
}

function hint(rank: number, shape: Shape): string {
  return shape.length === rank ? ` (are the channels missing? reshape to [..., 1])` : "";
}
