/** Options of graph layers together. */
import assert from "node:assert/strict";
import { evaluateReference } from "../../../core/cpu/reference.ts";
import * as nn from "../../../core/nn/mod.ts";
import { mul, sum, tensor } from "../../../core/ops/mod.ts";
import { graphDataSet } from "../../../data/mod.ts";
import { TestContext } from "./context.ts";

const key = nn.namedKey(1, "graph");
const graphs = [4, 3].map((count) => ({
  nodes: Array.from({ length: count }, (_, node) => [Math.sin(node), Math.cos(count + node), node]),
  edges: [[0, 1], [1, 2]] as const,
}));
const { x } = graphDataSet(graphs, [0, 1], { undirected: true });
const shapes = [x.nodes, x.edges].map(({ shape }) => shape.slice(1));

/** What a layer gives, and the weights that it is made with. */
function applied(layer: nn.MergeLayer, context = new TestContext(false)) {
  const { outputShape, parameters } = layer.init(shapes, key);
  const weights = Object.fromEntries(
    parameters.map(({ name, values, shape }) => [name, tensor(values, { shape })]),
  );
  const inputs = [x.nodes, x.edges].map(({ data, shape }) =>
    tensor(Float32Array.from(data), { shape })
  );
  return { y: layer.apply(weights, inputs, context), outputShape, parameters };
}

Deno.test("nodes have the shape that glu gives them, half of the sums", () => {
  const glu = { activation: "glu" } as const;
  for (
    const layer of [nn.graphConvolution(4, glu), nn.graphSage(4, glu), nn.graphAttention(4, glu)]
  ) {
    const { y, outputShape } = applied(layer);
    assert.deepEqual(outputShape, [shapes[0][0], 2], layer.type);
    assert.deepEqual(y.shape.slice(1), outputShape, layer.type);
  }
});

Deno.test("graphSage penalizes the outputs that it gives, and both of its biases", () => {
  const context = new TestContext(false);
  const { y, parameters } = applied(
    nn.graphSage(3, {
      normalize: true,
      project: true,
      activityRegularizer: nn.l2(1),
      biasRegularizer: nn.l2(2),
      biasConstraint: nn.nonNeg(),
    }),
    context,
  );
  const [[penalty], [squares]] = evaluateReference([context.losses[0], sum(mul(y, y))])
    .map(({ data }) => data);
  assert.ok(Math.abs(penalty - squares / y.shape[0]) < 1e-6);
  const biases = parameters.filter(({ name }) => name.endsWith("bias"));
  assert.deepEqual(
    biases.map(({ name, regularizer, constraint }) => [name, regularizer?.name, constraint?.name]),
    [["bias", "l2", "nonNeg"], ["pool_bias", "l2", "nonNeg"]],
  );
});
