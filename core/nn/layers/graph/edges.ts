import { ShapeError } from "../../../graph/errors.ts";
import { iota } from "../../../graph/leaf.ts";
import { formatShape, type Shape } from "../../../graph/shape.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { add } from "../../../ops/add.ts";
import { cast } from "../../../ops/cast.ts";
import { concat, slice } from "../../../ops/concat.ts";
import { zeros } from "../../../ops/eager.ts";
import { equal } from "../../../ops/equal.ts";
import { greaterEqual } from "../../../ops/greater_equal.ts";
import { less } from "../../../ops/less.ts";
import { logicalOr } from "../../../ops/logical.ts";
import { mul } from "../../../ops/mul.ts";
import { reshape } from "../../../ops/reshape.ts";
import { segmentGather, segmentSum } from "../../../ops/segment.ts";
import { select } from "../../../ops/select.ts";
import { sum } from "../../../ops/sum.ts";

/** Options of every graph layer with weights. */
export interface GraphLayerOptions {
  /** Name; default the type and a count, as `graph_convolution_1`. */
  readonly name?: string;
  /** Whether optimizers change the layer's weights; default true. */
  readonly trainable?: boolean;
}

/** The edges of a batch of graphs as those of one disjoint graph. */
export interface DisjointEdges {
  /** Nodes of all graphs together. */
  readonly nodes: number;
  /** Where edges begin and end, `[edges]`, i32; ends rise. */
  readonly sources: Tensor;
  /** Where edges end. */
  readonly targets: Tensor;
  /** Numbers of the edges along which sources rise. */
  readonly order: Tensor;
  /** Which graphs have edges between nodes of their own alone, `[batch, 1, 1]`, bool. */
  readonly sound: Tensor;
}

/**
 * The edges of a batch as those of one graph: nodes of graph b are counted from b · nodes.
 *
 * Where an edge of a graph has no node there, or targets do not rise, all its edges are loops of its
 * first node: as they stand they would lead into the graphs beside it.
 *
 * @param edges `[batch, edges, 3]`: source, target, and the order of the edges by their sources.
 * @param nodes Nodes of each graph, padding among them.
 */
export function disjointEdges(edges: Tensor, nodes: number): DisjointEdges {
  const [batch, count] = edges.shape;
  const numbers = cast(edges, "i32");
  const [sources, targets, order] = [0, 1, 2].map((place) =>
    reshape(slice(numbers, [0, 0, place], [batch, count, place + 1]), [batch, count])
  );
  const sound = soundGraphs(sources, targets, nodes);
  const column = (own: Tensor, rows: number): Tensor =>
    reshape(add(select(sound, own, 0), mul(iota([batch, 1], 0, "i32"), rows)), [batch * count]);
  return {
    nodes: batch * nodes,
    sources: column(sources, nodes),
    targets: column(targets, nodes),
    order: column(order, count),
    sound: reshape(sound, [batch, 1, 1]),
  };
}

/** Which graphs have edges between `nodes` nodes alone, and targets that rise: `[batch, 1]`. */
function soundGraphs(sources: Tensor, targets: Tensor, nodes: number): Tensor {
  const [batch, count] = targets.shape;
  const none = zeros([batch, 1], "i32");
  const before = concat([none, slice(targets, [0, 0], [batch, count - 1])], 1);
  const isLost = (ends: Tensor) => greaterEqual(cast(ends, "u32"), nodes);
  const bad = logicalOr(logicalOr(isLost(sources), isLost(targets)), less(targets, before));
  return equal(sum(cast(bad, "f32"), 1, { keepDims: true }), 0);
}

/** A row for each edge: that of the node where it begins. */
export function fromSources(x: Tensor, { sources, order }: DisjointEdges): Tensor {
  return segmentGather(x, sources, { order });
}

/** A row for each edge: that of the node where it ends. */
export function fromTargets(x: Tensor, { targets }: DisjointEdges): Tensor {
  return segmentGather(x, targets);
}

/** A row for each node: the sum over the edges that end there. */
export function sumAtTargets(x: Tensor, { targets, nodes }: DisjointEdges): Tensor {
  return segmentSum(x, targets, nodes);
}

/**
 * The sizes of a graph layer's inputs.
 *
 * @param shapes Shapes of `nodes` `[nodes, features]`, `edges` `[edges, 3]` and, where the layer
 * takes them, of what edges have, without the batch.
 * @param third What the third input is; left out, there is none.
 * @throws {ShapeError} when they are others.
 */
export function graphSizes(
  shapes: readonly Shape[],
  third?: string,
): { nodes: number; features: number; edges: number } {
  const [x, edges, extra] = shapes;
  const expected = `nodes [nodes, features] and edges [edges, 3]${
    third ? `, with or without ${third} [edges, …]` : ""
  }`;
  const fits = shapes.length >= 2 && shapes.length <= (third ? 3 : 2) && x.length === 2 &&
    edges.length === 2 && edges[1] === 3 &&
    (!extra || (extra.length >= 1 && extra.length <= 2 && extra[0] === edges[0]));
  if (fits) return { nodes: x[0], features: x[1], edges: edges[0] };
  throw new ShapeError(
    `expected inputs ${expected}, got ${shapes.map(formatShape).join(", ") || "none"} ` +
      "(graphDataSet and edgeList make edges)",
  );
}

/** All nodes of a batch as rows, `[batch · nodes, features]`. */
export function nodeRows(x: Tensor): Tensor {
  return reshape(x, [x.shape[0] * x.shape[1], x.shape[2]]);
}

/** Rows of nodes as a batch of graphs again; NaN in those whose edges lead nowhere. */
export function asGraphs(rows: Tensor, { sound, nodes }: DisjointEdges): Tensor {
  const batch = sound.shape[0];
  return select(sound, reshape(rows, [batch, nodes / batch, rows.shape[1]]), NaN);
}
