import { topologicalOrder } from "./differentiate.ts";
import { ShapeError } from "./errors.ts";
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
  const expandedOutputs = outputs.map(expand);
  const expandedAssignments = assignments.map(({ state, value }) => ({
    state,
    value: expand(value),
  }));
  const roots = [...expandedOutputs, ...expandedAssignments.map(({ value }) => value)];
  return {
    outputs: expandedOutputs,
    assignments: expandedAssignments,
    order: topologicalOrder(roots),
  };
}

/** Replaces composite ops by the simpler ops they stand for; shared parts stay shared. */
function createExpander(): (root: Tensor) => Tensor {
  const known = new Map<Tensor, Tensor>();
  const visit = (root: Tensor): Tensor => {
    for (const node of topologicalOrder([root])) {
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
