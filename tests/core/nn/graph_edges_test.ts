/** Edges that lead nowhere. */
import assert from "node:assert/strict";
import * as nn from "../../../core/nn/mod.ts";
import { tensor } from "../../../core/ops/mod.ts";
import { evaluateOn, testOnDevices } from "../../devices.ts";
import { TestContext } from "./context.ts";

const key = nn.namedKey(1, "graph");

/** Edges that are no edges of three nodes, or whose targets do not rise. */
const strayEdges = [
  [[3, 1], [0, 2]],
  [[0, 1], [-1, 2]],
  [[0, 1], [1, 3]],
  [[0, -1], [1, 2]],
  [[1, 2], [0, 1]],
];

await testOnDevices(
  "edges that lead nowhere stop a run, and lead into no other graph",
  async (device) => {
    const layers = [
      nn.messagePassing({ aggregate: "max" }),
      nn.graphConvolution(2, { activation: "relu" }),
      nn.graphSage(2),
      nn.graphAttention(2, { selfLoops: false }),
    ];
    const good = [[0, 1], [1, 2]];
    const stray = [good, ...strayEdges.flatMap((pairs) => [pairs, good])];
    const x = Float32Array.from({ length: stray.length * 6 }, (_, at) => Math.sin(at));
    const nodes = tensor(x, { shape: [stray.length, 3, 2] });
    const outputs = layers.flatMap((layer) => {
      const { parameters } = layer.init([[3, 2], [2, 3]], key);
      const weights = Object.fromEntries(
        parameters.map(({ name, values, shape }) => [name, tensor(values, { shape })]),
      );
      return [stray, stray.map(() => good)].map((graphs) => {
        const edges = tensor(graphs.map((pairs) => pairs.map((pair, row) => [...pair, row])));
        return layer.apply(weights, [nodes, edges], new TestContext());
      });
    });
    const found = await evaluateOn(device, outputs);
    for (let at = 0; at < found.length; at += 2) {
      const [broken, whole] = [found[at], found[at + 1]].map((data) => [...data]);
      assert.ok(whole.every(Number.isFinite));
      // Every other graph has stray edges.
      assert.deepEqual(broken, whole.map((value, place) => place % 12 < 6 ? value : NaN));
    }
  },
);
