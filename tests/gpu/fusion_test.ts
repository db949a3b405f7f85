/** What must not run in one kernel, and what one kernel binds, as programs are compiled for a GPU. */
import assert from "node:assert/strict";
import { inputLeaf, stateLeaf } from "../../core/graph/leaf.ts";
import type { Tensor } from "../../core/graph/tensor.ts";
import { gather } from "../../core/ops/mod.ts";
import { defaultTuning } from "../../gpu/tuning.ts";
import { compile, dense, software } from "./compiled.ts";

Deno.test("what reads other rows or other elements than its own waits for all of them", () => {
  const x = inputLeaf("x", [32, 32], "f32");
  const [first, second] = ["first", "second"].map((name) => stateLeaf(name, [32, 32]));
  const y = x.matmul(first);
  const cases: Record<string, Tensor> = {
    "an operand in other rows": y.relu().transpose().matmul(second),
    "an operand that all rows share": second.matmul(y.relu()),
    "one row for all": y.sub(y.slice([3, 0], [4, 32])),
    "the same, of a first row": y.sub(y.slice([0, 0], [1, 32])),
    "rows in another order": gather(y.relu(), inputLeaf("order", [32], "u32")),
    "an element and its mirror image": y.add(y.transpose()),
  };
  for (const [name, output] of Object.entries(cases)) {
    const { dispatches } = compile([output], [], { ...software, rowWork: 1e6 });
    assert.equal(dispatches.length, 2, name);
  }
});

Deno.test("arenas besides the first are bound within the limit, too", () => {
  const outputs = Array.from({ length: 12 }, (_, at) => {
    const x = inputLeaf(`x${at}`, [40 + at, 50], "f32");
    return dense(dense(x, `a${at}`, 60), `b${at}`, 30).sum();
  });
  const tunings = [
    { ...defaultTuning, half: true },
    { ...software, storageBuffers: 8, uniformBytes: 64 },
  ];
  for (const tuning of tunings) {
    const most = compile(outputs, [], tuning).dispatches.map(({ shader }) =>
      shader.memories.filter(({ type }) => type !== "uniform").length
    );
    assert.ok(Math.max(...most) <= 8, `${most}`);
  }
});
