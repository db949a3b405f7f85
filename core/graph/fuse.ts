import { keepsAxes, reshapeStrides, resolveView, type View } from "./access.ts";
import { isBound } from "./leaf.ts";
import { storeBeyondLimits } from "./limits.ts";
import type { Program } from "./program.ts";
import { sizeOf } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

/** Work, in additions, above which a value is kept rather than computed again. */
const cheap = 4;

/**
 * Which nodes of `program` get memory. All others are computed inside the loops of their users.
 *
 * Users are looked at before what they use: whether a value is worth keeping depends on how many
 * kernels would compute it, and how often.
 */
export function chooseStored(program: Program): Set<Tensor> {
  const stored = new Set<Tensor>(program.order.filter(isBound));
  storeBeyondLimits(program, stored);
  const isStored = (node: Tensor) => stored.has(node);
  /** The kernel that computes a node which gets no memory; `null` where several do. */
  const sinks = new Map<Tensor, Tensor | null>();
  const enlarged = new Set<Tensor>();
  const costs = subtreeCosts(program.order);

  const store = (node: Tensor) => {
    if (node.operation.kind === "view") storeBase(node);
    stored.add(node);
  };
  // What a reshape cannot read through is stored in any case, and the reshape is then a view of it.
  const storeOperand = (node: Tensor) => {
    while (node.operation.kind === "view" && !readsThrough(node)) node = node.inputs[0];
    store(node);
  };
  const storeBase = (node: Tensor) => {
    while (node.operation.kind === "view") node = node.inputs[0];
    stored.add(node);
  };
  const storeOutput = (output: Tensor) => {
    if (output.operation.kind === "view") storeBase(output);
    const view = resolveView(output, isStored);
    if (!view || !isContiguous(output, view.offset, view.strides)) store(output);
  };
  const storeInput = (node: Tensor, input: Tensor) => {
    if (node.operation.kind === "structured") {
      storeBase(input);
      if (!suits(node, input, resolveView(input, isStored))) storeOperand(input);
    } else if (node.operation.kind === "view" && !readsThrough(node)) {
      storeBase(input);
      if (!resolveView(node, (other) => other !== node && stored.has(other))) store(input);
    }
  };
  for (const { value } of program.assignments) if (!isBound(value)) store(value);
  program.outputs.forEach(storeOutput);

  for (let index = program.order.length - 1; index >= 0; index--) {
    const node = program.order[index];
    const { kind } = node.operation;
    if (kind === "structured" || kind === "reduction" || kind === "concat") stored.add(node);
    const repeated = sinks.get(node) === null || enlarged.has(node);
    if (kind === "elementwise" && repeated && costs.get(node)! >= cheap) stored.add(node);
    for (const input of node.inputs) {
      storeInput(node, input);
      const sink = stored.has(node) ? node : sinks.get(node);
      const known = sinks.get(input);
      if (sink !== undefined) sinks.set(input, known === undefined || known === sink ? sink : null);
      const grows = node.operation.name === "broadcastTo" && node.size > input.size;
      if (grows || (enlarged.has(node) && !stored.has(node))) enlarged.add(input);
    }
  }
  // A view stored for one user is what the views on it are read from, which then lie otherwise than
  // those who were looked at before have seen them: until nothing changes, each looks again.
  for (let before = 0; before < stored.size;) {
    before = stored.size;
    program.outputs.forEach(storeOutput);
    for (const node of program.order) for (const input of node.inputs) storeInput(node, input);
  }
  return stored;
}

function readsThrough(node: Tensor): boolean {
  return node.operation.name !== "reshape" || keepsAxes(node.inputs[0].shape, node.shape);
}

function isContiguous(node: Tensor, offset: number, strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = node.rank - 1; axis >= 0; axis--) {
    if (node.shape[axis] === 1) continue;
    if (strides[axis] !== expected) return false;
    expected *= node.shape[axis];
  }
  return offset === 0;
}

/** A matrix product reads any operand with a unit stride in its last two axes; the rest do not. */
function suits(
  node: Tensor,
  input: Tensor,
  view: View | null,
): boolean {
  if (!view) return false;
  // Kernels read arrays from buffers; the scalars of a step lie in a block that is bound otherwise.
  if (view.base.operation.name === "scalar" && input.rank > 0) return false;
  if (node.operation.name !== "matmul") return isContiguous(input, view.offset, view.strides);
  const batches = input.shape.slice(0, -2);
  if (!reshapeStrides(batches, view.strides.slice(0, -2), [sizeOf(batches)])) return false;
  const [row, column] = view.strides.slice(-2);
  return row === 1 || column === 1 || input.shape[input.rank - 1] === 1;
}

function subtreeCosts(order: readonly Tensor[]): Map<Tensor, number> {
  const costs = new Map<Tensor, number>();
  for (const node of order) {
    const inner = node.inputs.reduce((sum, input) => sum + costs.get(input)!, 0);
    if (node.operation.kind === "elementwise") costs.set(node, node.operation.cost + inner);
    else costs.set(node, node.operation.kind === "view" ? inner : 0);
  }
  return costs;
}
