/** Samples and columns by the hundred thousand: neither a call's arguments nor squares of them. */
import assert from "node:assert/strict";
import { graphDataSet, parseCsv, textVectorization } from "../../mod.ts";

/** More than V8 takes as arguments of a call, some 120,000. */
const many = 200_000;

Deno.test("textVectorization takes many texts, and pads them to the longest", () => {
  const texts = Array.from({ length: many }, (_, i) => i === 7 ? "a b c" : "b");
  const { data, shape } = textVectorization({ vocabulary: ["a", "b", "c"] }).apply(texts);
  assert.deepEqual(shape, [many, 3]);
  assert.deepEqual([...data.subarray(18, 27)], [3, 0, 0, 2, 3, 4, 3, 0, 0]);
});

Deno.test("graphDataSet takes many graphs, and pads them to the largest", () => {
  const graphs = Array.from({ length: many }, (_, i) => ({
    nodes: i === 7 ? [[1], [2], [3]] : [[i % 5], [1]],
    edges: [[0, 1]],
  }));
  const { x, y } = graphDataSet(graphs, graphs.map((_, i) => [i % 3]));
  assert.deepEqual([x.nodes.shape, x.edges.shape, y.shape], [[many, 3, 1], [many, 1, 3], [
    many,
    1,
  ]]);
  assert.deepEqual([...x.mask.data.subarray(18, 27)], [1, 1, 0, 1, 1, 1, 1, 1, 0]);
});

Deno.test("a graph may have many edges with features", () => {
  const nodes = Array.from({ length: 1000 }, (_, i) => [i]);
  const edges = Array.from({ length: many }, (_, i) => [i % 1000, i * 7 % 1000]);
  const edgeFeatures = edges.map(([source]) => [source]);
  const { x } = graphDataSet([{ nodes, edges, edgeFeatures }], [[1]]);
  assert.deepEqual(x.edgeFeatures.shape, [1, many, 1]);
  // The features are those of the edge that stands in the row.
  for (const row of [0, 1234, many - 1]) {
    assert.equal(x.edgeFeatures.data[row], x.edges.data[3 * row]);
  }
});

Deno.test("parseCsv takes rows of many columns, of more than a mebibyte", () => {
  const row = Array.from({ length: many }, (_, i) => (i % 1000 / 1000).toFixed(4));
  const text = `${row.join()}\n${row.toReversed().join()}\n`;
  assert(text.length > 2 << 20);
  const { columns, rows } = parseCsv(text, { header: false });
  assert.deepEqual([columns.size, rows], [many, 2]);
  assert.deepEqual([...columns.get("column_1001")!], [0, 0.999]);
});
