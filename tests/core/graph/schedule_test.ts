import assert from "node:assert/strict";
import { inputLeaf, stateLeaf } from "../../../core/graph/leaf.ts";
import type { Call } from "../../../core/graph/call.ts";
import { planProgram } from "../../../core/graph/plan.ts";
import { createProgram } from "../../../core/graph/program.ts";
import { schedule, type ScheduledCall } from "../../../core/graph/schedule.ts";
import * as ops from "../../../core/ops/mod.ts";
import { mulberry32 } from "../ops/generator.ts";
import { findRaces } from "./races.ts";
import { randomProgram } from "./random_program.ts";

/** A call that touches buffers: true where each unit touches its own piece. */
function fake(
  reads: Record<number, boolean>,
  writes: Record<number, boolean>,
  after: ScheduledCall[] = [],
  { units = 8, replicated = false } = {},
): ScheduledCall {
  const map = (touched: Record<number, boolean>) =>
    new Map(Object.entries(touched).map(([buffer, inLine]) => [Number(buffer), inLine]));
  const partition = { units, replicated, reads: map(reads), writes: map(writes) };
  return { call: { partition } as unknown as Call, after: new Set(after) };
}

const shape = (calls: ScheduledCall[]) =>
  schedule(calls).map((phase) => phase.map((call) => calls.indexOf(call)));

Deno.test("calls that touch their own pieces share a phase", () => {
  const first = fake({ 0: true }, { 1: true });
  assert.deepEqual(shape([first, fake({ 1: true }, { 2: true }, [first])]), [[0, 1]]);
});

Deno.test("a call that needs all of a buffer waits for the next phase", () => {
  const first = fake({ 0: true }, { 1: true });
  assert.deepEqual(shape([first, fake({ 1: false }, { 2: true }, [first])]), [[0], [1]]);
});

Deno.test("pieces of other sizes do not fit together", () => {
  const first = fake({}, { 1: true });
  const second = fake({ 1: true }, { 2: true }, [first], { units: 4 });
  assert.deepEqual(shape([first, second]), [[0], [1]]);
});

Deno.test("a write waits until all threads have read", () => {
  const first = fake({ 0: false }, { 1: true });
  assert.deepEqual(shape([first, fake({}, { 0: true }, [first])]), [[0], [1]]);
});

Deno.test("a write waits for the one of several readers that takes pieces of others", () => {
  const own = fake({ 0: true }, { 1: true });
  const others = fake({ 0: false }, { 2: true });
  for (const readers of [[own, others], [others, own]]) {
    assert.deepEqual(shape([...readers, fake({}, { 0: true }, readers)]), [[0, 1], [2]]);
  }
});

Deno.test("what every thread computes for itself may be read at once, but not written before", () => {
  const tiny = fake({}, { 1: false }, [], { units: 1, replicated: true });
  assert.deepEqual(shape([tiny, fake({ 1: false }, { 2: true }, [tiny])]), [[0, 1]]);
  const reader = fake({ 1: false }, { 2: true });
  const again = fake({}, { 1: false }, [reader], { units: 1, replicated: true });
  assert.deepEqual(shape([reader, again]), [[0], [1]]);
});

Deno.test("later calls that nothing holds back fill an earlier phase", () => {
  const first = fake({ 0: true }, { 1: true });
  const second = fake({ 1: false }, { 2: true }, [first]);
  assert.deepEqual(shape([first, second, fake({ 3: true }, { 4: true })]), [[0, 2], [1]]);
});

Deno.test("a cycle is refused", () => {
  const after = new Set<ScheduledCall>();
  const first: ScheduledCall = { call: fake({}, {}).call, after };
  after.add(fake({}, {}, [first]));
  assert.throws(() => schedule([first, ...after]), /cycle/);
});

Deno.test("random programs: no thread touches in a phase what another writes in it", () => {
  let phases = 0;
  for (let seed = 0; seed < 250; seed++) {
    const { program } = randomProgram(mulberry32(seed), 8 + seed % 16);
    const plan = planProgram(program);
    phases += plan.phases.length;
    for (const threads of [2, 3]) {
      assert.deepEqual(findRaces(plan, threads), [], `seed ${seed}`);
    }
  }
  assert.ok(phases > 500, `${phases} phases: there must be something to get wrong`);
});

Deno.test("a product that reads other units of what was written has no races", () => {
  const x = inputLeaf("x", [8, 16], "f32"), square = inputLeaf("square", [8, 8], "f32");
  const cube = inputLeaf("cube", [8, 8, 8], "f32");
  // Too dear to be computed again: written by units, and then read by products of as many units.
  const written = (y: typeof x) => ops.sin(y.exp()).tanh();
  const [lines, turned] = [written(x), written(cube)];
  const outputs = [
    square.matmul(written(square)),
    lines.reshape([16, 8]).slice([0, 0], [8, 8]).matmul(square),
    turned.transpose([1, 0, 2]).matmul(turned),
    turned.matmul(turned.transpose([1, 0, 2])),
  ];
  for (const output of outputs) {
    const plan = planProgram(createProgram([output], []));
    assert.ok(plan.phases.flat().length > 1);
    for (const threads of [2, 3]) assert.deepEqual(findRaces(plan, threads), []);
  }
});

Deno.test("a product's operands and results have no races at sizes that divide unevenly", () => {
  for (const [rows, inner, columns] of [[5, 7, 3], [9, 40, 33], [32, 100, 400], [1, 9, 64]]) {
    const x = inputLeaf("x", [rows, inner], "f32");
    const kernel = stateLeaf("kernel", [inner, columns]), bias = stateLeaf("bias", [columns]);
    const outputs = ops.softmax(x.matmul(kernel).add(bias).relu());
    const slopes = ops.gradients(outputs.square().sum(), [kernel, bias]);
    const assignments = [kernel, bias].map((state, place) => ({
      state,
      value: state.sub(slopes[place].mul(0.1)),
    }));
    const plan = planProgram(createProgram([outputs.sum()], assignments));
    for (const threads of [2, 3]) assert.deepEqual(findRaces(plan, threads), []);
  }
});
