import assert from "node:assert/strict";
import { inputLeaf } from "../../core/graph/leaf.ts";
import { mulberry32, opCases } from "../core/ops/cases.ts";
import { assertParity, gpuTest, hardware, value } from "./harness.ts";

// Every case of the op table, by one kernel shape and the other.
for (const [kind, tuning] of [["as on this adapter", {}], ["as on hardware", hardware]] as const) {
  gpuTest(`ops agree with the reference, ${kind}`, async (device) => {
    const failures: string[] = [];
    for (const { name, inputs, build, tolerance, magnitude } of opCases(mulberry32(7))) {
      const leaves = inputs.map(({ shape, dtype }, place) => inputLeaf(`x${place}`, shape, dtype));
      const bindings = new Map(leaves.map((leaf, place) => value(leaf, inputs[place].data)));
      try {
        await assertParity(device, [build(...leaves)], bindings, { tolerance, magnitude, name });
      } catch (error) {
        failures.push((error as Error).message);
      }
    }
    assert.deepEqual(failures, []);
  }, tuning);
}
