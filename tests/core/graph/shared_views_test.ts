/** Views of views that ops with demands of their own share: each must read what it was given. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { evaluateReference } from "../../../core/cpu/reference.ts";
import { scalarLeaf } from "../../../core/graph/leaf.ts";
import { createProgram } from "../../../core/graph/program.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import * as ops from "../../../core/ops/mod.ts";
import { deviceTest } from "../../training/devices.ts";
import { TestCpu } from "../cpu/test_cpu.ts";
import { floats, mulberry32 } from "../ops/generator.ts";
import { bind } from "../ops/gradient_check.ts";
import { ProgramRunner, runSteps } from "./program_runner.ts";

const one = [1, 1, 1] as const;
const window = { strides: one, dilation: one, inputDilation: one } as const;
const bare = { ...window, before: [0, 0, 0], after: [0, 0, 0] } as const;

/** Another look at the elements of a tensor of rank 4. */
const looks: ((x: Tensor) => Tensor)[] = [
  (x) => x.transpose([0, 2, 1, 3]),
  (x) => x.transpose([3, 1, 2, 0]),
  (x) => x.transpose([1, 0, 3, 2]),
  (x) =>
    x.slice([0, 0, 0, 0], x.shape.map((size, axis) => axis === 2 ? Math.ceil(size / 2) : size)),
  (x) => x.reshape([x.shape[1], x.shape[0], x.shape[3], x.shape[2]]),
  (x) => x.reshape([1, x.shape[0] * x.shape[1], x.shape[2], x.shape[3]]),
];

/** What asks for elements in an order of its own. */
const uses: ((x: Tensor) => Tensor)[] = [
  (x) => ops.scaledDotProductAttention(x, x, x),
  (x) => ops.sumPool(x.reshape([1, ...x.shape]), { ...bare, size: one }),
  (x) => x.matmul(x.transpose([0, 1, 3, 2])),
  (x) => x.transpose([0, 1, 3, 2]).matmul(x),
  (x) => x.reshape([-1]).mul(2),
  (x) => x.sum([1, 3]),
  (x) => x,
];

Deno.test("ops that share views of views agree with the reference", async () => {
  using cpu = new TestCpu(1);
  const program = fc.record({
    shape: fc.tuple(...Array.from({ length: 4 }, () => fc.integer({ min: 1, max: 4 }))),
    // From which earlier tensor, and how it is looked at.
    views: fc.array(fc.tuple(fc.nat(5), fc.nat(looks.length - 1)), { minLength: 1, maxLength: 5 }),
    sinks: fc.array(fc.tuple(fc.nat(5), fc.nat(uses.length - 1)), { minLength: 2, maxLength: 4 }),
  });
  const holds = async ({ shape, views, sinks }: {
    shape: number[];
    views: [number, number][];
    sinks: [number, number][];
  }) => {
    const { leaves, bindings } = bind([floats(mulberry32(3), shape)]);
    const known = [...leaves];
    for (const [from, look] of views) known.push(looks[look](known[from % known.length]));
    const outputs = sinks.map(([from, use]) =>
      uses[use](known[known.length - 1 - from % known.length])
    )
      .filter(({ operation }) => operation.kind !== "leaf");
    if (outputs.length === 0) return;
    const values = new Map(leaves.map((leaf) => {
      return [leaf, Float32Array.from(bindings.get(leaf)!.data)];
    }));
    const found = await runSteps(cpu, outputs, [], values);
    evaluateReference(outputs, bindings).forEach(({ data }, place) => {
      data.forEach((value, at) => {
        const actual = found.outputs[place][at];
        assert.ok(Math.abs(actual - value) <= 1e-4 * (1 + Math.abs(value)), `${actual}, ${value}`);
      });
    });
  };
  await fc.assert(fc.asyncProperty(program, holds), { numRuns: 300, seed: 7 });
});

await deviceTest(
  "a scalar of the step is an operand of kernels that read arrays",
  async (device) => {
    const rate = scalarLeaf("rate");
    const [kernel, square] = [rate.reshape([1, 1, 1, 1, 1]), rate.reshape([1, 1])];
    const x = ops.tensor([1, 2, 3, 4]).reshape([1, 1, 2, 2, 1]);
    const outputs = [
      ops.convolution(x, kernel, { ...bare, groups: 1 }),
      x.reshape([4, 1]).matmul(square),
      ops.scatterAdd(square, ops.tensor([1], { dtype: "u32" }), 2),
    ];
    const runner = new ProgramRunner(device, createProgram(outputs, []), new Map());
    try {
      await runner.step([3]);
      const read = (await runner.outputs()).map((data) => [...data]);
      assert.deepEqual(read, [[3, 6, 9, 12], [3, 6, 9, 12], [0, 3]]);
    } finally {
      runner.dispose();
    }
  },
);
