// Graphs as data: sorted edges, padding, and what is refused.
import assert from "node:assert/strict";
import { DataError } from "../../core/graph/errors.ts";
import { edgeList, type Graph, graphDataSet } from "../../data/mod.ts";
import { mulberry32 } from "../core/ops/generator.ts";

Deno.test("edges are sorted by target, and their order by source is found", () => {
  const random = mulberry32(1);
  const pairs = Array.from({ length: 50 }, () => [0, 0].map(() => Math.floor(random() * 9)));
  const { data, pairs: places } = edgeList(pairs, { nodes: 10, size: 60 });
  const rows = Array.from({ length: 60 }, (_, row) => [...data.slice(3 * row, 3 * row + 3)]);
  const targets = rows.map(([, target]) => target);
  assert.deepEqual(targets, targets.toSorted((a, b) => a - b));
  const sources = rows.map(([, , at]) => rows[at][0]);
  assert.deepEqual(sources, sources.toSorted((a, b) => a - b));
  assert.deepEqual(rows.map(([, , at]) => at).sort((a, b) => a - b), [...rows.keys()]);
  // Ties, too, have one order, so that sums have the same bits from run to run.
  const sorted = rows.map(([source, target], row) => [target, source, places[row], row]);
  const byNumbers = (a: number[], b: number[]) => a.map((x, i) => x - b[i]).find(Boolean) ?? 0;
  assert.deepEqual(sorted, sorted.toSorted(byNumbers));
  const bySource = rows.map(([source], row) => [source, row]).sort(byNumbers);
  assert.deepEqual(rows.map(([, , at]) => at), bySource.map(([, row]) => row));
  rows.forEach(([source, target], row) =>
    assert.deepEqual([source, target], places[row] < 0 ? [9, 9] : pairs[places[row]])
  );
  assert.equal(places.filter((pair) => pair < 0).length, 10);
});

Deno.test("undirected edges go both ways, and loops once", () => {
  const { data, pairs } = edgeList([[2, 0], [1, 1]], { nodes: 3, undirected: true });
  assert.deepEqual([...data], [2, 0, 2, 1, 1, 1, 0, 2, 0]);
  assert.deepEqual([...pairs], [0, 1, 0]);
});

Deno.test("a data set has room for both ways of undirected edges, and for loops once", () => {
  const graph: Graph = { nodes: [[1], [2], [3]], edges: [[0, 0], [0, 1], [1, 2]] };
  const { x } = graphDataSet([graph], [0], { undirected: true });
  assert.deepEqual([x.nodes.shape, x.edges.shape], [[1, 3, 1], [1, 5, 3]]);
});

Deno.test("a graph without edges has one row of padding", () => {
  assert.deepEqual([...edgeList([], { nodes: 2 }).data], [1, 1, 0]);
});

const bonds: Graph[] = [
  { nodes: [[1, 2], [3, 4]], edges: [[0, 1]], edgeFeatures: [[7]] },
  { nodes: [[5, 6]], edges: [], edgeFeatures: [] },
];

Deno.test("graphs are padded, and features of edges go with them", () => {
  const { x, y } = graphDataSet(bonds as Required<Graph>[], [1, 0], {
    undirected: true,
    maxNodes: 3,
    maxEdges: 3,
    classes: 2,
  });
  assert.deepEqual([...x.nodes.data], [1, 2, 3, 4, 0, 0, 5, 6, 0, 0, 0, 0]);
  assert.deepEqual([...x.edges.data], [1, 0, 1, 0, 1, 0, 2, 2, 2, ...[2, 2, 0, 2, 2, 1, 2, 2, 2]]);
  assert.deepEqual([...x.edgeFeatures.data], [7, 7, 0, 0, 0, 0]);
  assert.deepEqual([...x.mask.data], [1, 1, 0, 1, 0, 0]);
  assert.deepEqual([...y.data], [1, 0]);
});

Deno.test("graphs are as large as the largest needs; rows of bytes stay bytes", () => {
  const full = { nodes: [0, 1, 2].map((i) => Uint8Array.of(i)), edges: [[0, 1], [1, 2]] };
  const one = graphDataSet([full], [[1]]);
  assert.deepEqual(one.x.nodes, { data: Uint8Array.of(0, 1, 2), shape: [1, 3, 1] });
  assert.deepEqual(one.x.edges.shape, [1, 2, 3]);
  // The second has an edge less, and so needs a node that is none.
  const two = graphDataSet([full, { ...full, edges: [[0, 1]] }], [[1], [2]]);
  assert.deepEqual(two.x.nodes.shape, [2, 4, 1]);
  assert(!("edgeFeatures" in two.x));
});

const graph = { nodes: [[1], [2]], edges: [[0, 1]] };
const refused: [what: string, make: () => unknown, message: RegExp, row?: number][] = [
  [
    "an edge to no node",
    () => graphDataSet([graph, { ...graph, edges: [[0, 1], [1, 2]] }], [1, 2]),
    /graph 1 as edge 1 must be two nodes from 0 to 1: received \[1, 2\]/,
    2,
  ],
  ["half a node", () => edgeList([[0, 0.5]], { nodes: 2 }), /edge 0.*\[0, 0.5\]/, 1],
  ["a negative node", () => edgeList([[-1, 0]], { nodes: 2 }), /received \[-1, 0\]/, 1],
  ["three nodes", () => edgeList([[0, 1, 1]], { nodes: 2 }), /received \[0, 1, 1\]/, 1],
  [
    "nodes that float32 cannot number",
    () => edgeList([[2 ** 24 + 1, 0]], { nodes: 2 ** 24 + 2 }),
    /may be 16777216 nodes and as many rows: received 16777218 nodes and 1 rows/,
  ],
  [
    "edges that float32 cannot number",
    () => edgeList([[0, 1]], { nodes: 3, size: 2 ** 24 + 1 }),
    /received 3 nodes and 16777217 rows/,
  ],
  ["half a row", () => edgeList([], { nodes: 2, size: 1.5 }), /size must .*: received 1.5/],
  ["nodes that are no count", () => edgeList([], { nodes: 2.5 }), /nodes must .*: received 2.5/],
  ["too few rows", () => edgeList([[0, 1], [1, 0]], { nodes: 2, size: 1 }), /2 edges and 1 rows/],
  [
    "padding on a node with edges",
    () => edgeList([[0, 1]], { nodes: 2, size: 3 }),
    /the edge \[0, 1\] \(add a node/,
  ],
  ["no graphs", () => graphDataSet([], []), /received none/],
  [
    "a graph of too many nodes",
    () => graphDataSet([graph], [1], { maxNodes: 1 }),
    /graph 0 must have 1 to 1 nodes.*received 2 nodes and 1 edges/,
  ],
  [
    "no place for padding",
    () => graphDataSet([graph], [1], { maxNodes: 2, maxEdges: 5 }),
    /one of them padding/,
  ],
  [
    "rows of other lengths",
    () => graphDataSet([graph, { nodes: [[1, 2]], edges: [] }], [1, 2]),
    /received 2 numbers, and 1 before, at node 0 of graph 1/,
    1,
  ],
  [
    "features that are no numbers",
    () => graphDataSet([{ nodes: [[1], [NaN]], edges: [] }], [1]),
    /received NaN at node 1 of graph 0/,
    2,
  ],
  [
    "features of too few edges",
    () => graphDataSet([{ ...graph, edgeFeatures: [] }], [1]),
    /graph 0 must have features: received 1 edges and features of 0/,
  ],
  ["too few targets", () => graphDataSet([graph, graph], [1]), /2 inputs and 1 targets/],
];
for (const [what, make, message, row] of refused) {
  Deno.test(`refused: ${what}`, () => {
    assert.throws(make, (error: Error) => {
      assert(error instanceof DataError);
      assert.match(error.message, message);
      assert.equal(error.row, row);
      return true;
    });
  });
}
