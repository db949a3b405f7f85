/** Workgroups of fewer threads, or less memory, than there is work: it is done in turns. */
import assert from "node:assert/strict";
import { inputLeaf } from "../../core/graph/leaf.ts";
import { bincount, gradients } from "../../core/ops/mod.ts";
import { ctcCases } from "../core/ops/ctc_cases.ts";
import { integers, mulberry32 } from "../core/ops/generator.ts";
import { recurrenceCases } from "../core/ops/recurrence_cases.ts";
import { assertParity, gpuTest, value } from "./harness.ts";

gpuTest("units and states for which a workgroup has too few threads", async (device) => {
  const random = mulberry32(14);
  const wide = [
    ...recurrenceCases(random).filter(({ inputs }) => inputs[1].shape[0] > 32),
    ...ctcCases(random).filter(({ inputs }) => inputs[1].shape[1] > 16),
  ];
  assert.equal(wide.length, 2);
  for (const { inputs, build, differentiable, name } of wide) {
    const leaves = inputs.map(({ shape, dtype }, place) => inputLeaf(`x${place}`, shape, dtype));
    const result = build(...leaves);
    const slopes = gradients(result.square().sum(), differentiable.map((place) => leaves[place]));
    const bindings = new Map(leaves.map((leaf, place) => value(leaf, inputs[place].data)));
    const allowed = { tolerance: 128, magnitude: 16, name };
    await assertParity(device, [result, ...slopes], bindings, allowed);
  }
}, { invocations: 32 });

gpuTest("bins for which a workgroup has too little memory", async (device) => {
  const x = inputLeaf("x", [3, 500], "u32");
  // Some are of no bin.
  const bindings = new Map([value(x, integers(mulberry32(15), x.shape, "u32", [0, 160]).data)]);
  await assertParity(device, [bincount(x, 150)], bindings);
}, { sharedBytes: 256 });
