// Graph layers against PyTorch's dense formulas, on every device; what padding and batches change:
// nothing.
import assert from "node:assert/strict";
import { evaluateReference } from "../../../core/cpu/reference.ts";
import * as nn from "../../../core/nn/mod.ts";
import { gradients, mul, sum, tensor } from "../../../core/ops/mod.ts";
import { graphDataSet, type StoredInputs } from "../../../data/mod.ts";
import goldenJson from "../../golden/graphs.json" with { type: "json" };
import { evaluateOn, testOnDevices } from "../../devices.ts";
import { floats, mulberry32 } from "../ops/generator.ts";
import { assertClose } from "./close.ts";
import { TestContext } from "./context.ts";
import type { GoldenTensor } from "./golden.ts";

interface Case {
  readonly weights: Record<string, GoldenTensor>;
  readonly upstream: readonly GoldenTensor[];
  readonly outputs: readonly GoldenTensor[];
  readonly nodeGradients: readonly GoldenTensor[];
  readonly weightGradients: Record<string, GoldenTensor>;
  readonly edgeGradients?: readonly GoldenTensor[];
}

const golden = goldenJson as unknown as {
  readonly graphs: readonly (Record<"nodes" | "weights" | "bonds", GoldenTensor> & {
    readonly edges: readonly (readonly number[])[];
  })[];
  readonly cases: Record<string, Case>;
};

const message = nn.dense(3, { activation: "tanh" });
const update = nn.dense(4);
const layers: Record<string, nn.MergeLayer> = {
  graphConvolution: nn.graphConvolution(3),
  graphConvolution_weighted: nn.graphConvolution(6),
  graphSage_mean: nn.graphSage(3),
  graphSage_mean_wide_normalized: nn.graphSage(7, { normalize: true }),
  graphSage_max: nn.graphSage(4, { aggregator: "max" }),
  graphSage_max_projected: nn.graphSage(3, { aggregator: "max", project: true }),
  graphAttention: nn.graphAttention(3),
  graphAttention_heads: nn.graphAttention(2, { heads: 3 }),
  graphAttention_average: nn.graphAttention(3, { heads: 2, concat: false }),
  graphAttention_plain: nn.graphAttention(2, { heads: 2, selfLoops: false, negativeSlope: 0.05 }),
  messagePassing_sum: nn.messagePassing({ message, update }),
  messagePassing_mean: nn.messagePassing({ message, update, aggregate: "mean" }),
  messagePassing_max: nn.messagePassing({ message, update, aggregate: "max" }),
  globalSumPool: nn.globalSumPool(),
  globalAveragePool: nn.globalAveragePool(),
  globalMaxPool: nn.globalMaxPool(),
  globalAttentionPool: nn.globalAttentionPool(),
};

const rowsOf = ({ shape: [rows, width = 1], data }: GoldenTensor) =>
  Array.from({ length: rows }, (_, row) => data.slice(row * width, (row + 1) * width));
const pools = (name: string) => name.startsWith("global");
const leaf = ({ data, shape }: StoredInputs) => tensor(Float32Array.from(data), { shape });

/** The golden graphs as a padded batch; edges have weights, features or nothing. */
function batchOf(extra: "weights" | "bonds" | undefined, sizes = {}) {
  const graphs = golden.graphs.map((graph) => ({
    nodes: rowsOf(graph.nodes),
    edges: graph.edges,
    ...(extra && { edgeFeatures: rowsOf(graph[extra]) }),
  }));
  const { x } = graphDataSet(graphs, graphs.map(() => 0), sizes);
  return x as typeof x & { edgeFeatures?: StoredInputs };
}

/** Rows of each graph of a padded batch, without its padding. */
function unpadded(data: ArrayLike<number>, rows: readonly number[], padded: number): number[][] {
  const width = data.length / rows.length / padded;
  return rows.map((count, graph) =>
    Array.from({ length: count * width }, (_, place) => data[graph * padded * width + place])
  );
}

/** Output and gradients of a layer for the golden batch. */
function prepare(name: string, sizes = {}) {
  const given = golden.cases[name];
  const extra = !given.edgeGradients ? undefined : name.includes("weighted") ? "weights" : "bonds";
  const x = batchOf(extra, sizes);
  const nodes = leaf(x.nodes);
  const features = x.edgeFeatures && leaf(x.edgeFeatures);
  const inputs = pools(name)
    ? [nodes, leaf(x.mask)]
    : [nodes, leaf(x.edges), ...(features ? [features] : [])];
  const weights = Object.fromEntries(
    Object.entries(given.weights).map(([role, { data, shape }]) => [role, tensor(data, { shape })]),
  );
  const context = new TestContext();
  const y = layers[name].apply(weights, inputs, context);
  assert.equal(
    layers[name].apply(weights, inputs, context),
    y,
    "applied again it is the same node",
  );
  const padded = pools(name) ? 1 : x.nodes.shape[1];
  const upstream = new Float32Array(y.size);
  const width = y.size / golden.graphs.length / padded;
  given.upstream.forEach(({ data }, graph) => upstream.set(data, graph * padded * width));
  const sources = [nodes, ...Object.values(weights), ...(features ? [features] : [])];
  const slopes = gradients(y, sources, tensor(upstream, { shape: y.shape }));
  return { name, given, x, inputs, padded, tensors: [y, ...slopes] };
}

function compare(
  { name, given, x, padded }: ReturnType<typeof prepare>,
  [output, nodeSlopes, ...rest]: readonly ArrayLike<number>[],
): void {
  const counts = golden.graphs.map(({ nodes }) => nodes.shape[0]);
  const check = (found: number[][], expected: readonly GoldenTensor[], what: string) =>
    found.forEach((rows, graph) =>
      assertClose(rows, expected[graph].data, 2e-5, `${name}, ${what} of graph ${graph}`)
    );
  check(unpadded(output, pools(name) ? [1, 1, 1] : counts, padded), given.outputs, "output");
  check(unpadded(nodeSlopes, counts, x.nodes.shape[1]), given.nodeGradients, "gradient of nodes");
  Object.entries(given.weightGradients).forEach(([role, { data }], place) =>
    assertClose(rest[place], data, 5e-5, `${name}, gradient of ${role}`)
  );
  if (!given.edgeGradients) return;
  const slopes = rest[rest.length - 1];
  const [, edges, width] = [...x.edgeFeatures!.shape];
  golden.graphs.forEach(({ edges: pairs }, graph) =>
    pairs.forEach(([source, target], pair) => {
      const at = Array.from({ length: edges }, (_, row) => graph * edges + row).find((row) =>
        x.edges.data[3 * row] === source && x.edges.data[3 * row + 1] === target
      )!;
      const found = Array.from({ length: width }, (_, place) => slopes[at * width + place]);
      const expected = rowsOf(given.edgeGradients![graph])[pair];
      assertClose(found, expected, 5e-5, `${name}, gradient of edge ${pair} of graph ${graph}`);
    })
  );
}

Deno.test("every golden graph layer is compared, with weights of its shapes", () => {
  assert.deepEqual(Object.keys(golden.cases).sort(), Object.keys(layers).sort());
  for (const name of Object.keys(layers)) {
    const { inputs, given, tensors } = prepare(name);
    const shapes = inputs.map(({ shape }) => shape.slice(1));
    const made = layers[name].init(shapes, nn.namedKey(1, name));
    assert.deepEqual(made.outputShape, tensors[0].shape.slice(1));
    assert.deepEqual(
      Object.fromEntries(made.parameters.map(({ name, shape }) => [name, shape])),
      Object.fromEntries(Object.entries(given.weights).map(([role, { shape }]) => [role, shape])),
    );
  }
});

/** Those that use every op: a software adapter compiles for a minute what all layers need. */
const fewer = ["graphConvolution_weighted", "graphAttention_heads", "messagePassing_max"];

await testOnDevices("graph layers and their gradients are PyTorch's", async (device) => {
  const names = device.device === "webgpu" ? fewer : Object.keys(layers);
  const prepared = names.map((name) => prepare(name));
  const found = await evaluateOn(device, prepared.flatMap(({ tensors }) => tensors));
  for (const one of prepared) compare(one, found.splice(0, one.tensors.length));
});

Deno.test("more padding changes nothing", () => {
  for (const name of Object.keys(layers)) {
    const one = prepare(name, { maxNodes: 11, maxEdges: 17 });
    compare(one, evaluateReference(one.tensors).map(({ data }) => data));
  }
});

Deno.test("nodes in another order give outputs in that order", () => {
  const random = mulberry32(8);
  const edges = Array.from({ length: 40 }, () => [0, 0].map(() => Math.floor(random() * 9)));
  const rows = Array.from({ length: 9 }, () => [...floats(random, [4]).data]);
  const moved = [4, 7, 0, 2, 8, 1, 6, 3, 5];
  const nodes = (order: readonly number[]) => order.map((_, place) => rows[order.indexOf(place)]);
  const apply = (layer: nn.MergeLayer, order: readonly number[]) => {
    const pairs = edges.map(([a, b]) => [order[a], order[b]]);
    const { x } = graphDataSet([{ nodes: nodes(order), edges: pairs }], [0]);
    const { parameters } = layer.init([[9, 4], [40, 3]], nn.namedKey(3, "x"));
    const weights = parameters.map(({ name, values, shape }) => [name, tensor(values, { shape })]);
    const inputs = [leaf(x.nodes), leaf(x.edges)];
    const y = layer.apply(Object.fromEntries(weights), inputs, new TestContext(false));
    return evaluateReference([y])[0];
  };
  const same = [...rows.keys()];
  for (const layer of Object.values(layers).filter(({ type }) => !pools(type.toLowerCase()))) {
    const [plain, other] = [apply(layer, same), apply(layer, moved)];
    const width = plain.shape[2];
    for (const node of same) {
      const at = moved[node] * width;
      assertClose(
        other.data.slice(at, at + width),
        plain.data.slice(node * width, (node + 1) * width),
        1e-9,
        `${layer.type}, node ${node}`,
      );
    }
  }
});

Deno.test("graphAttention tosses coefficients out in training alone", () => {
  const { inputs } = prepare("graphAttention");
  const layer = nn.graphAttention(3, { dropout: 0.5 });
  const { parameters } = layer.init([[8, 5], [8, 3]], nn.namedKey(3, "attention"));
  const weights = Object.fromEntries(
    parameters.map(({ name, values, shape }) => [name, tensor(values, { shape })]),
  );
  const outputs = [true, false].map((training) => {
    const context = new TestContext(training);
    const y = layer.apply(weights, inputs, context);
    const at = (step: number) => [...evaluateReference([y], context.bindings(step))[0].data];
    return [at(0), at(0), at(1)];
  });
  assert.deepEqual(outputs[0][0], outputs[0][1]);
  assert.notDeepEqual(outputs[0][0], outputs[0][2]);
  assert.deepEqual(outputs[1][0], outputs[1][2]);
  assert.notDeepEqual(outputs[0][0], outputs[1][0]);
});

Deno.test("messagePassing takes functions of tensors", () => {
  const { inputs, x } = prepare("messagePassing_sum");
  const layer = nn.messagePassing({
    message: ({ source, target, edge }) =>
      mul(source.sub(target), sum(edge!, 1, { keepDims: true })),
    update: ({ node, messages }) => node.add(messages),
  });
  const shapes = inputs.map(({ shape }) => shape.slice(1));
  assert.deepEqual(layer.init(shapes, nn.namedKey(1, "x")).outputShape, [x.nodes.shape[1], 5]);
  const y = layer.apply({}, inputs, new TestContext());
  const [{ data }] = evaluateReference([y]);
  golden.graphs.forEach((graph, g) => {
    const nodes = rowsOf(graph.nodes);
    const bonds = rowsOf(graph.bonds);
    const expected = nodes.map((node) => [...node]);
    graph.edges.forEach(([source, target], k) =>
      nodes[source].forEach((value, place) =>
        expected[target][place] += (value - nodes[target][place]) * (bonds[k][0] + bonds[k][1])
      )
    );
    const at = g * x.nodes.shape[1] * 5;
    assertClose(data.slice(at, at + nodes.length * 5), expected.flat(), 1e-12);
  });
});

const key = nn.namedKey(1, "graph");
const refused: [what: string, make: () => unknown, message: RegExp][] = [
  ["no units", () => nn.graphConvolution(0), /units of graphConvolution.*from 1: received 0/],
  ["no heads", () => nn.graphAttention(2, { heads: 0 }), /heads of graphAttention/],
  ["a dropout of 2", () => nn.graphAttention(2, { dropout: 2 }), /dropout of graphAttention/],
  [
    "an unknown aggregator",
    () => nn.graphSage(2, { aggregator: "lstm" as "max" }),
    /"mean" or "max": received "lstm"/,
  ],
  [
    "an unknown aggregation",
    () => nn.messagePassing({ aggregate: "median" as "max" }),
    /sum, mean, max: received "median"/,
  ],
  [
    "edges of two columns",
    () => nn.graphConvolution(2).init([[4, 3], [6, 2]], key),
    /expected inputs nodes \[nodes, features\] and edges \[edges, 3\].*\[4, 3\], \[6, 2\]/,
  ],
  [
    "features of too few edges",
    () => nn.messagePassing().init([[4, 3], [6, 3], [5, 2]], key),
    /features of edges.*got \[4, 3\], \[6, 3\], \[5, 2\]/,
  ],
  ["one input", () => nn.graphSage(2).init([[4, 3]], key), /got \[4, 3\]/],
  [
    "a mask of other nodes",
    () => nn.globalSumPool().init([[4, 3], [5]], key),
    /with or without mask \[nodes\], got \[4, 3\], \[5\]/,
  ],
  [
    "a message of one row",
    () => nn.messagePassing({ message: ({ source }) => source.sum() }).init([[4, 3], [6, 3]], key),
    /expected a message that gives a row for each row, got \[\]/,
  ],
];
for (const [what, make, message] of refused) {
  Deno.test(`graph layers refuse ${what}`, () => {
    assert.throws(make, message);
  });
}
