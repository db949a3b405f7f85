/** Cells whose recurrence over time is one kernel. */
export type CellName = "simpleRnn" | "lstm" | "gru" | "gruResetBefore";

/** Activations that a cell's kernels know: those whose slope follows from the value. */
export type CellActivation = "linear" | "tanh" | "sigmoid" | "relu";

/** Every one of them, in the order of the CPU's numbers. */
export const cellActivations: readonly CellActivation[] = ["linear", "tanh", "sigmoid", "relu"];

/** Settings of a recurrence. */
export interface RecurrenceAttributes {
  /** The cell. */
  readonly cell: CellName;
  /** What is applied to candidates and outputs. */
  readonly activation: CellActivation;
  /** What is applied to gates. */
  readonly recurrentActivation: CellActivation;
  /** The operands behind the first three, in their order. */
  readonly extras: readonly RecurrenceExtra[];
}

/** Settings of the gradient of a recurrence. */
export interface RecurrenceGradientAttributes extends RecurrenceAttributes {
  /** Whether the last row of what is given is the gradient of the last cell state of lstm. */
  readonly cellState: boolean;
  /** Whether states began with given ones, whose gradient is the last row of the result. */
  readonly initialState: boolean;
}

/**
 * Operands that a recurrence may have: `mask` `[steps, batch]`, 0 where a step is padding;
 * `recurrentMask` `[batch, recurrent · units]`, what each block of the recurrent kernel sees of the
 * states: they are multiplied by its part;
 * `initialState` `[batch, states · units]`, which the gradient finds in what was kept.
 */
export type RecurrenceExtra = "mask" | "recurrentMask" | "initialState";

/** The operands behind the first three, by name. */
export function recurrenceExtras<Operand>(
  operands: readonly Operand[],
  { extras }: RecurrenceAttributes,
): { readonly [Name in RecurrenceExtra]?: Operand } {
  return Object.fromEntries(extras.map((name, place) => [name, operands[3 + place]]));
}

/**
 * How a cell's numbers lie in a row, in blocks of as many as it has units.
 *
 * | cell | kept of a step | gradients of a step's sums |
 * |---|---|---|
 * | simpleRnn | h | h |
 * | lstm | h, c, i, f, g, o | i, f, g, o |
 * | gru | h, z, r, q, g | g, z, r, q |
 * | gruResetBefore | h, z, r, s, g | z, r, g |
 *
 * g is the candidate, q of gru the product h · U that its reset gate scales, and s the state that it
 * scales before the product. The sums of inputs
 * have the first `inputs` blocks of the gradients' order; the recurrent kernel has `recurrent` ones
 * of it, from `recurrentAt` on.
 */
export interface CellLayout {
  /** Blocks that go from step to step, the first ones of those kept: h, of lstm also c. */
  readonly states: number;
  /** Blocks that the forward kernel keeps of a step. */
  readonly kept: number;
  /** The block of those where the recurrent products begin. */
  readonly productsAt: number;
  /** Blocks of the inputs' sums. */
  readonly inputs: number;
  /** Blocks of the recurrent kernel. */
  readonly recurrent: number;
  /** Blocks of gradients, and of biases. */
  readonly gradients: number;
  /** The block of those where the recurrent ones begin. */
  readonly recurrentAt: number;
  /** The block kept of what the last block of the recurrent kernel sees, if that is not h. */
  readonly resetAt?: number;
}

/** The layout of each cell. */
export const cellLayouts: Readonly<Record<CellName, CellLayout>> = {
  simpleRnn: {
    ...{ states: 1, kept: 1, productsAt: 0 },
    ...{ inputs: 1, recurrent: 1, gradients: 1, recurrentAt: 0 },
  },
  lstm: {
    ...{ states: 2, kept: 6, productsAt: 2 },
    ...{ inputs: 4, recurrent: 4, gradients: 4, recurrentAt: 0 },
  },
  gru: {
    ...{ states: 1, kept: 5, productsAt: 1 },
    ...{ inputs: 3, recurrent: 3, gradients: 4, recurrentAt: 1 },
  },
  gruResetBefore: {
    ...{ states: 1, kept: 5, productsAt: 1, resetAt: 3 },
    ...{ inputs: 3, recurrent: 3, gradients: 3, recurrentAt: 0 },
  },
};
