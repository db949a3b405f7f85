import { inputLeaf } from "../graph/leaf.ts";
import type { Shape } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { hardSigmoid, leakyRelu, mish, relu6, silu, softsign, step } from "../ops/activations.ts";
import { elu, selu } from "../ops/elu.ts";
import { exp } from "../ops/exp.ts";
import { gelu } from "../ops/gelu.ts";
import { glu } from "../ops/glu.ts";
import {
  hardShrink,
  hardSilu,
  hardTanh,
  softShrink,
  sparsePlus,
  sparseSigmoid,
  tanhShrink,
} from "../ops/piecewise_activations.ts";
import { relu } from "../ops/relu.ts";
import { sigmoid } from "../ops/sigmoid.ts";
import { logSoftmax, softmax } from "../ops/softmax.ts";
import { celu, logSigmoid, squareplus } from "../ops/smooth_activations.ts";
import { softplus } from "../ops/softplus.ts";
import { sparsemax } from "../ops/sparsemax.ts";
import { tanh } from "../ops/tanh.ts";

/**
 * Any function from a tensor to one of the same shape; `glu` halves the last axis, as all layers
 * allow but recurrent ones.
 */
export type ActivationFunction = (x: Tensor) => Tensor;

/** Activations that layers may give by name. */
export type ActivationName =
  | "linear"
  | "step"
  | "sigmoid"
  | "tanh"
  | "relu"
  | "leakyRelu"
  | "elu"
  | "selu"
  | "gelu"
  | "silu"
  | "softplus"
  | "softmax"
  | "logSoftmax"
  | "relu6"
  | "celu"
  | "glu"
  | "mish"
  | "logSigmoid"
  | "softsign"
  | "sparsemax"
  | "sparsePlus"
  | "sparseSigmoid"
  | "squareplus"
  | "exponential"
  | "hardSigmoid"
  | "hardSilu"
  | "hardTanh"
  | "hardShrink"
  | "softShrink"
  | "tanhShrink";

const activations: Readonly<Record<ActivationName, ActivationFunction>> = {
  linear: (x) => x,
  step,
  sigmoid,
  tanh,
  relu,
  leakyRelu: (x) => leakyRelu(x),
  elu: (x) => elu(x),
  selu,
  gelu: (x) => gelu(x),
  silu,
  softplus,
  softmax: (x) => softmax(x),
  logSoftmax: (x) => logSoftmax(x),
  relu6,
  celu: (x) => celu(x),
  glu: (x) => glu(x),
  mish,
  logSigmoid,
  softsign,
  sparsemax: (x) => sparsemax(x),
  sparsePlus,
  sparseSigmoid,
  squareplus: (x) => squareplus(x),
  exponential: exp,
  hardSigmoid,
  hardSilu,
  hardTanh,
  hardShrink: (x) => hardShrink(x),
  softShrink: (x) => softShrink(x),
  tanhShrink,
};

/** Every activation that has a name. */
export const activationNames: readonly ActivationName[] = Object.keys(
  activations,
) as ActivationName[];

/**
 * The activation of a name; a function is given back as it is.
 *
 * `leakyRelu` has the slope 0.3 of Keras's layer, `elu` an alpha of 1, `gelu` is the exact one; for
 * others give a function: `(x) => leakyRelu(x, 0.01)`, `(x) => threshold(x, 0.5, 0)`. Softmaxes run along the last axis. `step` has
 * no slope, so that nothing before it learns.
 *
 * @param activation Name or function.
 * @returns The function.
 * @throws {RangeError} when no activation has that name.
 *
 * @example
 * ```ts
 * import { activationOf, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const relu = activationOf("relu");
 * assert.deepEqual([...await relu(tensor([-1, 2])).data()], [0, 2]);
 * ```
 */
export function activationOf(activation: ActivationName | ActivationFunction): ActivationFunction {
  if (typeof activation === "function") return activation;
  if (Object.hasOwn(activations, activation)) return activations[activation];
  throw new RangeError(
    `Cannot find the activation as its name must be one of ${activationNames.join(", ")}: ` +
      `received "${activation}"`,
  );
}

/** Shape of what an activation makes of one, both without the batch. */
export function activatedShape(activate: ActivationFunction, shape: Shape): Shape {
  return activate(inputLeaf("x", [2, ...shape], "f32")).shape.slice(1);
}
