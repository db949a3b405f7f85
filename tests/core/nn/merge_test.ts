// Merge layers against PyTorch, on every device, and what they refuse.
import assert from "node:assert/strict";
import * as nn from "../../../core/nn/mod.ts";
import { gradients, tensor, uniform } from "../../../core/ops/mod.ts";
import golden from "../../golden/merge.json" with { type: "json" };
import { evaluateOn, testOnDevices } from "../../devices.ts";
import { TestContext } from "./context.ts";

const layers: Record<string, nn.MergeLayer> = {
  add: nn.addLayer(),
  add_broadcast: nn.addLayer(),
  subtract: nn.subtract(),
  multiply: nn.multiply(),
  multiply_broadcast: nn.multiply(),
  average: nn.average(),
  maximum: nn.maximumLayer(),
  minimum: nn.minimumLayer(),
  concatenate: nn.concatenate(),
  concatenate_1: nn.concatenate({ axis: 1 }),
  dot: nn.dot(1),
  dot_2_1: nn.dot([2, 1]),
  dot_1_2_normalize: nn.dot([1, -1], { normalize: true }),
};

Deno.test("every golden merge is compared", () => {
  assert.deepEqual(Object.keys(golden).sort(), Object.keys(layers).sort());
});

const key = nn.namedKey(1, "merge");
for (const [name, given] of Object.entries(golden)) {
  await testOnDevices(`${name} merges as PyTorch does, with its gradients`, async (options) => {
    const layer = layers[name];
    const [upstream, ...inputs] = [given.upstream, ...given.inputs].map(({ shape, data }) =>
      tensor(data, { shape })
    );
    const { outputShape, parameters } = layer.init(inputs.map((x) => x.shape.slice(1)), key);
    assert.deepEqual(parameters, []);
    const output = layer.apply({}, inputs, new TestContext());
    assert.deepEqual(output.shape, given.output.shape);
    assert.deepEqual([4, ...outputShape], given.output.shape);
    const slopes = gradients(output, inputs, upstream);
    const results = await evaluateOn(options, [output, ...slopes]);
    [given.output, ...given.gradients].forEach(({ data }, place) =>
      data.forEach((value, index) => {
        const found = results[place][index];
        const least = Math.max(1, Math.abs(value));
        assert(Math.abs(found - value) < 4e-6 * least, `${place}/${index}: ${found}, ${value}`);
      })
    );
  });
}

const refused: [what: string, make: () => unknown, message: RegExp][] = [
  ["a merge of nothing", () => nn.addLayer().init([], key), /expected 1 input or more, got 0/],
  [
    "three inputs to subtract",
    () => nn.subtract().init([[1], [1], [1]], key),
    /expected 2 inputs, got 3: \[1\], \[1\], \[1\]/,
  ],
  ["sizes that do not broadcast", () => nn.multiply().init([[2], [3]], key), /\[2\] and \[3\]/],
  [
    "sizes that do not concatenate",
    () => nn.concatenate({ axis: 1 }).init([[2, 3], [2, 4]], key),
    /but that of axis 1 are the same, got \[2, 3\], \[2, 4\]/,
  ],
  [
    "the batch as an axis",
    () => nn.concatenate({ axis: 0 }),
    /other than 0, the batch: received 0/,
  ],
  ["half an axis", () => nn.dot(1.5), /axis of dot .* received 1.5/],
  ["three axes", () => nn.dot([1, 2, 3] as never), /one for each input: received 3/],
  [
    "sizes without a dot product",
    () => nn.dot(1).init([[2], [3]], key),
    /same size along axes 1 and 1, got \[2\], \[3\]/,
  ],
  [
    "an axis that is not there",
    () => nn.dot(3).init([[2], [2]], key),
    /with an axis 3, got \[batch, 2\]/,
  ],
  [
    "a tensor beside a node",
    () => nn.connect([nn.input([2]), tensor([1])] as never, nn.addLayer()),
    /as it takes a list of nodes: received a list of 2/,
  ],
];
for (const [what, make, message] of refused) {
  Deno.test(`merge layers refuse ${what}`, () => assert.throws(make, message));
}

const lambdaOf = (compute: Parameters<typeof nn.mergeLambda>[0], ...shapes: number[][]) =>
  nn.mergeLambda(compute).init(shapes, key);

Deno.test("the output shape of a function of several inputs follows from it", () => {
  const { outputShape } = lambdaOf(([a, b]) => a.matmul(b).sum(-1), [3, 4], [4, 5]);
  assert.deepEqual(outputShape, [3]);
  const drawn = lambdaOf(([a], { randomKey, counter, scalar, training }) => {
    assert.ok(training);
    return uniform(randomKey("noise"), a.shape, counter).mul(scalar(0.5, "share"));
  }, [3, 4]);
  assert.deepEqual(drawn.outputShape, [3, 4]);
});

Deno.test("one input of a function may be made of another: the slope is by it", async () => {
  const x = tensor([[1, 2], [3, 4]]);
  const slope = nn.mergeLambda(([y, x]) => gradients(y, [x])[0]);
  const made = slope.apply({}, [x.square().sum(-1), x], new TestContext());
  assert.deepEqual([...await made.data()], [2, 4, 6, 8]);
  const [second] = gradients(made.sum(), [x]);
  assert.deepEqual([...await second.data()], [2, 2, 2, 2]);
});

Deno.test("mergeLambda refuses what is no function, or loses the batch", () => {
  assert.throws(() => nn.mergeLambda(3 as never), /needs a function of tensors: received number/);
  assert.throws(
    () => lambdaOf(([a, b]) => a.mul(b).sum(0), [3], [3]),
    /keeps the batch, got \[3\] for inputs \[2, 3\], \[2, 3\]/,
  );
});
