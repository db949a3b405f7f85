/** Convolutions and pooling against PyTorch: shapes, outputs and gradients, on every device. */
import assert from "node:assert/strict";
import * as nn from "../../../core/nn/mod.ts";
import golden from "../../golden/convolutions.json" with { type: "json" };
import { testLayerCases } from "./layer_cases.ts";

await testLayerCases("convolutions and pooling give PyTorch's outputs and gradients", golden.cases);

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
