import assert from "node:assert/strict";
import { inputLeaf, scalarLeaf, stateLeaf } from "../../core/graph/leaf.ts";
import { planProgram } from "../../core/graph/plan.ts";
import { type Assignment, createProgram } from "../../core/graph/program.ts";
import type { Tensor } from "../../core/graph/tensor.ts";
import { gather, gradients } from "../../core/ops/mod.ts";
import { compilePlan } from "../../gpu/compile.ts";
import { defaultTuning } from "../../gpu/tuning.ts";

const compile = (outputs: Tensor[], assignments: Assignment[] = [], tuning = defaultTuning) =>
  compilePlan(planProgram(createProgram(outputs, assignments)), 0, tuning);

const dense = (x: Tensor, name: string, units: number) => {
  const kernel = stateLeaf(`${name}/kernel`, [x.shape[1], units]);
  return x.matmul(kernel).add(stateLeaf(`${name}/bias`, [units])).relu();
};

Deno.test("bias and activation run in the product's kernel", () => {
  const { dispatches, arenaBytes } = compile([dense(inputLeaf("x", [4, 8], "f32"), "a", 6)]);
  assert.equal(dispatches.length, 1);
  // The product itself is never stored: the arena holds the activation alone.
  assert.equal(arenaBytes, Math.ceil(4 * 6 * 4 / 64) * 64);
});

Deno.test("equal layers have equal shaders", () => {
  let x = inputLeaf("x", [4, 8], "f32");
  for (const name of ["a", "b", "c", "d"]) x = dense(x, name, 8);
  const texts = compile([x]).dispatches.map(({ shader }) => shader.wgsl);
  assert.equal(texts.length, 4);
  assert.equal(new Set(texts.slice(1)).size, 1);
});

Deno.test("an update runs in the kernel of its gradient, after the last read of the weight", () => {
  const first = stateLeaf("first", [8, 6]);
  const second = stateLeaf("second", [6, 4]);
  const x = inputLeaf("x", [5, 8], "f32");
  const rate = scalarLeaf("rate");
  const loss = x.matmul(first).relu().matmul(second).square().sum();
  const assignments = gradients(loss, [first, second]).map((gradient, place) => {
    const state = [first, second][place];
    return { state, value: state.sub(gradient.mul(rate)) };
  });
  const labels = compile([loss], assignments).dispatches.map(({ label }) => label);
  assert.deepEqual(labels, [
    "matmul; relu",
    "matmul; mul",
    "matmul; select | sum",
    "matmul; sub | matmul; sub",
  ]);
});

Deno.test("an update waits until the product that reads the weight everywhere is done", () => {
  const weight = stateLeaf("weight", [40, 40]);
  const value = weight.sub(weight.matmul(weight));
  const labels = compile([], [{ state: weight, value }]).dispatches.map(({ label }) => label);
  assert.deepEqual(labels, ["matmul", "sub"]);
});

Deno.test("calls that do not depend on each other share a dispatch, within the limit", () => {
  const states = Array.from({ length: 20 }, (_, place) => stateLeaf(`s${place}`, [3 + place]));
  const assignments = states.map((state) => ({ state, value: state.mul(2) }));
  assert.equal(compile([], assignments).dispatches.length, Math.ceil(20 / 8));
  const wide = compile([], assignments, { ...defaultTuning, storageBuffers: 32 });
  assert.equal(wide.dispatches.length, 1);
  for (const { shader } of compile([], assignments).dispatches) {
    assert.ok(shader.memories.length <= 8);
  }
});

Deno.test("a value that is read again is stored beside its tails", () => {
  const x = inputLeaf("x", [4, 8], "f32");
  const product = x.matmul(stateLeaf("w", [8, 8]));
  const { dispatches } = compile([product, product.mul(2)]);
  assert.equal(dispatches.length, 1);
  assert.equal(dispatches[0].shader.wgsl.match(/memory\d\[.*\] = /g)?.length, 2);
});

Deno.test("memory is used again when nobody needs it any more", () => {
  let x = inputLeaf("x", [64, 64], "f32");
  for (let layer = 0; layer < 9; layer++) x = dense(x, `layer_${layer}`, 64);
  assert.equal(compile([x]).arenaBytes, 2 * 64 * 64 * 4);
});

Deno.test("shaders", async (context) => {
  const x = inputLeaf("x", [5, 40], "f32");
  const data = inputLeaf("data", [10, 8], "u8");
  const order = inputLeaf("order", [10], "u32");
  const start = scalarLeaf("start", "u32");
  const shaders: [string, Tensor][] = [
    ["a dense layer", dense(x, "layer", 3)],
    ["a transposed loop", x.transpose().mul(2).add(inputLeaf("row", [5], "f32"))],
    ["short sums", x.exp().sum(1)],
    ["long maxima", inputLeaf("long", [3, 500], "f32").max(1)],
    ["a batch of bytes", gather(data, order, { start, count: 4, scale: 1 / 255 })],
    ["a large product", inputLeaf("a", [128, 64], "f32").matmul(inputLeaf("b", [64, 256], "f32"))],
  ];
  for (const [name, output] of shaders) {
    const texts = compile([output]).dispatches.map(({ shader }) => shader.wgsl);
    await context.step(name, (step) => step.assertSnapshot(texts.join("\n")));
  }
});
