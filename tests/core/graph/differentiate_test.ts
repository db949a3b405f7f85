import assert from "node:assert/strict";
import { differentiate, topologicalOrder } from "../../../core/graph/differentiate.ts";
import { addCosts, callCost } from "../../../core/graph/cost.ts";
import { planProgram } from "../../../core/graph/plan.ts";
import { createProgram } from "../../../core/graph/program.ts";
import { DTypeError } from "../../../core/graph/errors.ts";
import { inputLeaf, literal } from "../../../core/graph/leaf.ts";
import type { ElementwiseOperation } from "../../../core/graph/operation.ts";
import { Tensor } from "../../../core/graph/tensor.ts";
import { evaluateReference } from "../../../core/cpu/reference.ts";
import * as ops from "../../../core/ops/mod.ts";

const algebra = {
  onesLike: (like: Tensor) => ops.ones(like.shape),
  zerosLike: (like: Tensor) => ops.zeros(like.shape),
  sum: (parts: readonly Tensor[]) => parts.reduce((a, b) => ops.add(a, b)),
};

Deno.test("nodes come after their inputs, each once", () => {
  const x = inputLeaf("x", [2], "f32");
  const y = x.exp();
  const z = y.mul(y).add(x);
  const order = topologicalOrder([z, y, z]);
  assert.equal(new Set(order).size, order.length);
  for (const node of order) {
    for (const input of node.inputs) assert.ok(order.indexOf(input) < order.indexOf(node));
  }
  assert.equal(order.at(-1), z);
});

Deno.test("a graph deeper than the call stack is walked and differentiated", () => {
  const x = ops.tensor(1);
  let y: Tensor = x;
  for (let depth = 0; depth < 20000; depth++) y = y.mul(ops.tensor(1));
  const [slope] = differentiate(y, [x], algebra);
  assert.deepEqual([...evaluateReference([slope])[0].data], [1]);
});

Deno.test("contributions of every path add up", () => {
  const x = ops.tensor(3);
  const y = x.mul(x).add(x.mul(x.exp().mul(0))).add(x);
  const [slope] = differentiate(y, [x], algebra);
  assert.deepEqual([...evaluateReference([slope])[0].data], [7]);
});

Deno.test("a source in the middle gets the gradient that reaches it", () => {
  const x = ops.tensor(3);
  const middle = x.mul(2);
  const [atMiddle, atStart] = differentiate(middle.square(), [middle, x], algebra);
  const results = evaluateReference([atMiddle, atStart]).map(({ data }) => data[0]);
  assert.deepEqual(results, [12, 24]);
});

Deno.test("the output itself may be a source", () => {
  const x = ops.tensor([1, 2]);
  const [slope] = differentiate(x, [x], algebra);
  assert.deepEqual([...evaluateReference([slope])[0].data], [1, 1]);
});

Deno.test("an op without a gradient is refused when it stands in the way, and only then", () => {
  const base = x0().exp().operation as ElementwiseOperation;
  const bare: ElementwiseOperation = { ...base, name: "bare", vjp: undefined };
  const x = x0();
  const blocked = Tensor.node(bare, [x]).mul(2);
  assert.throws(() => differentiate(blocked, [x], algebra), (error: Error) => {
    assert.ok(error instanceof DTypeError);
    assert.match(error.message, /bare \[2\] f32.*"bare" has no gradient/);
    return true;
  });
  // Beside the path, it is a constant.
  const weight = x0();
  const [slope] = differentiate(blocked.mul(weight), [weight], algebra);
  assert.deepEqual(slope.shape, [2]);
});

Deno.test("the same gradient asked for twice is the same node", () => {
  const x = inputLeaf("x", [3], "f32");
  const loss = () => x.tanh().square().sum();
  assert.equal(differentiate(loss(), [x], algebra)[0], differentiate(loss(), [x], algebra)[0]);
  assert.notEqual(literal(0).key, literal(-0).key, "0 and −0 are different literals");
});

function x0(): Tensor {
  return inputLeaf("x", [2], "f32");
}

Deno.test("a reshape that is reshaped again is no source: its gradient would be zeros", () => {
  const x = ops.tensor([1, 2, 3, 4]);
  const rows = x.reshape([2, 2]);
  assert.throws(
    () => ops.gradients(rows.reshape([4, 1]).square().sum(), [rows]),
    /a reshape that is reshaped again is left out of the graph/,
  );
  const kept = rows.add(0);
  assert.deepEqual(ops.gradients(kept.reshape([4, 1]).square().sum(), [kept])[0].shape, [2, 2]);
  assert.deepEqual(ops.gradients(rows.square().sum(), [rows])[0].shape, [2, 2]);
});

Deno.test("what slices of a sequence give back to it is laid beside each other, not added up whole", () => {
  const flopsOf = (steps: number) => {
    const x = inputLeaf("x", [8, steps, 4], "f32");
    const weight = inputLeaf("weight", [4, 4], "f32");
    let state: Tensor = ops.zeros([8, 4]);
    for (let step = 0; step < steps; step++) {
      const now = x.slice([0, step], [8, step + 1]).reshape([8, 4]);
      state = ops.matmul(state, weight).add(now).tanh();
    }
    const { phases } = planProgram(createProgram(ops.gradients(state.sum(), [x, weight]), []));
    return addCosts(phases.flat().map(callCost)).flops;
  };
  const [few, many] = [flopsOf(16), flopsOf(64)];
  assert.ok(many < 5 * few, `${few}, ${many}`);
});
