import type { Initializer } from "../../initializer.ts";
import type { InitializerName } from "../../initializers/by_name.ts";
import { biasWeight, kernelWeight, weight } from "../weighted.ts";
import type { RecurrentOptions } from "./recurrent_options.ts";

/** How weights start and are kept. */
type WeightOptions = Pick<
  RecurrentOptions,
  `${"kernel" | "recurrent" | "bias"}${"Initializer" | "Regularizer" | "Constraint"}`
>;

/**
 * What makes the weights of a recurrent layer.
 *
 * @param options How they start and are kept.
 * @param startBias The initializer of the bias, of the one that is asked for.
 */
export function recurrentWeights(
  options: WeightOptions,
  startBias?: (initializer: InitializerName | Initializer) => InitializerName | Initializer,
) {
  const { biasInitializer = "zeros" } = options;
  return {
    makeKernel: kernelWeight(options),
    makeRecurrent: weight("recurrent_kernel", {
      initializer: options.recurrentInitializer ?? "orthogonal",
      regularizer: options.recurrentRegularizer,
      constraint: options.recurrentConstraint,
    }),
    makeBias: biasWeight({
      ...options,
      biasInitializer: startBias?.(biasInitializer) ?? biasInitializer,
    }),
  };
}
