// Graph networks in training: every device walks the same way, and nothing is allocated on it.
import assert from "node:assert/strict";
import { lastValueFrom, tap } from "rxjs";
import {
  adam,
  connect,
  dense,
  fit,
  functional,
  globalSumPool,
  graphAttention,
  graphDataSet,
  input,
  meanSquaredError,
  messagePassing,
  predict,
} from "../../mod.ts";
import { testOnDevices } from "../devices.ts";
import { mulberry32 } from "../core/ops/generator.ts";

/** Random graphs; the target is what a node and its neighbours have, at the node where it is most. */
const random = mulberry32(12);
const graphs = Array.from({ length: 40 }, () => {
  const count = 2 + Math.floor(random() * 5);
  const nodes = Array.from({ length: count }, () => [random() - 0.5, random() - 0.5]);
  const edges = Array.from(
    { length: Math.floor(random() * 7) },
    () => [0, 0].map(() => Math.floor(random() * count)),
  );
  return { nodes, edges, edgeFeatures: edges.map(() => [random()]) };
});
const targets = graphs.map(({ nodes, edges }) => {
  const sums = nodes.map(([x]) => x);
  for (const [source, target] of edges) sums[target] += nodes[source][1];
  return [Math.max(...sums)];
});
const data = graphDataSet(graphs, targets);

function network() {
  const nodes = input(data.x.nodes.shape.slice(1));
  const edges = input(data.x.edges.shape.slice(1));
  const mask = input(data.x.mask.shape.slice(1));
  const edgeFeatures = input(data.x.edgeFeatures.shape.slice(1));
  const heard = connect(
    [nodes, edges, edgeFeatures],
    messagePassing({ message: dense(8, { activation: "tanh" }), aggregate: "max" }),
  );
  const attended = connect([heard, edges], graphAttention(4, { heads: 2, dropout: 0.1 }));
  const outputs = connect(connect([attended, mask], globalSumPool()), dense(1));
  return functional({ inputs: { nodes, edges, mask, edgeFeatures }, outputs, seed: 5 });
}

const trajectories = new Map<string, readonly number[]>();

await testOnDevices(
  "40 steps of a graph network bring the loss down, by the same way",
  async (device) => {
    const model = network();
    const losses: number[] = [];
    await lastValueFrom(
      fit(model, data, {
        ...device,
        loss: meanSquaredError(),
        optimizer: adam({ learningRate: 0.02 }),
        epochs: 10,
        batchSize: 10,
        seed: 3,
      }).pipe(tap(({ logs }) => losses.push(logs.loss))),
    );
    assert.ok(losses[9] < 0.6 * losses[0], `${losses}`);
    const name = `${device.device} ${"threads" in device ? device.threads : ""}`;
    trajectories.set(name, losses);
    const reference = trajectories.get("reference ")!;
    losses.forEach((loss, epoch) =>
      assert.ok(Math.abs(loss - reference[epoch]) < 1e-3, `epoch ${epoch + 1}: ${loss}`)
    );
    // The threads of a CPU agree to the last bit.
    const one = trajectories.get("cpu 1");
    if (device.device === "cpu" && one) assert.deepEqual(losses, one);
    const { data: found } = await predict(model, data.x, device);
    assert.equal(found.length, 40);
  },
);
