import type { Tensor } from "../../graph/tensor.ts";
import { add } from "../../ops/add.ts";
import { mul } from "../../ops/mul.ts";
import { sub } from "../../ops/sub.ts";
import { checkScalar } from "../check_scalar.ts";
import type { UpdateContext } from "../optimizer.ts";

/** The range of constants that means keep: a part of 1 would never learn and divide by zero. */
const keptParts = { minimum: 0, maximum: 1 - Number.EPSILON };

/** Refuses parts that are not from 0 to below 1. */
export function checkBetas(optimizer: string, betas: Readonly<Record<string, number>>): void {
  for (const [name, beta] of Object.entries(betas)) {
    checkScalar(`the ${name} of ${optimizer}`, beta, keptParts);
  }
}

/** `mean` moved towards `value`: mean + (1 − kept) · (value − mean). */
export function movingMean(mean: Tensor, value: Tensor, kept: number): Tensor {
  // 1 − kept is a float64 constant: in float32 that of 0.999 would be wrong in the fifth digit.
  return add(mean, mul(sub(value, mean), 1 - kept));
}

/** √(1 − beta2ᵗ) / (1 − beta1ᵗ): takes the bias of means that began at 0 off Adam's step. */
export function adamCorrection(
  optimizer: string,
  beta1: number,
  beta2: number,
  context: UpdateContext,
): Tensor {
  return context.iterationScalar(
    `${optimizer}_correction_${beta1}_${beta2}`,
    (iteration) => Math.sqrt(1 - beta2 ** iteration) / (1 - beta1 ** iteration),
  );
}

/** 1 / (1 − keptᵗ): takes the bias of a mean that began at 0 off it. */
export function unbiasing(optimizer: string, kept: number, context: UpdateContext): Tensor {
  return context.iterationScalar(
    `${optimizer}_unbiasing_${kept}`,
    (iteration) => 1 / (1 - kept ** iteration),
  );
}
