import { ShapeError } from "../graph/errors.ts";
import type { Attributes, CompositeOperation, StructuredOperation } from "../graph/operation.ts";
import { cellLayouts, type RecurrenceAttributes } from "../graph/recurrence.ts";
import { formatShape, sizeOf } from "../graph/shape.ts";
import { commonDType, Tensor } from "../graph/tensor.ts";
import { slice } from "./concat.ts";
import { matmul } from "./matmul.ts";
import { recurrenceBackward, recurrenceForward } from "./recurrence_reference.ts";
import { register } from "./registry.ts";
import { reshape } from "./reshape.ts";
import { sum } from "./sum.ts";
import { transpose } from "./transpose.ts";

/**
 * All that the gradient needs of every step, `[steps + 1, batch, kept · units]`: the states before
 * the first step are zeros. Inputs as in {@link recurrence}. It is differentiated as a whole.
 */
const recurrenceStepsOperation: StructuredOperation & { name: "recurrenceSteps" } = register(
  {
    kind: "structured",
    name: "recurrenceSteps",
    infer: ([sums, kernel, bias], attributes) => {
      const [steps, batch] = sums.shape;
      return {
        shape: [steps + 1, batch, cellLayouts[settings(attributes).cell].kept * kernel.shape[0]],
        dtype: commonDType("recurrence", [sums, kernel, bias], ["f32"]),
      };
    },
    reference: (inputs, attributes, output) =>
      recurrenceForward(inputs, settings(attributes), output),
    work: ([sums, kernel]) => ({ flops: 2 * sizeOf(sums.slice(0, 2)) * sizeOf(kernel) }),
  },
);

/** Gradients of a step's sums: `[kept, recurrent kernel, gradient of the states, mask?]`. */
const recurrenceGradientOperation: StructuredOperation & { name: "recurrenceGradient" } = register({
  kind: "structured",
  name: "recurrenceGradient",
  infer: ([kept, kernel, grad], attributes) => {
    const [rows, batch] = kept.shape;
    const { gradients } = cellLayouts[settings(attributes).cell];
    return {
      shape: [rows - 1, batch, gradients * kernel.shape[0]],
      dtype: commonDType("recurrenceGradient", [kept, kernel, grad], ["f32"]),
    };
  },
  reference: (inputs, attributes, output) =>
    recurrenceBackward(inputs, settings(attributes), output),
  work: ([, kernel], output) => ({ flops: 2 * sizeOf(output.slice(0, 2)) * sizeOf(kernel) }),
});

/** The op behind {@link recurrence}. */
const recurrenceOperation: CompositeOperation = register<CompositeOperation>({
  kind: "composite",
  name: "recurrence",
  infer: ([sums, kernel], attributes) => ({
    shape: [attributes.sequences ? sums.shape[0] : 1, sums.shape[1], kernel.shape[0]],
    dtype: commonDType("recurrence", [sums, kernel], ["f32"]),
  }),
  reference: (inputs, attributes, output) => {
    const [{ shape: [steps, batch] }, { shape: [units] }] = inputs;
    const { kept } = cellLayouts[settings(attributes).cell];
    const shape = [steps + 1, batch, kept * units];
    const data = new Float64Array((steps + 1) * batch * kept * units);
    recurrenceForward(inputs, settings(attributes), { shape, dtype: "f32", data });
    const first = (steps + 1 - output.shape[0]) * batch;
    for (let row = 0; row < output.shape[0] * batch; row++) {
      const from = (first + row) * kept * units;
      output.data.set(data.subarray(from, from + units), row * units);
    }
  },
  vjp: (grad, node) => {
    const [sums, kernel, , mask] = node.inputs;
    const [steps, batch] = sums.shape;
    const [units] = kernel.shape;
    const layout = cellLayouts[settings(node.attributes).cell];
    const attributes = plain(settings(node.attributes));
    const kept = Tensor.node(recurrenceStepsOperation, node.inputs, attributes);
    const slopes = reshape(
      Tensor.node(
        recurrenceGradientOperation,
        [kept, kernel, grad, ...(mask ? [mask] : [])],
        attributes,
      ),
      [steps * batch, layout.gradients * units],
    );
    const blocks = (from: number, count: number) =>
      slice(slopes, [0, from * units], [steps * batch, (from + count) * units]);
    const before = reshape(
      slice(kept, [0, 0, 0], [steps, batch, units]),
      [steps * batch, units],
    );
    return [
      reshape(blocks(0, layout.inputs), sums.shape),
      matmul(transpose(before), blocks(layout.recurrentAt, layout.recurrent)),
      sum(slopes, 0),
      ...(mask ? [null] : []),
    ];
  },
  expand: (inputs, attributes) => {
    const [{ shape: [steps, batch] }, { shape: [units] }] = inputs;
    const kept = Tensor.node(recurrenceStepsOperation, inputs, plain(settings(attributes)));
    return slice(kept, [attributes.sequences ? 1 : steps, 0, 0], [steps + 1, batch, units]);
  },
});

/** Settings of {@link recurrence}. */
export interface RecurrenceOptions extends RecurrenceAttributes {
  /** The states after every step, or those after the last one alone. */
  readonly sequences: boolean;
  /** `[steps, batch]`, f32: 0 where a step is padding, over which the state is carried. */
  readonly mask?: Tensor;
}

/**
 * The states of a recurrent cell over time, from its inputs' part of the sums: one kernel for all
 * steps, and one for their gradient.
 *
 * simpleRnn: h = φ(x + hU + b). lstm: [i, f, g, o] = x + hU + b, c = σ(f)c + σ(i)φ(g),
 * h = σ(o)φ(c). gru: g, z, r from x, q = hU + b, g = φ(g + σ(r)q), h = σ(z)h + (1 − σ(z))g.
 * States begin at 0.
 *
 * @param sums `[steps, batch, inputs · units]`, f32: inputs times their kernel; of gru g, z, r.
 * @param kernel `[units, recurrent · units]`, f32: U; of gru z, r, q.
 * @param bias `[gradients · units]`, f32; of gru g, z, r, q.
 * @param options The cell, its activations, what to give, a mask.
 * @returns `[steps, batch, units]`, or `[1, batch, units]` without `sequences`, f32. Its gradient has
 * no gradient of its own.
 * @throws {ShapeError} when shapes do not fit.
 *
 * @example
 * ```ts
 * import { recurrence, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const sums = tensor([1, 2, 3]).reshape([3, 1, 1]);
 * const cell = { cell: "simpleRnn", activation: "linear", recurrentActivation: "linear" } as const;
 * const states = recurrence(sums, tensor([[10]]), tensor([0]), { ...cell, sequences: true });
 * assert.deepEqual([...await states.data()], [1, 12, 123]);
 * ```
 *
 * The layers `lstm`, `gru` and `simpleRnn` are the way to it.
 */
export function recurrence(
  sums: Tensor,
  kernel: Tensor,
  bias: Tensor,
  { cell, activation, recurrentActivation, sequences, mask }: RecurrenceOptions,
): Tensor {
  const layout = cellLayouts[cell];
  const units = kernel.shape[0];
  const [steps, batch] = sums.shape;
  const fits = sums.rank === 3 && kernel.rank === 2 && bias.rank === 1 && steps > 0 &&
    sums.shape[2] === layout.inputs * units && kernel.shape[1] === layout.recurrent * units &&
    bias.shape[0] === layout.gradients * units;
  if (!fits || (mask && (mask.rank !== 2 || mask.shape[0] !== steps || mask.shape[1] !== batch))) {
    throw new ShapeError(
      `Cannot apply recurrence of ${cell} as sums must be [steps, batch, ${layout.inputs} units], ` +
        `the kernel [units, ${layout.recurrent} units], the bias [${layout.gradients} units], a ` +
        `mask [steps, batch]: received ${
          [sums, kernel, bias, ...(mask ? [mask] : [])].map((x) => formatShape(x.shape)).join(", ")
        }`,
    );
  }
  if (mask) commonDType("recurrence", [sums, mask], ["f32"]);
  const inputs = [sums, kernel, bias, ...(mask ? [mask] : [])];
  return Tensor.node(recurrenceOperation, inputs, {
    ...plain({ cell, activation, recurrentActivation }),
    sequences,
  });
}

function settings(attributes: Attributes): RecurrenceAttributes {
  return attributes as unknown as RecurrenceAttributes;
}

/** The settings in one order, whoever has given them: nodes are told apart by their text. */
function plain({ cell, activation, recurrentActivation }: RecurrenceAttributes): Attributes {
  return { cell, activation, recurrentActivation };
}
