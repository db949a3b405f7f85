import { DataError } from "../core/graph/errors.ts";
import { received } from "../core/state/received.ts";

/** Options of {@linkcode edgeList}. */
export interface EdgeListOptions {
  /** Nodes of the graph, padding among them. */
  nodes: number;
  /** Whether each pair stands for an edge in both directions; default false. */
  undirected?: boolean;
  /** Rows of the list; default as many as there are edges, and at least 1. */
  size?: number;
  /** What the graph is, for messages: `graph 3`. */
  name?: string;
}

/** Edges as graph layers take them. */
export interface EdgeList {
  /** `[size, 3]`, row-major: source, target, and the order of the rows by their sources. */
  readonly data: Float32Array<ArrayBuffer>;
  /** The given pair that stands at each row; −1 for padding. */
  readonly pairs: Int32Array<ArrayBuffer>;
}

/** Most nodes and rows: float32, in which they are numbered, holds no more whole numbers in a row. */
const most = 2 ** 24;

/**
 * Sorts the edges of a graph as graph layers need them: by target, then by source, with the order in
 * which their sources rise.
 *
 * Sums over neighbours then go through runs of rows, and so do their gradients, along the order:
 * nothing is searched and nothing is added up in an order that could change. Rows that are left over
 * are loops of the last node, which must then be padding: a node that is no node of the graph.
 *
 * @param pairs Source and target of each edge, from 0. Layers add loops from nodes to themselves
 * where they need them.
 * @param options Nodes, directions, rows.
 * @returns The list, and which pair stands at which row.
 * @throws {DataError} If a pair is not two nodes, or there are more edges than rows, or rows are left
 * over and the last node has edges, or there are more than 2²⁴ nodes or rows; `row` (from 1) is that
 * of the pair.
 *
 * @example
 * ```ts
 * import { edgeList } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const { data } = edgeList([[2, 0], [0, 1], [1, 0]], { nodes: 3 });
 * assert.deepEqual([...data], [1, 0, 2, 2, 0, 0, 0, 1, 1]);
 * assert.throws(() => edgeList([[0, 3]], { nodes: 3 }), /nodes from 0 to 2: received \[0, 3\]/);
 * ```
 */
export function edgeList(
  pairs: readonly (readonly number[])[],
  options: EdgeListOptions,
): EdgeList {
  const { nodes, undirected = false, name = "the graph" } = options;
  checkWhole("nodes", nodes, name);
  if (options.size !== undefined) checkWhole("size", options.size, name);
  const edges = pairs.flatMap((pair, number) => {
    checkPair(pair, number, nodes, name);
    const [source, target] = pair;
    const edge = { source, target, pair: number };
    return undirected && source !== target
      ? [edge, { source: target, target: source, pair: number }]
      : [edge];
  });
  const size = options.size ?? Math.max(1, edges.length);
  if (nodes > most || size > most) {
    throw new DataError(
      `Cannot list the edges of ${name} as there may be ${most} nodes and as many rows: received ` +
        `${nodes} nodes and ${size} rows`,
    );
  }
  const padding = size - edges.length;
  const last = nodes - 1;
  const crowded = edges.find(({ source, target }) => source === last || target === last);
  if (padding < 0 || (padding > 0 && crowded)) {
    const what = padding < 0
      ? `there must be a row for each edge: received ${edges.length} edges and ${size} rows`
      : `rows that are left over belong to the last node, which must have no edges: received ` +
        `${edges.length} edges, ${size} rows and the edge [${pairs[crowded!.pair].join(", ")}] ` +
        `(add a node of zeros)`;
    throw new DataError(`Cannot list the edges of ${name} as ${what}`);
  }
  for (let row = 0; row < padding; row++) edges.push({ source: last, target: last, pair: -1 });
  edges.sort((a, b) => a.target - b.target || a.source - b.source || a.pair - b.pair);
  const order = [...edges.keys()].sort((a, b) => edges[a].source - edges[b].source || a - b);
  const data = new Float32Array(3 * size);
  edges.forEach(({ source, target }, row) => data.set([source, target, order[row]], 3 * row));
  return { data, pairs: Int32Array.from(edges, ({ pair }) => pair) };
}

function checkWhole(option: string, value: number, name: string): void {
  if (Number.isInteger(value) && value >= 1) return;
  throw new DataError(
    `Cannot list the edges of ${name} as ${option} must be a whole number from 1: received ` +
      received(value),
  );
}

function checkPair(pair: readonly number[], number: number, nodes: number, name: string): void {
  const known = (node: number) => Number.isInteger(node) && node >= 0 && node < nodes;
  if (pair.length === 2 && pair.every(known)) return;
  throw new DataError(
    `Cannot list the edges of ${name} as edge ${number} must be two nodes from 0 to ${
      nodes - 1
    }: received [${pair.join(", ")}]`,
    { row: number + 1 },
  );
}
