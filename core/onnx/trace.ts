import type { DType } from "../graph/dtype.ts";
import { constantData } from "../graph/leaf.ts";
import type { Attributes, Operation } from "../graph/operation.ts";
import { sameShape } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { OnnxDimension } from "./dimension.ts";

/** The batch sizes of both traces: what differs between them depends on the batch. */
export const tracedBatches = [2, 3] as const;

/** A node of the graphs of a model for both batch sizes. */
export interface TracedNode {
  /** What it computes. */
  readonly operation: Operation;
  /** Its settings for each of the batch sizes. */
  readonly attributes: readonly [Attributes, Attributes];
  /** What it takes. */
  readonly inputs: readonly TracedNode[];
  /** Sizes of its axes. */
  readonly dimensions: readonly OnnxDimension[];
  /** Its element type. */
  readonly dtype: DType;
  /** Name of the layer that it belongs to: its own, or that of what takes it. */
  readonly label: string | null;
  /** The tensor of the first graph. */
  readonly tensor: Tensor;
  /** Whether it depends on weights and constants alone, so that it can be computed beforehand. */
  readonly isConstant: boolean;
}

type Pair = readonly [Tensor, Tensor];

/**
 * The graphs of a model for two batch sizes as one: sizes that differ are multiples of the batch.
 *
 * What depends on no input is one node in both, as nodes are interned.
 */
export class Trace {
  readonly #nodes = new Map<Tensor, Map<Tensor, TracedNode>>();

  /** @param hasForm Whether an op has a form in ONNX; composites that have none are expanded. */
  constructor(private readonly hasForm: (name: string) => boolean) {}

  /** The node of a tensor in both graphs, and those that it is made from. */
  node(...outermost: Pair): TracedNode {
    // Without recursion, as models may be thousands of layers deep.
    const open = [{ pair: outermost, label: outermost[0].label }];
    for (let last = open.at(-1); last; last = open.at(-1)) {
      const { pair, label } = last;
      checkSame(pair, label);
      const parts = this.#partsOf(pair);
      const missing = parts.filter(([one, other]) => !this.#find(one, other));
      open.push(...missing.map((part) => ({ pair: part, label: part[0].label ?? label })));
      if (missing.length > 0) continue;
      open.pop();
      if (this.#find(...pair)) continue;
      this.#add(pair, parts.map((part) => this.#find(...part)!), label);
    }
    return this.#find(...outermost)!;
  }

  /** What a node is made from: its inputs, or what a composite is expanded to. */
  #partsOf([one, other]: Pair): Pair[] {
    if (isComputable(one, other)) return [];
    if (!this.#isExpanded(one)) {
      return one.inputs.map((input, place) => [input, other.inputs[place]]);
    }
    return [[expanded(one), expanded(other)]];
  }

  #isExpanded({ operation: { kind, name } }: Tensor): boolean {
    return kind === "composite" && !this.hasForm(name);
  }

  #add([one, other]: Pair, parts: readonly TracedNode[], label: string | null): void {
    const isConstant = isComputable(one, other);
    const node = this.#isExpanded(one) && !isConstant ? parts[0] : {
      operation: one.operation,
      attributes: [one.attributes, other.attributes] as const,
      inputs: parts,
      dimensions: one.shape.map((size, axis) => dimensionOf(label, size, other.shape[axis])),
      dtype: one.dtype,
      label,
      tensor: one,
      isConstant,
    };
    const nodes = this.#nodes.get(one) ?? new Map<Tensor, TracedNode>();
    this.#nodes.set(one, nodes.set(other, node));
  }

  #find(one: Tensor, other: Tensor): TracedNode | undefined {
    return this.#nodes.get(one)?.get(other);
  }
}

/**
 * Whether something is not computed of inputs, of which there are two tensors. Numbers and views of
 * weights are left as they are: so a weight keeps its name, and what is broadcast its size.
 */
function isComputable(one: Tensor, other: Tensor): boolean {
  const { kind, name } = one.operation;
  if (one === other) return kind !== "view" && name !== "literal";
  const [data, otherData] = [constantData(one), constantData(other)];
  return data !== undefined && otherData !== undefined && sameShape(one.shape, other.shape) &&
    data.every((value, at) => Object.is(value, otherData[at]));
}

/** Refuses what is another op, or one with other settings than sizes, for another batch size. */
function checkSame([one, other]: Pair, label: string | null): void {
  const isSame = one.operation === other.operation && one.rank === other.rank &&
    one.inputs.length === other.inputs.length &&
    withoutSizes(one.attributes) === withoutSizes(other.attributes);
  if (isSame) return;
  const [batch, otherBatch] = tracedBatches;
  throw new TypeError(
    `Cannot export ${where(label)} to ONNX as ` +
      `it must be one graph for every batch size: ` +
      `received ${told(one)} for a batch of ${batch} and ${told(other)} for ${otherBatch}`,
  );
}

/** Settings as text, but for those that are sizes: forms look at both of them. */
function withoutSizes(attributes: Attributes): string {
  return JSON.stringify(attributes, (key, value) => sizes.has(key) ? undefined : value);
}

const sizes = new Set(["begin", "count", "end", "rows", "segments", "shape"]);

function told(tensor: Tensor): string {
  const { value } = tensor.attributes;
  return value === undefined ? tensor.describe() : `the number ${value}`;
}

function expanded({ operation, inputs, attributes }: Tensor): Tensor {
  if (operation.kind !== "composite") throw new Error(`"${operation.name}" is no composite`);
  return operation.expand(inputs, attributes);
}

function dimensionOf(label: string | null, size: number, other: number): OnnxDimension {
  const [batch, otherBatch] = tracedBatches;
  if (size === other) return size;
  if (size * otherBatch === other * batch && size % batch === 0) return { batches: size / batch };
  throw new TypeError(
    `Cannot export ${where(label)} to ONNX as ` +
      `sizes must be fixed or multiples of the batch size: ` +
      `received ${size} for a batch of ${batch} and ${other} for ${otherBatch}`,
  );
}

/** Where in the model a tensor is, for messages. */
export function where(label: string | null): string {
  return label ? `layer "${label}"` : "a model";
}
