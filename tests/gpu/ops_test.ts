import assert from "node:assert/strict";
import { inputLeaf } from "../../core/graph/leaf.ts";
import { mulberry32, opCases } from "../core/ops/cases.ts";
import { assertParity, differsOnHardware, gpuTest, hardware, value } from "./harness.ts";

for (const [kind, tuning] of [["as on this adapter", {}], ["as on hardware", hardware]] as const) {
  gpuTest(`ops agree with the reference, ${kind}`, async (device) => {
    const failures: string[] = [];
    const cases = opCases(mulberry32(7)).filter(({ name }) =>
      tuning !== hardware || differsOnHardware(name)
    );
    const waiting = cases.map(async ({ inputs, build, ...wanted }) => {
      const leaves = inputs.map(({ shape, dtype }, place) => inputLeaf(`x${place}`, shape, dtype));
      const bindings = new Map(leaves.map((leaf, place) => value(leaf, inputs[place].data)));
      // A rounding more than the exact cases allow: the order of sums is the device's.
      const tolerance = Math.max(2, wanted.tolerance);
      try {
        await assertParity(device, [build(...leaves)], bindings, { ...wanted, tolerance });
      } catch (error) {
        failures.push((error as Error).message);
      }
    });
    // All at once: each read alone would wait 10 ms.
    await Promise.all(waiting);
    assert.deepEqual(failures, []);
  }, tuning);
}
