import { ShapeError } from "../../../graph/errors.ts";
import { formatShape } from "../../../graph/shape.ts";
import { outputSizes } from "../../../graph/window.ts";
import { add } from "../../../ops/add.ts";
import { convolution } from "../../../ops/convolution.ts";
import { reshape } from "../../../ops/reshape.ts";
import { type ActivationFunction, type ActivationName, activationOf } from "../../activations.ts";
import { checkCount } from "../../check_count.ts";
import type { Constraint } from "../../constraint.ts";
import type { Initializer } from "../../initializer.ts";
import type { InitializerName } from "../../initializers/by_name.ts";
import type { Layer } from "../../layer.ts";
import type { Regularizer } from "../../regularizer.ts";
import { penalizeOutputs, weight, type WeightedLayerOptions } from "../weighted.ts";
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

/** Options of layers with kernels: what they do after the sums, and how weights start and are kept. */
export interface KernelOptions extends WeightedLayerOptions {
  /** What is applied to the sums, by name or as a function; default `linear`. */
  readonly activation?: ActivationName | ActivationFunction;
  /** Whether a number is added for each filter; default true. */
  readonly useBias?: boolean;
  /** How the kernel starts; default `glorotUniform`. */
  readonly kernelInitializer?: InitializerName | Initializer;
  /** How the bias starts; default `zeros`. */
  readonly biasInitializer?: InitializerName | Initializer;
  /** Penalty on the kernel; default none. */
  readonly kernelRegularizer?: Regularizer;
  /** Penalty on the bias; default none. */
  readonly biasRegularizer?: Regularizer;
  /** What the kernel must keep after every update; default nothing. */
  readonly kernelConstraint?: Constraint;
  /** What the bias must keep after every update; default nothing. */
  readonly biasConstraint?: Constraint;
}

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
  const { useBias = true, name = "", inputShape, trainable, activityRegularizer } = options;
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
  const activate = activationOf(options.activation ?? "linear");
  const makeKernel = weight("kernel", {
    initializer: options.kernelInitializer ?? "glorotUniform",
    regularizer: options.kernelRegularizer,
    constraint: options.kernelConstraint,
  });
  const makeBias = weight("bias", {
    initializer: options.biasInitializer ?? "zeros",
    regularizer: options.biasRegularizer,
    constraint: options.biasConstraint,
  });
  return {
    type: `Conv${rank}D`,
    name,
    inputShape,
    trainable,
    config: { ...options, filters, kernelSize },
    init(given, key) {
      const window = windowOver(geometry, given);
      const channels = channelsPerGroup(given, groups);
      const parameters = [makeKernel([...geometry.size, channels, filters], key)];
      if (useBias) parameters.push(makeBias([filters], key));
      const sizes = outputSizes(window, threeAxes(given.slice(0, -1)));
      return { outputShape: [...sizes.slice(3 - rank), filters], parameters };
    },
    apply({ kernel, bias }, x, context) {
      const sums = fromVolume(
        convolution(asVolume(x), kernelVolume(kernel, geometry), {
          ...windowOver(geometry, x.shape.slice(1)),
          groups,
        }),
        rank,
      );
      const outputs = activate(useBias ? add(sums, bias) : sums);
      return penalizeOutputs(outputs, activityRegularizer, context);
    },
  };
}

/** A kernel `[...size, channels, filters]` with three axes of taps. */
function kernelVolume(kernel: Parameters<typeof reshape>[0], { size }: Geometry) {
  return reshape(kernel, [...threeAxes(size), ...kernel.shape.slice(-2)]);
}

function channelsPerGroup(shape: readonly number[], groups: number): number {
  const channels = shape[shape.length - 1];
  if (channels % groups === 0) return channels / groups;
  throw new ShapeError(
    `expected input whose channels are a multiple of the ${groups} groups, got shape ` +
      formatShape(shape),
  );
}
