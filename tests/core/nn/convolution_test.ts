/** Convolutions and pooling against PyTorch: shapes, outputs and gradients, on every device. */
import assert from "node:assert/strict";
import { gradients, tensor } from "../../../core/ops/mod.ts";
import * as nn from "../../../core/nn/mod.ts";
import golden from "../../golden/convolutions.json" with { type: "json" };
import { evaluateOn, testOnDevices } from "../../devices.ts";
import { assertClose } from "./close.ts";
import { TestContext } from "./context.ts";
import type { GoldenTensor } from "./golden.ts";

interface Case {
  layer: "conv2d";
  arguments: Parameters<typeof nn.conv2d>;
  input: GoldenTensor;
  weights: Record<string, GoldenTensor>;
  upstream: GoldenTensor;
  output: GoldenTensor;
  gradients: Record<string, GoldenTensor>;
}

const cases = Object.entries(golden.cases as unknown as Record<string, Case>).map(
  ([name, given]) => ({ name, given, layer: nn[given.layer](...given.arguments) }),
);
const leaf = ({ shape, data }: GoldenTensor) => tensor(data, { shape });

for (const { name, given, layer } of cases) {
  Deno.test(`${name} makes outputs and weights of PyTorch's shapes`, () => {
    const made = layer.init(given.input.shape.slice(1), nn.namedKey(1, "layer"));
    assert.deepEqual(made.outputShape, given.output.shape.slice(1));
    const shapes = Object.fromEntries(made.parameters.map(({ name, shape }) => [name, shape]));
    const expected = Object.entries(given.weights).map(([role, { shape }]) => [role, shape]);
    assert.deepEqual(shapes, Object.fromEntries(expected));
  });
}

await testOnDevices(
  "convolutions and pooling give PyTorch's outputs and gradients",
  async (device) => {
    // All in one plan: one by one, a GPU would compile for minutes.
    const made = cases.map(({ name, given, layer }) => {
      const x = leaf(given.input);
      const weights = Object.fromEntries(
        Object.entries(given.weights).map(([role, value]) => [role, leaf(value)]),
      );
      const y = layer.apply(weights, x, new TestContext(true));
      const roles = Object.keys(given.gradients);
      const sources = roles.map((role) => role === "input" ? x : weights[role]);
      return { name, given, roles, tensors: [y, ...gradients(y, sources, leaf(given.upstream))] };
    });
    const found = await evaluateOn(device, made.flatMap(({ tensors }) => tensors));
    for (const { name, given, roles, tensors } of made) {
      const [output, ...slopes] = found.splice(0, tensors.length);
      assertClose(output, given.output.data, 2e-5, `${name}, output`);
      roles.forEach((role, place) =>
        assertClose(slopes[place], given.gradients[role].data, 5e-5, `${name}, gradient of ${role}`)
      );
    }
  },
);

Deno.test("layers with windows refuse what does not fit, and say why", () => {
  const key = nn.namedKey(1, "layer");
  assert.throws(
    () => nn.conv2d(4, 3).init([28, 28], key),
    /expected input of height, width and channels, got shape \[28, 28\] \(are the channels missing/,
  );
  assert.throws(() => nn.conv2d(4, 5).init([4, 9, 1], key), /reaches so far.*padding "same"/s);
  assert.throws(() => nn.conv2d(4, [3, 3, 3]), /must be one number or 2: received \[3, 3, 3\]/);
  assert.throws(() => nn.conv2d(4, 0), /the size of the window of conv2d/);
  assert.throws(() => nn.conv2d(5, 3, { groups: 2 }), /5 filters in 2 groups/);
  assert.throws(
    () => nn.conv2d(4, 3, { groups: 2 }).init([5, 5, 3], key),
    /multiple of the 2 groups/,
  );
  assert.throws(
    () => nn.conv2d(4, 3, { padding: "causal" }),
    /padding must be valid, same: received "causal"/,
  );
  assert.throws(() => nn.maxPooling2d(3).init([2, 9, 1], key), /reaches so far/);
});
