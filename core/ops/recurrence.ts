import { ShapeError } from "../graph/errors.ts";
import type { Attributes, CompositeOperation, StructuredOperation } from "../graph/operation.ts";
import {
  cellLayouts,
  type RecurrenceAttributes,
  type RecurrenceExtra,
  recurrenceExtras,
  type RecurrenceGradientAttributes,
} from "../graph/recurrence.ts";
import { formatShape, sameShape, sizeOf } from "../graph/shape.ts";
import { commonDType, Tensor } from "../graph/tensor.ts";
import { concat, slice } from "./concat.ts";
import { matmul } from "./matmul.ts";
import { mul } from "./mul.ts";
import { recurrenceBackward, recurrenceForward } from "./recurrence_reference.ts";
import { register } from "./registry.ts";
import { reshape } from "./reshape.ts";
import { sum } from "./sum.ts";
import { transpose } from "./transpose.ts";

/**
 * All that the gradient needs of every step, `[steps + 1, batch, kept · units]`: the first row is the
 * states before the first step, zeros if none are given. Inputs as in {@link recurrence}. It is
 * differentiated as a whole.
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

/**
 * Gradients of every step's sums, `[steps, batch, gradients · units]`, and of the states that were
 * given to begin with in the first blocks of one more row: from `[kept, recurrent kernel, gradient of
 * the states, ...extras]`.
 */
const recurrenceGradientOperation: StructuredOperation & { name: "recurrenceGradient" } = register({
  kind: "structured",
  name: "recurrenceGradient",
  infer: ([kept, kernel, grad], attributes) => {
    const [rows, batch] = kept.shape;
    const { cell, initialState } = gradientSettings(attributes);
    return {
      shape: [initialState ? rows : rows - 1, batch, cellLayouts[cell].gradients * kernel.shape[0]],
      dtype: commonDType("recurrenceGradient", [kept, kernel, grad], ["f32"]),
    };
  },
  reference: (inputs, attributes, output) =>
    recurrenceBackward(inputs, gradientSettings(attributes), output),
  work: ([, kernel], output) => ({ flops: 2 * sizeOf(output.slice(0, 2)) * sizeOf(kernel) }),
});

/** The op behind {@link recurrence}. */
const recurrenceOperation: CompositeOperation = register<CompositeOperation>({
  kind: "composite",
  name: "recurrence",
  infer: ([sums, kernel], attributes) => ({
    shape: [
      (attributes.sequences ? sums.shape[0] : 1) + Number(attributes.cellState),
      sums.shape[1],
      kernel.shape[0],
    ],
    dtype: commonDType("recurrence", [sums, kernel], ["f32"]),
  }),
  reference: (inputs, attributes, output) => {
    const [{ shape: [steps, batch] }, { shape: [units] }] = inputs;
    const { kept } = cellLayouts[settings(attributes).cell];
    const shape = [steps + 1, batch, kept * units];
    const data = new Float64Array((steps + 1) * batch * kept * units);
    recurrenceForward(inputs, settings(attributes), { shape, dtype: "f32", data });
    const copy = (step: number, block: number, to: number) => {
      for (let row = 0; row < batch; row++) {
        const from = ((step * batch + row) * kept + block) * units;
        output.data.set(data.subarray(from, from + units), (to * batch + row) * units);
      }
    };
    const count = output.shape[0] - Number(attributes.cellState);
    for (let row = 0; row < count; row++) copy(steps + 1 - count + row, 0, row);
    if (attributes.cellState) copy(steps, 1, count);
  },
  vjp: (grad, node) => {
    const [sums, kernel] = node.inputs;
    const { recurrentMask } = recurrenceExtras(node.inputs, settings(node.attributes));
    const [steps, batch] = sums.shape;
    const [units] = kernel.shape;
    const layout = cellLayouts[settings(node.attributes).cell];
    const attributes = plain(settings(node.attributes));
    const kept = Tensor.node(recurrenceStepsOperation, node.inputs, attributes);
    const found = gradientOf(node, kept, grad);
    const slopes = reshape(
      slice(found, [0, 0, 0], [steps, batch, layout.gradients * units]),
      [steps * batch, layout.gradients * units],
    );
    const blocks = (from: number, count: number) =>
      slice(slopes, [0, from * units], [steps * batch, (from + count) * units]);
    const before = slice(kept, [0, 0, 0], [steps, batch, units]);
    const rows = [steps * batch, units];
    const { recurrent, recurrentAt, resetAt } = layout;
    // A block of the kernel that sees its own part of the states has a product of its own.
    const early = resetAt === undefined ? recurrent : recurrent - 1;
    const sizes = recurrentMask ? new Array<number>(early).fill(1) : [early];
    if (resetAt !== undefined) sizes.push(recurrent - early);
    const gates = sizes.map((count, place) => {
      const gate = sizes.slice(0, place).reduce((sum, size) => sum + size, 0);
      return {
        slopes: blocks(recurrentAt + gate, count),
        part: (x: Tensor) => slice(x, [0, gate * units], [x.shape[0], (gate + count) * units]),
        seen: resetAt === undefined || gate < early ? before : slice(
          kept,
          [1, 0, resetAt * units],
          [steps + 1, batch, (resetAt + 1) * units],
        ),
      };
    });
    const ofKernel = gates.map(({ slopes, part, seen }) => {
      const scaled = recurrentMask ? mul(seen, part(recurrentMask)) : seen;
      return matmul(transpose(reshape(scaled, rows)), slopes);
    });
    const ofExtra: Readonly<Record<RecurrenceExtra, () => Tensor | null>> = {
      mask: () => null,
      recurrentMask: () =>
        concat(
          gates.map(({ slopes, part, seen }) => {
            const back = reshape(matmul(slopes, transpose(part(kernel))), seen.shape);
            return sum(mul(seen, back), 0);
          }),
          1,
        ),
      initialState: () =>
        reshape(
          slice(found, [steps, 0, 0], [steps + 1, batch, layout.states * units]),
          [batch, layout.states * units],
        ),
    };
    return [
      reshape(blocks(0, layout.inputs), sums.shape),
      concat(ofKernel, 1),
      sum(slopes, 0),
      ...settings(node.attributes).extras.map((name) => ofExtra[name]()),
    ];
  },
  expand: (inputs, attributes) => {
    const [{ shape: [steps, batch] }, { shape: [units] }] = inputs;
    const kept = Tensor.node(recurrenceStepsOperation, inputs, plain(settings(attributes)));
    const states = slice(kept, [attributes.sequences ? 1 : steps, 0, 0], [steps + 1, batch, units]);
    if (!attributes.cellState) return states;
    return concat([states, slice(kept, [steps, 0, units], [steps + 1, batch, 2 * units])]);
  },
});

/** The gradient of a node's sums and first states, from that of its states. */
function gradientOf(node: Tensor, kept: Tensor, grad: Tensor): Tensor {
  const attributes = settings(node.attributes);
  const given = recurrenceExtras(node.inputs, attributes);
  const extras = attributes.extras.filter((name) => name !== "initialState");
  return Tensor.node(
    recurrenceGradientOperation,
    [kept, node.inputs[1], grad, ...extras.map((name) => given[name]!)],
    {
      ...plain({ ...attributes, extras }),
      cellState: node.attributes.cellState,
      initialState: given.initialState !== undefined,
    },
  );
}

/** Settings of {@link recurrence}. */
export interface RecurrenceOptions extends Omit<RecurrenceAttributes, "extras"> {
  /** The states after every step, or those after the last one alone. */
  readonly sequences: boolean;
  /** Whether the last cell state of lstm is given, too, as one more row; default false. */
  readonly cellState?: boolean;
  /** `[steps, batch]`, f32: 0 where a step is padding, over which the state is carried. */
  readonly mask?: Tensor;
  /**
   * `[batch, recurrent · units]`, f32: before each block of the recurrent kernel, the states are
   * multiplied by the block's part of it.
   */
  readonly recurrentMask?: Tensor;
  /** `[batch, units]`, of lstm `[batch, 2 units]` with h and then c, f32; default zeros. */
  readonly initialState?: Tensor;
}

/**
 * The states of a recurrent cell over time, from its inputs' part of the sums: one kernel for all
 * steps, and one for their gradient.
 *
 * simpleRnn: h = φ(x + hU + b). lstm: [i, f, g, o] = x + hU + b, c = σ(f)c + σ(i)φ(g),
 * h = σ(o)φ(c). gru: g, z, r from x, q = hU + b, g = φ(g + σ(r)q), h = σ(z)h + (1 − σ(z))g.
 * gruResetBefore: [z, r] = x + hU + b, g = φ(x + (σ(r)h)U + b), h as of gru.
 * Within hU, h is multiplied by the `recurrentMask`, of which each block of U has its own part.
 *
 * @param sums `[steps, batch, inputs · units]`, f32: inputs times their kernel; of gru g, z, r.
 * @param kernel `[units, recurrent · units]`, f32: U; of gru z, r, q.
 * @param bias `[gradients · units]`, f32; of gru g, z, r, q. (gruResetBefore has z, r, g of everything.)
 * @param options The cell, its activations, what to give, a mask, states to begin with.
 * @returns `[steps, batch, units]`, or `[1, batch, units]` without `sequences`, f32; with `cellState` one
 * more row, which is c after the last step. Its gradient has no gradient of its own.
 * @throws {ShapeError} when shapes do not fit, or a cell state is asked of a cell that has none.
 *
 * @example
 * ```ts
 * import { recurrence, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const sums = tensor([1, 2, 3]).reshape([3, 1, 1]);
 * const cell = { cell: "simpleRnn", activation: "linear", recurrentActivation: "linear" } as const;
 * const options = { ...cell, sequences: true, initialState: tensor([[5]]) };
 * const states = recurrence(sums, tensor([[10]]), tensor([0]), options);
 * assert.deepEqual([...await states.data()], [51, 512, 5123]);
 * ```
 *
 * The layers `lstm`, `gru` and `simpleRnn` are the way to it.
 */
export function recurrence(
  sums: Tensor,
  kernel: Tensor,
  bias: Tensor,
  options: RecurrenceOptions,
): Tensor {
  const { cell, activation, recurrentActivation, sequences, cellState = false } = options;
  const extras = extraNames.filter((name) => options[name]);
  const inputs = [sums, kernel, bias, ...extras.map((name) => options[name]!)];
  checkShapes(inputs, { cell, activation, recurrentActivation, extras }, cellState);
  for (const extra of inputs.slice(3)) commonDType("recurrence", [sums, extra], ["f32"]);
  return Tensor.node(recurrenceOperation, inputs, {
    ...plain({ cell, activation, recurrentActivation, extras }),
    sequences,
    cellState,
  });
}

function checkShapes(
  operands: readonly Tensor[],
  attributes: RecurrenceAttributes,
  cellState: boolean,
): void {
  const [sums, kernel, bias] = operands;
  const { cell, extras } = attributes;
  const layout = cellLayouts[cell];
  const [steps, batch] = sums.shape;
  const [units] = kernel.shape;
  const wanted: Readonly<Record<RecurrenceExtra, readonly number[]>> = {
    mask: [steps, batch],
    recurrentMask: [batch, layout.recurrent * units],
    initialState: [batch, layout.states * units],
  };
  const fits = sums.rank === 3 && kernel.rank === 2 && bias.rank === 1 && steps > 0 &&
    sums.shape[2] === layout.inputs * units && kernel.shape[1] === layout.recurrent * units &&
    bias.shape[0] === layout.gradients * units &&
    extras.every((name, place) => sameShape(operands[3 + place].shape, wanted[name]));
  if (!fits) {
    throw new ShapeError(
      `Cannot apply recurrence of ${cell} as sums must be [steps, batch, ${layout.inputs} units], ` +
        `the kernel [units, ${layout.recurrent} units], the bias [${layout.gradients} units], a ` +
        `mask [steps, batch], a recurrentMask [batch, ${layout.recurrent} units], an initialState ` +
        `[batch, ${layout.states} units]: received ${
          operands.map(({ shape }) => formatShape(shape)).join(", ")
        }`,
    );
  }
  if (cellState && layout.states < 2) {
    throw new ShapeError(
      `Cannot give the cell state of ${cell} as only lstm has one: leave cellState out`,
    );
  }
}

function settings(attributes: Attributes): RecurrenceAttributes {
  return attributes as unknown as RecurrenceAttributes;
}

function gradientSettings(attributes: Attributes): RecurrenceGradientAttributes {
  return attributes as unknown as RecurrenceGradientAttributes;
}

const extraNames: readonly RecurrenceExtra[] = ["mask", "recurrentMask", "initialState"];

/** The settings in one order, whoever has given them: nodes are told apart by their text. */
function plain(given: RecurrenceAttributes): Attributes {
  const { cell, activation, recurrentActivation, extras } = given;
  return { cell, activation, recurrentActivation, extras };
}
