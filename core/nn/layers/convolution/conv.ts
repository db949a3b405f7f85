import { ShapeError } from "../../../graph/errors.ts";
import { formatShape } from "../../../graph/shape.ts";
import { outputSizes } from "../../../graph/window.ts";
import { convolution } from "../../../ops/convolution.ts";
import { checkCount } from "../../check_count.ts";
import type { Layer } from "../../layer.ts";
import { kernelWeight } from "../weighted.ts";
import {
  asVolume,
  type AxisSizes,
  fromVolume,
  geometryOf,
  kernelVolume,
  type Padding,
  threeAxes,
  windowOver,
} from "./geometry.ts";
import { finishOf, type KernelOptions } from "./kernel_options.ts";

/** Options of `conv1d`, `conv2d` and `conv3d`. */
export interface ConvOptions extends KernelOptions {
  /** Places from one output to the next, one number or one an axis; default 1. */
  readonly strides?: AxisSizes;
  /** Zeros around the input; default `valid`. */
  readonly padding?: Padding;
  /** Places from one tap to the next, one number or one an axis; default 1. */
  readonly dilationRate?: AxisSizes;
  /** Groups of channels, each with filters of its own, from 1; default 1. */
  readonly groups?: number;
}

/** A convolution over `rank` axes; see `conv1d`, `conv2d`, `conv3d`. */
export function conv(
  rank: 1 | 2 | 3,
  filters: number,
  kernelSize: AxisSizes,
  options: ConvOptions,
): Layer {
  const factory = `conv${rank}d`;
  const { strides = 1, padding = "valid", dilationRate = 1, groups = 1 } = options;
  const { name = "", inputShape, trainable } = options;
  checkCount(`the filters of ${factory}`, filters, 1);
  checkCount(`the groups of ${factory}`, groups, 1);
  if (filters % groups !== 0) {
    throw new RangeError(
      `Cannot make ${factory} as filters must be a multiple of groups: received ${filters} filters ` +
        `in ${groups} groups`,
    );
  }
  const geometry = geometryOf(factory, rank, {
    size: kernelSize,
    strides,
    padding,
    dilation: dilationRate,
  });
  const makeKernel = kernelWeight(options);
  const finish = finishOf(options);
  return {
    type: `Conv${rank}D`,
    name,
    inputShape,
    trainable,
    config: { ...options, filters, kernelSize },
    init(given, key) {
      const window = windowOver(geometry, given);
      const channels = channelsPerGroup(given, groups);
      const kernel = makeKernel([...geometry.size, channels, filters], key);
      const parameters = [kernel, ...finish.parameters(filters, key)];
      const sizes = outputSizes(window, threeAxes(given.slice(0, -1)));
      return { outputShape: finish.outputShape([...sizes.slice(3 - rank), filters]), parameters };
    },
    apply({ kernel, bias }, x, context) {
      const sums = fromVolume(
        convolution(asVolume(x), kernelVolume(kernel, geometry), {
          ...windowOver(geometry, x.shape.slice(1)),
          groups,
        }),
        rank,
      );
      return finish.apply(sums, bias, context);
    },
  };
}

function channelsPerGroup(shape: readonly number[], groups: number): number {
  const channels = shape[shape.length - 1];
  if (channels % groups === 0) return channels / groups;
  throw new ShapeError(
    `expected input whose channels are a multiple of the ${groups} groups, got shape ` +
      formatShape(shape),
  );
}
