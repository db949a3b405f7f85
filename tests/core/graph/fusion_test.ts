import assert from "node:assert/strict";
import { inputLeaf, scalarLeaf, stateLeaf } from "../../../core/graph/leaf.ts";
import { formatLabel } from "../../../core/graph/label.ts";
import type { Call } from "../../../core/graph/call.ts";
import { type Plan, planProgram } from "../../../core/graph/plan.ts";
import { type Assignment, createProgram } from "../../../core/graph/program.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import { dense, input, sequential } from "../../../core/nn/mod.ts";
import { adam, type Optimizer, sgd, sparseCategoricalCrossentropy } from "../../../core/nn/mod.ts";
import * as ops from "../../../core/ops/mod.ts";
import { TestContext } from "../nn/context.ts";

const plan = (outputs: readonly Tensor[], assignments: readonly Assignment[] = []) =>
  planProgram(createProgram(outputs, assignments));
const calls = (made: Plan): Call[] => made.phases.flat();
const kinds = (made: Plan) => calls(made).map((call) => call.kind === "loop" ? "loop" : call.name);
const loops = (made: Plan) => calls(made).filter((call) => call.kind === "loop");

/** A training step of 784–30–30–10 on stored bytes, as the streams build it. */
function trainingStep(optimizer: Optimizer): Plan {
  const relu = { activation: "relu" } as const;
  const model = sequential([input([784]), dense(30, relu), dense(30, relu), dense(10)]);
  const context = new TestContext();
  const rows = { start: scalarLeaf("start", "u32"), count: 32 };
  const order = inputLeaf("order", [60000], "u32");
  const images = inputLeaf("images", [60000, 784], "u8");
  const x = ops.gather(images, order, { ...rows, dtype: "f32", scale: 1 / 255 });
  const labels = inputLeaf("labels", [60000], "u8");
  const y = ops.gather(labels, order, { ...rows, dtype: "u32" });
  const weights = new Map(model.parameters.map((parameter) => {
    return [parameter, stateLeaf(parameter.name, parameter.shape)];
  }));
  const losses = sparseCategoricalCrossentropy({ fromLogits: true })
    .apply(y, model.apply(weights, x, context));
  const slopes = ops.gradients(ops.mean(losses), [...weights.values()]);
  const assignments = [...weights].flatMap(([parameter, weight], place) => {
    const slots = Object.fromEntries(
      Object.keys(optimizer.slots(parameter)).map((name) => [name, stateLeaf(name, weight.shape)]),
    );
    const next = optimizer.apply(weight, slopes[place], slots, context);
    return [
      { state: weight, value: next.parameter },
      ...Object.entries(next.slots).map(([name, value]) => ({ state: slots[name], value })),
    ];
  });
  return plan([ops.sum(losses)], assignments);
}

const x = inputLeaf("x", [32, 784], "f32");

Deno.test("a dense layer is a product and one loop for bias and relu", () => {
  const kernel = stateLeaf("kernel", [784, 30]), bias = stateLeaf("bias", [30]);
  const made = plan([x.matmul(kernel).add(bias).relu()]);
  assert.deepEqual(kinds(made), ["matmul", "loop"]);
  const [loop] = loops(made);
  assert.deepEqual(loop.kernel.shape, [32, 30]);
  assert.equal(loop.kernel.loads.length, 2);
  assert.equal(made.phases.length, 1, "each thread finishes the rows that it began");
});

Deno.test("a chain of elementwise ops is one loop along one dimension", () => {
  const made = plan([x.mul(2).add(1).tanh().square().neg()]);
  assert.deepEqual(kinds(made), ["loop"]);
  assert.deepEqual(loops(made)[0].kernel.shape, [32 * 784]);
});

Deno.test("views cost nothing: a product reads transposes and slices where they lie", () => {
  const other = inputLeaf("other", [784, 32], "f32");
  assert.deepEqual(kinds(plan([x.matmul(x.transpose())])), ["matmul"]);
  assert.deepEqual(kinds(plan([x.slice([0, 4], [32, 20]).matmul(other.slice([1, 0], [17, 32]))])), [
    "matmul",
  ]);
  assert.deepEqual(kinds(plan([x.transpose().add(other)])), ["loop"]);
});

Deno.test("a reshape of what has to be copied is a view of the copy", () => {
  const rows = inputLeaf("rows", [3, 4, 5], "f32");
  const pool = { size: [1, 1, 2], strides: [1, 1, 2] } as const;
  const swapped = rows.transpose([1, 0, 2]).reshape([1, 1, 1, 12, 5]);
  const repeated = ops.broadcastTo(rows.reshape([3, 4, 5, 1]), [3, 4, 5, 2])
    .reshape([1, 1, 1, 12, 10]);
  for (const volume of [swapped, repeated]) {
    const made = plan([ops.sumPool(volume, {
      ...pool,
      before: [0, 0, 0],
      after: [0, 0, 0],
      dilation: [1, 1, 1],
      inputDilation: [1, 1, 1],
    })]);
    assert.deepEqual(kinds(made), ["loop", "sumPool"]);
    assert.equal(loops(made)[0].kernel.stores.length, 1);
  }
});

Deno.test("a shared subexpression is computed once", () => {
  const shared = x.tanh();
  const made = plan([shared.add(1), shared.mul(2), x.tanh().sub(3)]);
  const tanhs = loops(made).flatMap(({ kernel }) => kernel.body)
    .filter((value) => value.kind === "apply" && value.operation.name === "tanh");
  assert.equal(tanhs.length, 1);
  assert.equal(calls(made).length, 1);
});

Deno.test("dead nodes are not planned", () => {
  const kept = x.add(1);
  kept.exp().sum();
  assert.equal(calls(plan([kept])).length, 1);
});

Deno.test("elementwise work is folded into the reduction behind it", () => {
  assert.deepEqual(kinds(plan([x.square().sum(1)])), ["loop"]);
  assert.deepEqual(kinds(plan([x.square().mean()])).length <= 2, true);
});

Deno.test("a training step of 784–30–30–10 has two phases", () => {
  const made = trainingStep(sgd({ learningRate: 0.1 }));
  assert.equal(
    made.phases.length,
    2,
    made.phases.map((phase) => phase.map(({ label }) => formatLabel(label)).join(", ")).join(" | "),
  );
  const products = kinds(made).filter((kind) => kind === "matmul");
  assert.equal(products.length, 8, "three forward, three for kernels, two for inputs");
});

Deno.test("Adam's three states of a weight are replaced by one loop", () => {
  const made = trainingStep(adam());
  const leaves = made.buffers.map(({ leaf }) => leaf);
  const updates = loops(made).filter(({ kernel }) =>
    kernel.stores.some(({ buffer }) => leaves[buffer] !== null)
  );
  assert.equal(updates.length, 6, updates.map(({ label }) => formatLabel(label)).join(", "));
  for (const { kernel } of updates) {
    assert.equal(kernel.stores.length, 3);
    for (const { buffer } of kernel.stores) assert.notEqual(leaves[buffer], null);
    assert.equal(kernel.reduced, 0);
  }
  assert.ok(made.phases.length <= 2, `${made.phases.length} phases`);
});

Deno.test("the arena of a training step is smaller than all of its buffers together", () => {
  const made = trainingStep(sgd());
  const all = made.buffers.filter(({ leaf }) => leaf === null)
    .reduce((sum, { elements }) => sum + elements * 4, 0);
  assert.ok(made.arenaBytes < all + 64 * 2 * made.buffers.length);
  assert.ok(made.arenaBytes >= 32 * 784 * 4);
});

Deno.test("a step of the wrong kind is refused when the graph is built", () => {
  const labels = inputLeaf("labels", [4], "u8");
  assert.throws(() => plan([labels.add(1)]), /u8|f32/);
});
