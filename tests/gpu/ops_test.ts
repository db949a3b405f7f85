import assert from "node:assert/strict";
import { evaluateReference } from "../../core/cpu/reference.ts";
import { inputLeaf } from "../../core/graph/leaf.ts";
import { mulberry32, type OpCase, opCases } from "../core/ops/cases.ts";
import type { GpuDevice } from "../../gpu/gpu_device.ts";
import { differenceOf, differsOnHardware, evaluate, gpuTest, hardware, value } from "./harness.ts";

/** Cases of a program: a software adapter compiles one kernel for all faster than one for each. */
const together = 16;

/**
 * Cases of which each tests what no other does. An elementwise op's WGSL is the same in every layout
 * of its operands, and the reading of a layout the same for every op: each op in each type is
 * tested on a line of values and in one more layout, which differs from op to op.
 */
function withoutRepeats(cases: readonly OpCase[]): OpCase[] {
  const layouts = ["scalar", "one", "broadcast", "rank 4", "transposed", "sliced"];
  const ops = new Map<string, number>();
  return cases.filter(({ name, inputs }) => {
    const [, op, layout] = name.match(/^(\w+), ([\w ]+):/) ?? [];
    if (!layouts.includes(layout)) return true;
    const key = [op, ...inputs.map(({ dtype }) => dtype)].join();
    if (!ops.has(key)) ops.set(key, ops.size);
    return layouts[ops.get(key)! % layouts.length] === layout;
  });
}

/** Where the results of cases, computed by one program, are off the reference. */
async function differences(device: GpuDevice, cases: readonly OpCase[]): Promise<string[]> {
  const built = cases.map(({ inputs, build }) => {
    const leaves = inputs.map(({ shape, dtype }, place) => inputLeaf(`x${place}`, shape, dtype));
    return {
      output: build(...leaves),
      values: leaves.map((leaf, n) => value(leaf, inputs[n].data)),
    };
  });
  const outputs = built.map(({ output }) => output);
  const bindings = new Map(built.flatMap(({ values }) => values));
  const results = await evaluate(device, outputs, bindings);
  const expected = evaluateReference(outputs, bindings);
  return cases.flatMap(({ name, magnitude, tolerance }, place) => {
    // A rounding more than the exact cases allow: the order of sums is the device's.
    const allowed = { name, magnitude, tolerance: Math.max(2, tolerance) };
    return differenceOf(results[place], expected[place], allowed) ?? [];
  });
}

for (const [kind, tuning] of [["as on this adapter", {}], ["as on hardware", hardware]] as const) {
  gpuTest(`ops agree with the reference, ${kind}`, async (device) => {
    const cases = withoutRepeats(opCases(mulberry32(7))).filter(({ name }) =>
      tuning !== hardware || differsOnHardware(name)
    );
    const groups = Array.from(
      { length: Math.ceil(cases.length / together) },
      (_, group) => cases.slice(group * together, (group + 1) * together),
    );
    // One after the other: through OpenGL, reads of all at once do not end within minutes.
    for (const group of groups) assert.deepEqual(await differences(device, group), []);
  }, tuning);
}
