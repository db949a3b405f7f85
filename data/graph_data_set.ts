import { DataError } from "../core/graph/errors.ts";
import { arrays } from "./arrays.ts";
import type { TargetValues } from "./store_arrays.ts";
import type { DataSet, StoredInputs, StoredTargets } from "./data_set.ts";
import { edgeList } from "./edge_list.ts";
import { largest } from "./largest.ts";

/** One graph: what its nodes have, and which are connected. */
export interface Graph {
  /** Features of each node; rows of one length. Rows of bytes are stored as bytes. */
  readonly nodes: readonly ArrayLike<number>[];
  /** Source and target of each edge, from 0. */
  readonly edges: readonly (readonly number[])[];
  /** Features of each edge; rows of one length, for all graphs or for none. */
  readonly edgeFeatures?: readonly ArrayLike<number>[];
}

/** Options of {@linkcode graphDataSet}. */
export interface GraphDataSetOptions {
  /** Whether each edge goes in both directions; default false. */
  undirected?: boolean;
  /** Nodes that each graph is padded to; default as many as the largest needs. */
  maxNodes?: number;
  /** Edges, in both directions, that each graph is padded to; default those of the largest. */
  maxEdges?: number;
  /** Number of classes; given, the targets are class ids from 0 to `classes - 1`. */
  classes?: number;
  /** Name for logs. */
  name?: string;
}

/** Inputs of a data set of graphs; `edgeFeatures` where each graph has them. */
export type GraphInputs<G extends Graph = Graph> =
  & {
    /** `[graphs, nodes, features]`; padding is zeros. */
    readonly nodes: StoredInputs;
    /** `[graphs, edges, 3]`, as {@linkcode edgeList} makes them. */
    readonly edges: StoredInputs;
    /** `[graphs, nodes]`: 1 for nodes, 0 for padding. */
    readonly mask: StoredInputs;
  }
  & (G extends { readonly edgeFeatures: readonly ArrayLike<number>[] } ? {
      /** `[graphs, edges, features]`, in the order of the edges; padding is zeros. */
      readonly edgeFeatures: StoredInputs;
    }
    : unknown);

/**
 * Builds a data set whose samples are graphs, padded to one number of nodes and of edges.
 *
 * So every batch has the same shapes: a step allocates nothing, whatever graphs it meets. The layers
 * read a batch as one disjoint graph, and padding is never a neighbour of a node. For one large graph
 * whose nodes are to be classified give that graph alone, and take a batch of 1.
 *
 * @param graphs The graphs; their features are finite numbers.
 * @param y Targets, one for each graph, as {@linkcode arrays} takes them.
 * @param options Directions, sizes, classes, name.
 * @returns The data set: inputs `nodes`, `edges`, `mask` and, if the graphs have them, `edgeFeatures`.
 * @throws {DataError} If rows differ in length, an edge leads to no node, a graph is larger than
 * `maxNodes` or `maxEdges`, or there is not one target for each graph; the message names the graph,
 * `row` (from 1) is that of the edge or node.
 *
 * @example
 * ```ts
 * import { graphDataSet } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const water = { nodes: [[8], [1], [1]], edges: [[0, 1], [0, 2]] };
 * const hydrogen = { nodes: [[1], [1]], edges: [[0, 1]] };
 * const data = graphDataSet([water, hydrogen], [[100], [-252.9]], { undirected: true });
 * assert.deepEqual(data.x.nodes.shape, [2, 3, 1]);
 * assert.deepEqual(data.x.edges.shape, [2, 4, 3]);
 * assert.deepEqual([...data.x.mask.data], [1, 1, 1, 1, 1, 0]);
 * ```
 */
export function graphDataSet<G extends Graph>(
  graphs: readonly G[],
  y: TargetValues,
  options: GraphDataSetOptions = {},
): DataSet<GraphInputs<G>, StoredTargets> {
  const { undirected = false, classes, name } = options;
  if (graphs.length === 0) {
    throw new DataError("Cannot build a data set of graphs as there must be one: received none");
  }
  const counts = graphs.map(({ edges }) =>
    edges.reduce((sum, [a, b]) => sum + (undirected && a !== b ? 2 : 1), 0)
  );
  const size = options.maxEdges ?? largest(counts, 1);
  const nodes = options.maxNodes ??
    largest(graphs.map((graph, g) => graph.nodes.length + (counts[g] < size ? 1 : 0)), 0);
  const lists = graphs.map((graph, g) => {
    checkFit(`graph ${g}`, graph.nodes.length, counts[g], { nodes, size });
    // An edge of a node that is not there is refused before padding could take its place.
    edgeList(graph.edges, { nodes: graph.nodes.length, undirected, name: `graph ${g}` });
    return edgeList(graph.edges, { nodes, undirected, size, name: `graph ${g}` });
  });
  const edges = new Float32Array(graphs.length * size * 3);
  lists.forEach(({ data }, g) => edges.set(data, g * size * 3));
  const mask = new Uint8Array(graphs.length * nodes);
  graphs.forEach((graph, g) => mask.fill(1, g * nodes, g * nodes + graph.nodes.length));
  const x = {
    nodes: stack("node", graphs.map((graph) => graph.nodes), nodes),
    edges: { data: edges, shape: [graphs.length, size, 3] },
    mask: { data: mask, shape: [graphs.length, nodes] },
    ...(graphs.some(({ edgeFeatures }) => edgeFeatures) && {
      edgeFeatures: stack("edge", graphs.map(edgeRows(lists)), size),
    }),
  };
  const { y: targets } = arrays(graphs.map(() => [0]), y, { classes });
  return {
    x: x as GraphInputs<G>,
    y: targets,
    ...(classes === undefined ? {} : { classes }),
    ...(name === undefined ? {} : { name }),
  };
}

/** The features of edges in the order of their list. */
function edgeRows(lists: readonly { readonly pairs: Int32Array }[]) {
  return ({ edges, edgeFeatures }: Graph, g: number): ArrayLike<number>[] => {
    if (edgeFeatures?.length !== edges.length) {
      throw new DataError(
        `Cannot build a data set of graphs as each edge of graph ${g} must have features: received ` +
          `${edges.length} edges and features of ${edgeFeatures?.length ?? 0}`,
      );
    }
    const width = largest(edgeFeatures.map(({ length }) => length), 0);
    return [...lists[g].pairs].map((pair) => pair < 0 ? new Uint8Array(width) : edgeFeatures[pair]);
  };
}

function checkFit(
  name: string,
  nodes: number,
  edges: number,
  most: { readonly nodes: number; readonly size: number },
): void {
  // Edges that are left over need a node that is none.
  const needed = nodes + (edges < most.size ? 1 : 0);
  if (nodes > 0 && needed <= most.nodes && edges <= most.size) return;
  throw new DataError(
    `Cannot build a data set of graphs as ${name} must have 1 to ${most.nodes} nodes, one of them ` +
      `padding where edges are, and at most ${most.size} edges: received ${nodes} nodes and ` +
      `${edges} edges (raise maxNodes or maxEdges)`,
  );
}

/** Rows of all graphs in one array, each graph's padded with zeros. */
function stack(
  what: string,
  graphs: readonly (readonly ArrayLike<number>[])[],
  rows: number,
): StoredInputs {
  const width = graphs.flat().find(({ length }) => length > 0)?.length ?? 0;
  const bytes = graphs.every((graph) => graph.every((row) => row instanceof Uint8Array));
  const data = new (bytes ? Uint8Array : Float32Array)(graphs.length * rows * width);
  graphs.forEach((graph, g) =>
    graph.forEach((row, place) => {
      // Padding, in a graph without edges.
      if (row.length === 0 && what === "edge") return;
      checkRow(row, width, `${what} ${place} of graph ${g}`, place + 1);
      data.set(row, (g * rows + place) * width);
    })
  );
  return { data, shape: [graphs.length, rows, width] };
}

function checkRow(row: ArrayLike<number>, width: number, where: string, number: number): void {
  const fits = row.length === width && width > 0;
  const bad = fits
    ? Array.prototype.findIndex.call(row, (value) => !Number.isFinite(Math.fround(value)))
    : 0;
  if (bad < 0) return;
  throw new DataError(
    `Cannot build a data set of graphs as nodes and edges must have rows of finite numbers, of one ` +
      `length: received ${fits ? row[bad] : `${row.length} numbers, and ${width} before,`} at ` +
      where,
    { row: number, ...(fits && { column: bad + 1 }) },
  );
}
