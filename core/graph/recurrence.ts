/** Cells whose recurrence over time is one kernel. */
export type CellName = "simpleRnn" | "lstm" | "gru";

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
}

/**
 * How a cell's numbers lie in a row, in blocks of as many as it has units.
 *
 * | cell | kept of a step | gradients of a step's sums |
 * |---|---|---|
 * | simpleRnn | h | h |
 * | lstm | h, c, i, f, g, o | i, f, g, o |
 * | gru | h, z, r, q, g | g, z, r, q |
 *
 * g is the candidate, and q of gru the product h · U that its reset gate scales. The sums of inputs
 * have the first `inputs` blocks of the gradients' order; the recurrent kernel has `recurrent` ones
 * of it, from `recurrentAt` on.
 */
export interface CellLayout {
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
}

/** The layout of each cell. */
export const cellLayouts: Readonly<Record<CellName, CellLayout>> = {
  simpleRnn: { kept: 1, productsAt: 0, inputs: 1, recurrent: 1, gradients: 1, recurrentAt: 0 },
  lstm: { kept: 6, productsAt: 2, inputs: 4, recurrent: 4, gradients: 4, recurrentAt: 0 },
  gru: { kept: 5, productsAt: 1, inputs: 3, recurrent: 3, gradients: 4, recurrentAt: 1 },
};
