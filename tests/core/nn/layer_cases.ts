/** Layers against golden files: shapes, outputs and gradients, on every device. */
import assert from "node:assert/strict";
import { gradients } from "../../../core/ops/mod.ts";
import * as nn from "../../../core/nn/mod.ts";
import { evaluateOn, testOnDevices } from "../../devices.ts";
import { assertClose } from "./close.ts";
import { TestContext } from "./context.ts";
import { type GoldenCase, goldenLeaf } from "./golden.ts";

interface Case extends GoldenCase {
  layer: "conv2d";
  arguments: Parameters<typeof nn.conv2d>;
}

/**
 * Registers a test for the shapes of each case, and one a device for all outputs and gradients.
 *
 * @param title What holds on each device.
 * @param golden The cases of a golden file.
 */
export async function testLayerCases(title: string, golden: object): Promise<void> {
  const cases = Object.entries(golden as Record<string, Case>).map(
    ([name, given]) => ({ name, given, layer: nn[given.layer](...given.arguments) }),
  );
  for (const { name, given, layer } of cases) {
    Deno.test(`${name} makes outputs and weights of PyTorch's shapes`, () => {
      const made = layer.init(given.input.shape.slice(1), nn.namedKey(1, "layer"));
      assert.deepEqual(made.outputShape, given.output.shape.slice(1));
      const shapes = Object.fromEntries(made.parameters.map(({ name, shape }) => [name, shape]));
      const expected = Object.entries(given.weights).map(([role, { shape }]) => [role, shape]);
      assert.deepEqual(shapes, Object.fromEntries(expected));
    });
  }
  await testOnDevices(title, async (device) => {
    // All in one plan: one by one, a GPU would compile for minutes.
    const made = cases.map(({ name, given, layer }) => {
      const x = goldenLeaf(given.input);
      const weights = Object.fromEntries(
        Object.entries(given.weights).map(([role, value]) => [role, goldenLeaf(value)]),
      );
      const y = layer.apply(weights, x, new TestContext(true));
      const roles = Object.keys(given.gradients);
      const sources = roles.map((role) => role === "input" ? x : weights[role]);
      return {
        name,
        given,
        roles,
        tensors: [y, ...gradients(y, sources, goldenLeaf(given.upstream))],
      };
    });
    const found = await evaluateOn(device, made.flatMap(({ tensors }) => tensors));
    for (const { name, given, roles, tensors } of made) {
      const [output, ...slopes] = found.splice(0, tensors.length);
      assertClose(output, given.output.data, 2e-5, `${name}, output`);
      roles.forEach((role, place) =>
        assertClose(slopes[place], given.gradients[role].data, 5e-5, `${name}, gradient of ${role}`)
      );
    }
  });
}
