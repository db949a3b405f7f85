import {
  type CellActivation,
  cellLayouts,
  type CellName,
  type RecurrenceAttributes,
  recurrenceExtras,
} from "../../graph/recurrence.ts";
import type { OnnxDimension } from "../dimension.ts";
import { OnnxGraph, type OnnxValue } from "../graph.ts";
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
  const [sums, kernel, bias] = inputs;
  const [units] = node.inputs[1].tensor.shape;
  const [steps, batch] = sums.dimensions;
  const count = cellLayouts[attributes.cell].states;
  const first = initialState
    ? Array.from(
      { length: count },
      (_, state) => graph.slice(initialState, 1, state * units, (state + 1) * units),
    )
    : new Array<OnnxValue>(count).fill(graph.expanded(graph.number(0), [batch, units]));
  const port = (name: string, dimensions: readonly OnnxDimension[]) => ({
    name: graph.nameOf(name),
    type: "f32" as const,
    dimensions,
  });
  const before = first.map((_, state) => port(`state_${state}`, [batch, units]));
  const given = port("sums", [batch, sums.dimensions[2]]);
  const counts = mask && port("counts", [batch]);
  const step = new OnnxGraph([...before, given, ...(counts ? [counts] : [])], [], graph);
  const applied = (name: CellActivation) => (x: OnnxValue) =>
    activations[name] ? step.unary(activations[name], x) : x;
  const made = cells[attributes.cell]({
    ...{ graph: step, sums: given, states: before, kernel, bias, units },
    activate: applied(attributes.activation),
    gate: applied(attributes.recurrentActivation),
  });
  const after = made.map((state, place) =>
    step.named(counts ? carried(step, counts, state, before[place]) : state, graph.nameOf("next"))
  );
  const body = step.message("step", [...after, step.named(after[0], graph.nameOf("output"))]);
  const ends = first.map(({ type, dimensions }) => ({ type, dimensions }));
  const outputs = graph.nodes(
    "Scan",
    [...first, sums, ...(mask ? [mask] : [])],
    [...ends, { type: "f32", dimensions: [steps, batch, units] }],
    { body: { graph: body }, num_scan_inputs: { int: mask ? 2 : 1 } },
  );
  const last = outputs.slice(0, count).map((state) => graph.reshape(state, [1, batch, units]));
  const states = attributes.sequences ? outputs[count] : last[0];
  if (!attributes.cellState) return states;
  return graph.node("Concat", [states, last[1]], { type: "f32", dimensions: node.dimensions }, {
    axis: { int: 0 },
  });
};

/** The state after a step, or before it where the step is padding. */
function carried(
  graph: OnnxGraph,
  counts: OnnxValue,
  after: OnnxValue,
  before: OnnxValue,
): OnnxValue {
  const column = graph.reshape(counts, [counts.dimensions[0], 1]);
  const isPadding = graph.node("Equal", [column, graph.number(0)], { ...column, type: "bool" });
  return graph.node("Where", [isPadding, before, after], after);
}

/** Forms of recurrences. */
export const recurrenceForms: OnnxForms = { recurrence: onWhole(recurrence) };
