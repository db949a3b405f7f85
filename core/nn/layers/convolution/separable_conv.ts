import { matmul } from "../../../ops/matmul.ts";
import { reshape } from "../../../ops/reshape.ts";
import { checkCount } from "../../check_count.ts";
import type { Constraint } from "../../constraint.ts";
import type { Initializer } from "../../initializer.ts";
import type { InitializerName } from "../../initializers/by_name.ts";
import type { Layer } from "../../layer.ts";
import type { Regularizer } from "../../regularizer.ts";
import { weight } from "../weighted.ts";
import { channelwise, type DepthwiseConvOptions, depthwiseWeight } from "./depthwise_conv.ts";
import type { AxisSizes } from "./geometry.ts";
import { finishOf } from "./kernel_options.ts";

/** Options of layers that convolve channels first and mix them then. */
export interface SeparableConvOptions extends DepthwiseConvOptions {
  /** How the kernel that mixes channels starts; default `glorotUniform`. */
  readonly pointwiseInitializer?: InitializerName | Initializer;
  /** Penalty on the kernel that mixes channels; default none. */
  readonly pointwiseRegularizer?: Regularizer;
  /** What the kernel that mixes channels must keep after every update; default nothing. */
  readonly pointwiseConstraint?: Constraint;
}

/** Each channel by itself over `rank` axes, then their mixture; see `separableConv2d`. */
export function separableConv(
  rank: 1 | 2,
  filters: number,
  kernelSize: AxisSizes,
  options: SeparableConvOptions,
): Layer {
  const factory = `separableConv${rank}d`;
  const { name = "", inputShape, trainable } = options;
  checkCount(`the filters of ${factory}`, filters, 1);
  const channels = channelwise(factory, rank, kernelSize, options);
  const makeDepthwise = depthwiseWeight("depthwise_kernel", options);
  const makePointwise = weight("pointwise_kernel", {
    initializer: options.pointwiseInitializer ?? "glorotUniform",
    regularizer: options.pointwiseRegularizer,
    constraint: options.pointwiseConstraint,
  });
  const finish = finishOf(options);
  return {
    type: `SeparableConv${rank}D`,
    name,
    inputShape,
    trainable,
    config: { ...options, filters, kernelSize },
    init(given, key) {
      const [mixed, ...sizes] = channels.outputShape(given).toReversed();
      const ones = new Array<number>(rank).fill(1);
      return {
        outputShape: finish.outputShape([...sizes.toReversed(), filters]),
        parameters: [
          makeDepthwise(channels.kernelShape(given), key),
          makePointwise([...ones, mixed, filters], key),
          ...finish.parameters(filters, key),
        ],
      };
    },
    apply({ depthwise_kernel: depthwise, pointwise_kernel: pointwise, bias }, x, context) {
      const own = channels.convolve(x, depthwise);
      const sums = matmul(own, reshape(pointwise, pointwise.shape.slice(-2)));
      return finish.apply(sums, bias, context);
    },
  };
}
