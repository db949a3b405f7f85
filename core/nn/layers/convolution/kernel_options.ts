import type { Shape } from "../../../graph/shape.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { add } from "../../../ops/add.ts";
import {
  activatedShape,
  type ActivationFunction,
  type ActivationName,
  activationOf,
} from "../../activations.ts";
import type { Constraint } from "../../constraint.ts";
import type { Initializer } from "../../initializer.ts";
import type { InitializerName } from "../../initializers/by_name.ts";
import type { ApplyContext, LayerParameter } from "../../layer.ts";
import type { NamedKey } from "../../named_key.ts";
import type { Regularizer } from "../../regularizer.ts";
import { biasWeight, penalizeOutputs, type WeightedLayerOptions } from "../weighted.ts";

/** What a layer does after its sums: bias and activation. */
export interface FinishOptions extends WeightedLayerOptions {
  /** What is applied to the sums, by name or as a function; default `linear`. */
  readonly activation?: ActivationName | ActivationFunction;
  /** Whether a number is added for each filter; default true. */
  readonly useBias?: boolean;
  /** How the bias starts; default `zeros`. */
  readonly biasInitializer?: InitializerName | Initializer;
  /** Penalty on the bias; default none. */
  readonly biasRegularizer?: Regularizer;
  /** What the bias must keep after every update; default nothing. */
  readonly biasConstraint?: Constraint;
}

/** Options of layers with kernels: what they do after the sums, and how weights start and are kept. */
export interface KernelOptions extends FinishOptions {
  /** How the kernel starts; default `glorotUniform`. */
  readonly kernelInitializer?: InitializerName | Initializer;
  /** Penalty on the kernel; default none. */
  readonly kernelRegularizer?: Regularizer;
  /** What the kernel must keep after every update; default nothing. */
  readonly kernelConstraint?: Constraint;
}

/** Bias, activation and penalty, as a layer's options want them. */
export function finishOf(options: FinishOptions): {
  parameters(filters: number, key: NamedKey): LayerParameter[];
  outputShape(sums: Shape): Shape;
  apply(sums: Tensor, bias: Tensor, context: ApplyContext): Tensor;
} {
  const { useBias = true, activityRegularizer } = options;
  const activate = activationOf(options.activation ?? "linear");
  const makeBias = biasWeight(options);
  return {
    parameters: (filters, key) => useBias ? [makeBias([filters], key)] : [],
    outputShape: (sums) => activatedShape(activate, sums),
    apply(sums, bias, context) {
      const outputs = activate(useBias ? add(sums, bias) : sums);
      return penalizeOutputs(outputs, activityRegularizer, context);
    },
  };
}
