import { topologicalOrder } from "./differentiate.ts";
import { ShapeError } from "./errors.ts";
import type { ElementwiseOperation } from "./operation.ts";
import { sameShape } from "./shape.ts";
import { Tensor } from "./tensor.ts";

/** A state that takes a new value when the step ends. */
export interface Assignment {
  /** The leaf that is replaced. */
  readonly state: Tensor;
  /** Its next value, of the same shape and type. */
  readonly value: Tensor;
}

/** What one step computes: values to read and states to replace. */
export interface Program {
  /** Values that the host may read after the step. */
  readonly outputs: readonly Tensor[];
  /** States and their next values. */
  readonly assignments: readonly Assignment[];
  /** Every node, inputs before users; no composite ops. */
  readonly order: readonly Tensor[];
}

/**
 * The program that computes `outputs` and replaces states: composites expanded, dead nodes gone.
 *
 * @throws {ShapeError} when a state would change its shape or type.
 */
export function createProgram(
  outputs: readonly Tensor[],
  assignments: readonly Assignment[],
): Program {
  for (const { state, value } of assignments) {
    if (!sameShape(state.shape, value.shape) || state.dtype !== value.dtype) {
      throw new ShapeError(
        `Cannot assign ${value.describe()} to the state "${state.attributes.name}" as shape and ` +
          `type must stay: expected ${state.describe()}`,
      );
    }
  }
  const expand = createExpander();
  const replaced = new Set(assignments.map(({ state }) => state));
  // A state that is read on its own is read as it was: the copy comes before the replacement.
  const before = (node: Tensor) => replaced.has(baseOf(node)) ? copy(node) : node;
  const expandedOutputs = outputs.map((output) => before(expand(output)));
  const expandedAssignments = assignments.map(({ state, value }) => ({
    state,
    value: before(expand(value)),
  }));
  const roots = [...expandedOutputs, ...expandedAssignments.map(({ value }) => value)];
  return {
    outputs: expandedOutputs,
    assignments: expandedAssignments,
    order: topologicalOrder(roots),
  };
}

/** What a chain of views looks at. */
function baseOf(node: Tensor): Tensor {
  while (node.operation.kind === "view") node = node.inputs[0];
  return node;
}

/** A value of its own, equal to its operand; not one of the ops that people use. */
const copyOperation: ElementwiseOperation = {
  kind: "elementwise",
  name: "copy",
  arity: 1,
  cost: 0,
  tolerance: 0,
  domain: [-1, 1],
  samples: [],
  body: () => "x",
  infer: ([x]) => ({ shape: x.shape, dtype: x.dtype }),
  reference: ([x], _attributes, output) => output.data.set(x.data),
};

function copy(node: Tensor): Tensor {
  return Tensor.node(copyOperation, [node]);
}

/** Replaces composite ops by the simpler ops they stand for; shared parts stay shared. */
function createExpander(): (root: Tensor) => Tensor {
  const known = new Map<Tensor, Tensor>();
  const visit = (root: Tensor): Tensor => {
    // Only what no root before this one has needed: all of them together cost one walk.
    for (const node of topologicalOrder([root], known)) {
      if (known.has(node)) continue;
      const inputs = node.inputs.map((input) => known.get(input)!);
      let result = node;
      if (node.operation.kind === "composite") {
        result = visit(node.operation.expand(inputs, node.attributes));
      } else if (inputs.some((input, place) => input !== node.inputs[place])) {
        result = Tensor.node(node.operation, inputs, node.attributes);
      }
      result.label ??= node.label;
      known.set(node, result);
    }
    return known.get(root)!;
  };
  return visit;
}
