import type { BufferSpec, StridedOperand } from "./call.ts";
import type { LoopKernel } from "./loop.ts";
import type { Shape } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

/** What a call computes, for profiles and messages. */
export interface Label {
  /** Ops and shapes: `matmul [32,784]×[784,30]`. */
  readonly text: string;
  /** Ops alone: `add + relu`. */
  readonly operations: string;
  /** Layers, and weights that are replaced. */
  readonly owners: readonly string[];
}

/** The label as people read it: `add + relu [32,30] (dense_1)`. */
export function formatLabel({ text, owners }: Label): string {
  return owners.length > 0 ? `${text} (${owners.join(", ")})` : text;
}

/** The label of `first` with `second` computed in its tail: `matmul [8,4]×[4,2] + add + relu`. */
export function joinLabels(first: Label, second: Label): Label {
  return {
    text: `${first.text} + ${second.operations}`,
    operations: `${first.operations} + ${second.operations}`,
    owners: [...new Set([...first.owners, ...second.owners])],
  };
}

/** The label of a loop that computes `nodes`. */
export function loopLabel(
  kernel: LoopKernel,
  nodes: readonly Tensor[],
  buffers: readonly BufferSpec[],
): Label {
  const [node] = nodes;
  const applied = kernel.body.flatMap((value) =>
    value.kind === "apply" ? [value.operation.name] : []
  );
  const names = [...new Set([...applied, ...(kernel.reducer ? [kernel.reducer] : [])])];
  const operations = names.length > 0
    ? names.join(" + ")
    : node.operation.kind === "concat"
    ? node.operation.name
    : "copy";
  const extent = kernel.reducer
    ? `${compact(node.inputs[0].shape)}→${compact(node.shape)}`
    : compact(node.shape);
  const owners = ownersOf(
    nodes,
    kernel.loads.map(({ buffer }) => buffers[buffer]),
    kernel.stores.map(({ buffer }) => buffers[buffer]),
  );
  return { text: `${operations} ${extent}`, operations, owners };
}

/** The label of a structured op: its operands of two axes or more. */
export function structuredLabel(
  node: Tensor,
  operands: readonly StridedOperand[],
  buffers: readonly BufferSpec[],
): Label {
  const owners = ownersOf([node], operands.map(({ buffer }) => buffers[buffer]), []);
  return { text: nodeText(node), operations: node.operation.name, owners };
}

/** The label of one node, computed by itself. */
export function nodeLabel(node: Tensor): Label {
  const leaves = node.inputs.map((leaf) => ({ leaf }));
  return {
    text: nodeText(node),
    operations: node.operation.name,
    owners: ownersOf([node], leaves, []),
  };
}

/** `matmul [2,3]×[3,4]`, `gather [9,3]→[2,3]`, `add [2,4]`. */
function nodeText({ operation, inputs, shape }: Tensor): string {
  if (operation.kind !== "structured") return `${operation.name} ${compact(shape)}`;
  const wide = inputs.filter(({ rank }) => rank >= 2).map((input) => compact(input.shape));
  const extent = wide.length >= 2
    ? wide.join("×")
    : `${wide[0] ?? compact(inputs[0].shape)}→${compact(shape)}`;
  return `${operation.name} ${extent}`;
}

/** Weights that are written; else layers whose outputs are computed; else those of weights read. */
function ownersOf(
  nodes: readonly Tensor[],
  reads: readonly Pick<BufferSpec, "leaf">[],
  writes: readonly Pick<BufferSpec, "leaf">[],
): string[] {
  const written = writes.flatMap(stateName);
  if (written.length > 0) return [...new Set(written)];
  const labels = nodes.flatMap(({ label }) => label ?? []);
  if (labels.length > 0) return [...new Set(labels)];
  const layers = reads.flatMap(stateName).filter((name) => name.includes("/"))
    .map((name) => name.slice(0, name.lastIndexOf("/")));
  return [...new Set(layers)];
}

function stateName({ leaf }: Pick<BufferSpec, "leaf">): string[] {
  return leaf && leaf !== "scalars" && leaf.operation.name === "state"
    ? [String(leaf.attributes.name)]
    : [];
}

function compact(shape: Shape): string {
  return `[${shape.join(",")}]`;
}
