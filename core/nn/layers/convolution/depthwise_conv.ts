import { outputSizes } from "../../../graph/window.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { convolution } from "../../../ops/convolution.ts";
import { expandDims } from "../../../ops/expand_dims.ts";
import { reshape } from "../../../ops/reshape.ts";
import { broadcastTo } from "../../../ops/sum.ts";
import { checkCount } from "../../check_count.ts";
import type { Constraint } from "../../constraint.ts";
import type { Initializer } from "../../initializer.ts";
import type { InitializerName } from "../../initializers/by_name.ts";
import type { Layer } from "../../layer.ts";
import type { Regularizer } from "../../regularizer.ts";
import { weight } from "../weighted.ts";
import {
  asVolume,
  type AxisSizes,
  fromVolume,
  type Geometry,
  geometryOf,
  type Padding,
  threeAxes,
  windowOver,
} from "./geometry.ts";
import { finishOf, type FinishOptions } from "./kernel_options.ts";

/** Options of layers that convolve each channel by itself. */
export interface DepthwiseConvOptions extends FinishOptions {
  /** Places from one output to the next, one number or one an axis; default 1. */
  readonly strides?: AxisSizes;
  /** Zeros around the input; default `valid`. */
  readonly padding?: Padding;
  /** Outputs of each channel, from 1; default 1. */
  readonly depthMultiplier?: number;
  /** Places from one tap to the next, one number or one an axis; default 1. */
  readonly dilationRate?: AxisSizes;
  /** How the kernel of the channels starts; default `glorotUniform`. */
  readonly depthwiseInitializer?: InitializerName | Initializer;
  /** Penalty on the kernel of the channels; default none. */
  readonly depthwiseRegularizer?: Regularizer;
  /** What the kernel of the channels must keep after every update; default nothing. */
  readonly depthwiseConstraint?: Constraint;
}

/** A convolution of each channel by itself, over `rank` axes; see `depthwiseConv2d`. */
export function depthwiseConv(
  rank: 1 | 2,
  kernelSize: AxisSizes,
  options: DepthwiseConvOptions,
): Layer {
  const { name = "", inputShape, trainable } = options;
  const channels = channelwise(`depthwiseConv${rank}d`, rank, kernelSize, options);
  const makeKernel = depthwiseWeight("kernel", options);
  const finish = finishOf(options);
  return {
    type: `DepthwiseConv${rank}D`,
    name,
    inputShape,
    trainable,
    config: { ...options, kernelSize },
    init(given, key) {
      const sums = channels.outputShape(given);
      const parameters = [makeKernel(channels.kernelShape(given), key)];
      return {
        outputShape: finish.outputShape(sums),
        parameters: [...parameters, ...finish.parameters(sums[rank], key)],
      };
    },
    apply: ({ kernel, bias }, x, context) =>
      finish.apply(channels.convolve(x, kernel), bias, context),
  };
}

/** The maker of a kernel that goes over channels. */
export function depthwiseWeight(
  role: string,
  options: DepthwiseConvOptions,
): ReturnType<typeof weight> {
  return weight(role, {
    initializer: options.depthwiseInitializer ?? "glorotUniform",
    regularizer: options.depthwiseRegularizer,
    constraint: options.depthwiseConstraint,
  });
}

/** Shapes and sums of a convolution that goes over each channel by itself. */
export function channelwise(
  factory: string,
  rank: 1 | 2,
  kernelSize: AxisSizes,
  options: DepthwiseConvOptions,
): {
  kernelShape(given: readonly number[]): number[];
  outputShape(given: readonly number[]): number[];
  convolve(x: Tensor, kernel: Tensor): Tensor;
} {
  const { strides = 1, padding = "valid", depthMultiplier = 1, dilationRate = 1 } = options;
  checkCount(`the depthMultiplier of ${factory}`, depthMultiplier, 1);
  const geometry: Geometry = geometryOf(factory, rank, {
    size: kernelSize,
    strides,
    padding,
    dilation: dilationRate,
  });
  return {
    kernelShape: (given) => [...geometry.size, given[rank], depthMultiplier],
    outputShape(given) {
      const sizes = outputSizes(windowOver(geometry, given), threeAxes(given.slice(0, -1)));
      return [...sizes.slice(3 - rank), given[rank] * depthMultiplier];
    },
    convolve(x, kernel) {
      const volume = repeatedChannels(asVolume(x), depthMultiplier);
      const groups = volume.shape[4];
      const taps = reshape(kernel, [...threeAxes(geometry.size), 1, groups]);
      const window = windowOver(geometry, x.shape.slice(1));
      return fromVolume(convolution(volume, taps, { ...window, groups }), rank);
    },
  };
}

/** Each channel `times` times, so that every output has one of its own: kernels for that are fast. */
function repeatedChannels(x: Tensor, times: number): Tensor {
  if (times === 1) return x;
  const wide = broadcastTo(expandDims(x, 5), [...x.shape, times]);
  return reshape(wide, x.shape.with(4, x.shape[4] * times));
}
