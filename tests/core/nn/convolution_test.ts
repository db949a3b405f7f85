/** Convolutions and pooling against PyTorch: shapes, outputs and gradients, on every device. */
import assert from "node:assert/strict";
import * as nn from "../../../core/nn/mod.ts";
import golden from "../../golden/convolutions.json" with { type: "json" };
import windows from "../../golden/windows.json" with { type: "json" };
import { testLayerCases } from "./layer_cases.ts";

await testLayerCases("convolutions and pooling give PyTorch's outputs and gradients", golden.cases);
await testLayerCases(
  "transposed and separable convolutions and further pooling give PyTorch's outputs and gradients",
  windows.cases,
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
  assert.throws(
    () => nn.conv2dTranspose(4, 3, { strides: 2, outputPadding: 2 }),
    /outputPadding must be whole numbers from 0 to below the strides, \[2, 2\]: received \[2, 2\]/,
  );
  assert.throws(
    () => nn.conv1dTranspose(4, 3, { padding: "causal" as "same" }),
    /padding must be valid, same: received "causal"/,
  );
  assert.throws(
    () => nn.conv1dTranspose(4, 2, { padding: "same", outputPadding: 0 }).init([1, 2], key),
    /gives one output or more along each axis, got shape \[1, 2\]/,
  );
  assert.throws(
    () => nn.depthwiseConv2d(3, { depthMultiplier: 0 }),
    /depthMultiplier of depthwise/,
  );
  assert.throws(() => nn.separableConv2d(0, 3), /the filters of separableConv2d/);
  assert.throws(() => nn.globalMaxPooling2d().init([4, 3], key), /expected input of height, width/);
  assert.throws(() => nn.adaptiveMaxPooling2d([2, 0]), /outputSize of adaptiveMaxPooling2d/);
});
