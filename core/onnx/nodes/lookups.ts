import type { OnnxGraph, OnnxValue } from "../graph.ts";
import type { TracedNode } from "../trace.ts";
import { type OnnxForm, type OnnxForms, onWhole, withoutForm } from "./form.ts";

/** Rows by number; one out of range is an error of whoever runs the file. */
const gather: OnnxForm = (graph, node, [data, indices, start]) => {
  if (start) throw withoutForm("gather", node, "from a place that changes is one");
  const { scale, offset } = node.attributes[0] as { scale: number; offset: number };
  const dimensions = [indices.dimensions[0], ...data.dimensions.slice(1)];
  const rows = graph.node("Gather", [data, indices], { type: data.type, dimensions });
  const scaled = scale === 1 ? rows : graph.binary("Mul", rows, graph.number(scale));
  return offset === 0 ? scaled : graph.binary("Add", scaled, graph.number(offset));
};

/** Rows with the numbers of the segments that they go to; those whose number is out of range, nowhere. */
interface SentRows {
  readonly places: OnnxValue;
  readonly isSent: OnnxValue;
  /** The rows, with `nothing` in the place of those that go nowhere. */
  rows(nothing: number): OnnxValue;
}

function sentRows(graph: OnnxGraph, node: TracedNode, rows: OnnxValue, ids: OnnxValue): SentRows {
  const numbers = graph.cast(ids, "i64");
  const isBelow = graph.compare("Less", numbers, graph.size(node.dimensions[0]));
  const isFrom0 = graph.compare("GreaterOrEqual", numbers, graph.number(0, "i64"));
  const isSent = graph.binary("And", isBelow, isFrom0);
  const [count, ...rest] = rows.dimensions;
  const safe = graph.where(isSent, numbers, graph.number(0, "i64"));
  const column = graph.reshape(isSent, [count, ...rest.map(() => 1)]);
  return {
    places: graph.reshape(safe, [count, 1]),
    isSent,
    rows: (nothing) => graph.where(column, rows, graph.number(nothing)),
  };
}

/** Rows folded into those of their number, which begin as `first`. */
function scattered(
  graph: OnnxGraph,
  reduction: "add" | "max",
  first: OnnxValue,
  [places, rows]: readonly [OnnxValue, OnnxValue],
): OnnxValue {
  return graph.node("ScatterND", [first, places, rows], first, { reduction: { text: reduction } });
}

/** Sums of the rows of each number. */
const sums: OnnxForm = (graph, node, [rows, ids]) => {
  const sent = sentRows(graph, node, rows, ids);
  const zeros = graph.expanded(graph.number(0), node.dimensions);
  return scattered(graph, "add", zeros, [sent.places, sent.rows(0)]);
};

/** Largest values of the rows of each number. */
const maxima: OnnxForm = (graph, node, [rows, ids]) => {
  const sent = sentRows(graph, node, rows, ids);
  const [segments, ...rest] = node.dimensions;
  const least = graph.expanded(graph.number(-Infinity), node.dimensions);
  const most = scattered(graph, "max", least, [sent.places, sent.rows(-Infinity)]);
  const none = graph.expanded(graph.number(0), [segments]);
  const counts = scattered(graph, "add", none, [sent.places, graph.cast(sent.isSent, "f32")]);
  const isEmpty = graph.compare("Equal", counts, graph.number(0));
  const empty = graph.number(node.attributes[0].empty as number);
  const column = graph.reshape(isEmpty, [segments, ...rest.map(() => 1)]);
  return graph.where(column, empty, most);
};

/** Forms of what picks rows and adds them up. */
export const lookupForms: OnnxForms = {
  gather: onWhole(gather),
  scatterAdd: onWhole(sums),
  segmentMax: onWhole(maxima),
  segmentSum: onWhole(sums),
  takeAlongAxis: onWhole((graph, node, [x, indices]) => {
    const made = { type: x.type, dimensions: node.dimensions };
    const axis = { int: node.attributes[0].axis as number };
    return graph.node("GatherElements", [x, indices], made, { axis });
  }),
};
