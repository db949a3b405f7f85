import { ShapeError } from "../../../graph/errors.ts";
import { formatShape, type Shape } from "../../../graph/shape.ts";
import { backwardWindow, type Window } from "../../../graph/window.ts";
import { convolution, turned } from "../../../ops/convolution.ts";
import { checkCount } from "../../check_count.ts";
import type { Layer } from "../../layer.ts";
import { kernelWeight } from "../weighted.ts";
import {
  asVolume,
  type AxisSizes,
  checkPlaces,
  fromVolume,
  type Geometry,
  geometryOf,
  kernelVolume,
  type Padding,
  threeAxes,
} from "./geometry.ts";
import { finishOf, type KernelOptions } from "./kernel_options.ts";

/** Options of `conv1dTranspose`, `conv2dTranspose` and `conv3dTranspose`. */
export interface ConvTransposeOptions extends KernelOptions {
  /** Places from one input to the next among the outputs, one number or one an axis; default 1. */
  readonly strides?: AxisSizes;
  /**
   * `valid`: (inputs − 1) · strides + kernel places, and at least inputs · strides. `same`:
   * inputs · strides. Default `valid`.
   */
  readonly padding?: Exclude<Padding, "causal">;
  /**
   * Further places behind, below `strides`, one number or one an axis; with `same` the outputs are
   * then (inputs − 1) · strides + kernel mod 2 + this many. Default: as `padding` says.
   */
  readonly outputPadding?: AxisSizes;
  /** Places from one tap to the next, one number or one an axis; default 1. */
  readonly dilationRate?: AxisSizes;
}

/** A transposed convolution over `rank` axes; see `conv2dTranspose` and its kin. */
export function convTranspose(
  rank: 1 | 2 | 3,
  filters: number,
  kernelSize: AxisSizes,
  options: ConvTransposeOptions,
): Layer {
  const factory = `conv${rank}dTranspose`;
  const { strides = 1, padding = "valid", dilationRate = 1, outputPadding } = options;
  const { name = "", inputShape, trainable } = options;
  checkCount(`the filters of ${factory}`, filters, 1);
  if ((padding as Padding) === "causal") {
    throw new RangeError(
      `Cannot make ${factory} as padding must be valid, same: received "causal"`,
    );
  }
  const geometry = geometryOf(factory, rank, {
    size: kernelSize,
    strides,
    padding,
    dilation: dilationRate,
  });
  const further = furtherPlaces(factory, geometry, outputPadding);
  const makeKernel = kernelWeight(options);
  const finish = finishOf(options);
  return {
    type: `Conv${rank}DTranspose`,
    name,
    inputShape,
    trainable,
    config: { ...options, filters, kernelSize },
    init(given, key) {
      const { sizes } = spreadOver(geometry, further, given);
      const kernel = makeKernel([...geometry.size, filters, given[rank]], key);
      return {
        outputShape: finish.outputShape([...sizes, filters]),
        parameters: [kernel, ...finish.parameters(filters, key)],
      };
    },
    apply({ kernel, bias }, x, context) {
      const { window } = spreadOver(geometry, further, x.shape.slice(1));
      const back = turned(kernelVolume(kernel, geometry), 1);
      const sums = convolution(asVolume(x), back, { ...window, groups: 1 });
      return finish.apply(fromVolume(sums, rank), bias, context);
    },
  };
}

/** Outputs along each axis, and the window: that of the gradient of a convolution of the outputs. */
function spreadOver(
  geometry: Geometry,
  further: readonly number[] | undefined,
  shape: Shape,
): { sizes: readonly number[]; window: Window } {
  const { rank, size, strides, dilation, padding } = geometry;
  checkPlaces(rank, shape);
  const reaches = size.map((taps, axis) => (taps - 1) * dilation[axis] + 1);
  const spans = reaches.map((reach, axis) => (shape[axis] - 1) * strides[axis] + reach);
  const sizes = spans.map((span, axis) => {
    const [reach, stride] = [reaches[axis], strides[axis]];
    if (padding === "valid") return span + (further?.[axis] ?? Math.max(reach, stride) - reach);
    return further ? span - reach + reach % 2 + further[axis] : shape[axis] * stride;
  });
  if (sizes.some((places) => places < 1)) {
    throw new ShapeError(
      `expected input that gives one output or more along each axis, got shape ` +
        `${formatShape(shape)}, which gives ${formatShape(sizes)}`,
    );
  }
  const missing = spans.map((span, axis) => span - sizes[axis]);
  const before = missing.map((zeros) => Math.max(0, Math.floor(zeros / 2)));
  const after = missing.map((zeros, axis) => zeros - before[axis]);
  const window: Window = {
    size: threeAxes(size),
    strides: threeAxes(strides),
    before: threeAxes(before, 0),
    after: threeAxes(after, 0),
    dilation: threeAxes(dilation),
    inputDilation: [1, 1, 1],
  };
  return { sizes, window: backwardWindow(window, threeAxes(sizes)) };
}

/** The option `outputPadding`, one number an axis. */
function furtherPlaces(
  factory: string,
  { rank, strides }: Geometry,
  given: AxisSizes | undefined,
): readonly number[] | undefined {
  if (given === undefined) return undefined;
  const all = typeof given === "number" ? new Array<number>(rank).fill(given) : [...given];
  const fits = all.length === rank &&
    all.every((places, axis) => Number.isInteger(places) && places >= 0 && places < strides[axis]);
  if (fits) return all;
  throw new RangeError(
    `Cannot make ${factory} as outputPadding must be whole numbers from 0 to below the strides, ` +
      `[${strides.join(", ")}]: received [${all.join(", ")}]`,
  );
}
