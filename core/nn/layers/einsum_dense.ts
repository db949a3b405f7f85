import { add } from "../../ops/add.ts";
import { contract } from "../../ops/einsum.ts";
import { activatedShape, activationOf } from "../activations.ts";
import type { Layer } from "../layer.ts";
import type { DenseOptions } from "./dense.ts";
import { biasShape, equationShapes, readEquation, spelledOut } from "./einsum_equation.ts";
import { biasWeight, kernelWeight, penalizeOutputs } from "./weighted.ts";

/** Options of {@link einsumDense}. */
export interface EinsumDenseOptions extends Omit<DenseOptions, "useBias"> {
  /** Letters of the outputs for whose places there is a bias each, as `"d"`; default none has. */
  readonly biasAxes?: string;
}

/**
 * A dense layer over any axes: activation(einsum(equation, x, kernel) + bias).
 *
 * The equation names the axes of inputs, kernel and outputs: `abc,cd->abd` is {@link dense} on each
 * step b of a sequence, `abc,bcd->abd` has a kernel for each step, `abcd,cde->abe` joins heads. What
 * the outputs lack is summed over. `...` stands for any axes, in front or at the end.
 *
 * @param equation Letters of inputs, kernel and outputs; the first one of inputs and outputs, or `...`
 * in front, is the batch's.
 * @param outputShape Sizes of the outputs' axes that have letters, without the batch; `null` for one
 * that is as in the inputs.
 * @param options Activation, biasAxes, initializers, regularizers, constraints, name.
 * @returns A layer, whose weights are `kernel` and, with `biasAxes`, `bias`.
 * @throws {RangeError} when the equation is none, or a letter of biasAxes no output's; the model
 * refuses sizes that do not fit.
 *
 * @example
 * ```ts
 * import { einsumDense, input, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * // 4 heads of 8 features for each step, and back.
 * const model = sequential([
 *   input([10, 32]),
 *   einsumDense("abc,cde->abde", [null, 4, 8], { biasAxes: "de" }),
 *   einsumDense("...de,dec->...c", 32),
 * ]);
 * assert.deepEqual(model.outputShape, [10, 32]);
 * assert.deepEqual(model.weights.get("einsum_dense_1/kernel")!.shape, [32, 4, 8]);
 * assert.deepEqual(model.weights.get("einsum_dense_1/bias")!.shape, [4, 8]);
 * ```
 *
 * Keras: `EinsumDense`. PyTorch: `torch.einsum` with a parameter.
 */
export function einsumDense(
  equation: string,
  outputShape: number | readonly (number | null)[],
  options: EinsumDenseOptions = {},
): Layer {
  const { biasAxes = "", name = "", inputShape, trainable, activityRegularizer } = options;
  const read = readEquation(equation);
  const sizes = typeof outputShape === "number" ? [outputShape] : outputShape;
  const batch = read.outputs.startsWith(".") ? "" : read.outputs[0];
  const strange = [...biasAxes].find((letter) =>
    letter === batch || letter === "." || !read.outputs.includes(letter)
  );
  if (strange !== undefined || new Set(biasAxes).size < biasAxes.length) {
    throw new RangeError(
      `Cannot make einsumDense as its biasAxes must be letters of the outputs ${equation}, each ` +
        `once, and not that of samples: received ${JSON.stringify(biasAxes)}`,
    );
  }
  const wrong = sizes.find((size) => size !== null && !(Number.isInteger(size) && size > 0));
  if (wrong !== undefined) {
    throw new RangeError(
      `Cannot make einsumDense as its outputShape must be whole numbers from 1, or null: received ` +
        `${wrong}`,
    );
  }
  const activate = activationOf(options.activation ?? "linear");
  const makeKernel = kernelWeight(options);
  const makeBias = biasWeight(options);
  return {
    type: "EinsumDense",
    config: { equation, outputShape, ...options },
    name,
    inputShape,
    trainable,
    decodes: read.inputs[1] === read.outputs[1] && !read.kernel.includes(read.inputs[1]),
    computeMask(x, mask) {
      // Where steps stay in their place.
      const { inputs, outputs } = spelledOut(read, x.rank);
      return inputs[1] === outputs[1] ? mask : undefined;
    },
    init(given, key) {
      const { kernel, outputs } = equationShapes(read, given, sizes);
      const parameters = [makeKernel(kernel, key)];
      if (biasAxes !== "") parameters.push(makeBias(biasShape(read, biasAxes, outputs), key));
      return { outputShape: activatedShape(activate, outputs), parameters };
    },
    apply({ kernel, bias }, x, context) {
      // For its message, where the inputs are of another shape.
      equationShapes(read, x.shape.slice(1), sizes);
      const { inputs, kernel: own, outputs } = spelledOut(read, x.rank);
      const sums = contract({ x, letters: inputs }, { x: kernel, letters: own }, outputs);
      return penalizeOutputs(activate(bias ? add(sums, bias) : sums), activityRegularizer, context);
    },
  };
}
