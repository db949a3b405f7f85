import {
  type CellActivation,
  cellLayouts,
  type CellName,
  type RecurrenceAttributes,
  recurrenceExtras,
} from "../../graph/recurrence.ts";
import type { OnnxDimension } from "../dimension.ts";
import { OnnxGraph, type OnnxValue } from "../graph.ts";
import type { OnnxGraphMessage } from "../messages.ts";
import { type OnnxForm, type OnnxForms, onWhole, withoutForm } from "./form.ts";

/** What a step of a cell works with; the graph is that of one step. */
interface Step {
  readonly graph: OnnxGraph;
  /** The sums of the inputs, `[batch, inputs · units]`. */
  readonly sums: OnnxValue;
  /** The states before the step, `[batch, units]` each. */
  readonly states: readonly OnnxValue[];
  /** The recurrent kernel, `[units, recurrent · units]`. */
  readonly kernel: OnnxValue;
  /** The biases, `[gradients · units]`. */
  readonly bias: OnnxValue;
  readonly units: number;
  readonly activate: (x: OnnxValue) => OnnxValue;
  readonly gate: (x: OnnxValue) => OnnxValue;
}

/** The states after a step of each cell; the formulas stand at the op. */
const cells: Readonly<Record<CellName, (step: Step) => OnnxValue[]>> = {
  simpleRnn: (step) => {
    const { graph, sums, activate, bias } = step;
    return [activate(graph.binary("Add", graph.binary("Add", sums, product(step)), bias))];
  },
  lstm: (step) => {
    const { graph, sums, states: [, cell], bias, gate, activate } = step;
    const all = graph.binary("Add", graph.binary("Add", sums, product(step)), bias);
    const [input, forget, candidate, output] = blocks(step, all, 4);
    const kept = graph.binary("Mul", gate(forget), cell);
    const taken = graph.binary("Mul", gate(input), activate(candidate));
    const next = graph.binary("Add", kept, taken);
    return [graph.binary("Mul", gate(output), activate(next)), next];
  },
  gru: (step) => {
    const { graph, sums, bias, units, gate, activate } = step;
    const early = graph.slice(bias, 0, 0, units);
    const late = graph.slice(bias, 0, units, 4 * units);
    const [ofState, ofReset, ofCandidate] = blocks(
      step,
      graph.binary("Add", product(step), late),
      3,
    );
    const [candidate, update, reset] = blocks(step, sums, 3);
    const share = gate(graph.binary("Add", update, ofState));
    const seen = graph.binary("Mul", gate(graph.binary("Add", reset, ofReset)), ofCandidate);
    const wanted = graph.binary("Add", graph.binary("Add", candidate, early), seen);
    return [between(step, share, activate(wanted))];
  },
  gruResetBefore: (step) => {
    const { graph, sums, states: [state], kernel, bias, units, gate, activate } = step;
    const part = (x: OnnxValue, axis: number, from: number, to: number) =>
      graph.slice(x, axis, from * units, to * units);
    const [update, reset, candidate] = blocks(step, graph.binary("Add", sums, bias), 3);
    const gates = blocks(step, product(step, part(kernel, 1, 0, 2)), 2);
    const share = gate(graph.binary("Add", update, gates[0]));
    const seen = graph.binary("Mul", gate(graph.binary("Add", reset, gates[1])), state);
    const wanted = graph.binary("Add", candidate, product(step, part(kernel, 1, 2, 3), seen));
    return [between(step, share, activate(wanted))];
  },
};

function product(
  { graph, kernel: whole, states: [state] }: Step,
  kernel = whole,
  seen = state,
): OnnxValue {
  const dimensions = [seen.dimensions[0], kernel.dimensions[1]];
  return graph.node("MatMul", [seen, kernel], { type: "f32", dimensions });
}

function blocks({ graph, units }: Step, x: OnnxValue, count: number): OnnxValue[] {
  const made = { type: x.type, dimensions: [x.dimensions[0], units] };
  return graph.nodes("Split", [x], new Array(count).fill(made), {
    axis: { int: 1 },
    num_outputs: { int: count },
  });
}

/** share · state + (1 − share) · candidate. */
function between(
  { graph, states: [state] }: Step,
  share: OnnxValue,
  candidate: OnnxValue,
): OnnxValue {
  const rest = graph.binary("Sub", graph.number(1), share);
  return graph.binary(
    "Add",
    graph.binary("Mul", share, state),
    graph.binary("Mul", rest, candidate),
  );
}

const activations: Readonly<Record<CellActivation, string | null>> = {
  linear: null,
  relu: "Relu",
  sigmoid: "Sigmoid",
  tanh: "Tanh",
};

/** A recurrence as ONNX's Scan: a graph for a step, which is run for each of them. */
const recurrence: OnnxForm = (graph, node, inputs) => {
  const attributes = node.attributes[0] as unknown as
    & RecurrenceAttributes
    & { sequences: boolean; cellState: boolean };
  const { mask, recurrentMask, initialState } = recurrenceExtras(inputs, attributes);
  if (recurrentMask) throw withoutForm("recurrence", node, "with dropout is one");
  const [sums] = inputs;
  const [steps, batch] = sums.dimensions;
  const [units] = node.inputs[1].tensor.shape;
  const first = firstStates(graph, initialState, {
    count: cellLayouts[attributes.cell].states,
    dimensions: [batch, units],
  });
  const body = stepGraph(graph, attributes, { inputs, first, isMasked: mask !== undefined });
  const made = [...first, { type: "f32", dimensions: [steps, batch, units] } as const];
  const outputs = graph.nodes("Scan", [...first, sums, ...(mask ? [mask] : [])], made, {
    body: { graph: body },
    num_scan_inputs: { int: mask ? 2 : 1 },
  });
  const last = outputs.slice(0, -1).map((state) => graph.reshape(state, [1, batch, units]));
  const states = attributes.sequences ? outputs.at(-1)! : last[0];
  if (!attributes.cellState) return states;
  return graph.node("Concat", [states, last[1]], { type: "f32", dimensions: node.dimensions }, {
    axis: { int: 0 },
  });
};

/** The states before the first step: given ones, side by side, or zeros. */
function firstStates(
  graph: OnnxGraph,
  given: OnnxValue | undefined,
  { count, dimensions }: {
    readonly count: number;
    readonly dimensions: readonly [OnnxDimension, number];
  },
): OnnxValue[] {
  const [, units] = dimensions;
  if (!given) return new Array(count).fill(graph.expanded(graph.number(0), dimensions));
  const part = (state: number) => graph.slice(given, 1, state * units, (state + 1) * units);
  return Array.from({ length: count }, (_, state) => part(state));
}

/** The graph of a step: takes states, sums, and what counts; makes states, and the first one again. */
function stepGraph(
  graph: OnnxGraph,
  { cell, activation, recurrentActivation }: RecurrenceAttributes,
  { inputs: [sums, kernel, bias], first, isMasked }: {
    readonly inputs: readonly OnnxValue[];
    readonly first: readonly OnnxValue[];
    readonly isMasked: boolean;
  },
): OnnxGraphMessage {
  const [, batch, width] = sums.dimensions;
  const port = (name: string, dimensions: readonly OnnxDimension[]) => ({
    name: graph.nameOf(name),
    type: "f32" as const,
    dimensions,
  });
  const before = first.map(({ dimensions }, state) => port(`state_${state}`, dimensions));
  const given = port("sums", [batch, width]);
  const counts = isMasked ? [port("counts", [batch])] : [];
  const step = new OnnxGraph([...before, given, ...counts], [], graph);
  const applied = (name: CellActivation) => (x: OnnxValue) =>
    activations[name] ? step.unary(activations[name], x) : x;
  const made = cells[cell]({
    ...{ graph: step, sums: given, states: before, kernel, bias },
    units: first[0].dimensions[1] as number,
    activate: applied(activation),
    gate: applied(recurrentActivation),
  });
  const after = made.map((state, place) =>
    step.named(
      isMasked ? carried(step, counts[0], state, before[place]) : state,
      graph.nameOf("next"),
    )
  );
  return step.message("step", [...after, step.named(after[0], graph.nameOf("output"))]);
}

/** The state after a step, or before it where the step is padding. */
function carried(
  graph: OnnxGraph,
  counts: OnnxValue,
  after: OnnxValue,
  before: OnnxValue,
): OnnxValue {
  const column = graph.reshape(counts, [counts.dimensions[0], 1]);
  const isPadding = graph.compare("Equal", column, graph.number(0));
  return graph.where(isPadding, before, after);
}

/** Forms of recurrences. */
export const recurrenceForms: OnnxForms = { recurrence: onWhole(recurrence) };
