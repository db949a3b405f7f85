import assert from "node:assert/strict";
import { inputLeaf, iota, literal, scalarLeaf, stateLeaf } from "../../../core/graph/leaf.ts";
import { createProgram } from "../../../core/graph/program.ts";
import * as ops from "../../../core/ops/mod.ts";

const x = () => inputLeaf("x", [2, 3], "f32");

Deno.test("the same op on the same inputs with the same attributes is the same node", () => {
  const a = x(), b = x();
  assert.equal(a.add(b), a.add(b));
  assert.equal(a.sum(0), a.sum(0));
  assert.equal(ops.slice(a, [0, 1], [1, 3]), ops.slice(a, [0, 1], [1, 3]));
  assert.equal(a.matmul(b.transpose()), a.matmul(b.transpose()));
});

Deno.test("other attributes, inputs or order of inputs make another node", () => {
  const a = x(), b = x();
  assert.notEqual(a.sum(0), a.sum(1));
  assert.notEqual(a.sub(b), b.sub(a));
  assert.notEqual(a.add(1), a.add(2));
  assert.notEqual(a.cast("i32"), a.cast("u32"));
});

Deno.test("attributes that are no numbers of JSON differ, too", () => {
  const values = x(), ids = inputLeaf("ids", [2], "u32");
  const fold = (empty: number) => ops.segmentMax(values, ids, 4, { empty });
  assert.equal(fold(-Infinity), fold(-Infinity));
  assert.equal(new Set([-Infinity, Infinity, NaN, 0].map(fold)).size, 4);
});

Deno.test("leaves differ, even with the same name, shape and type", () => {
  assert.notEqual(x().key, x().key);
  assert.notEqual(stateLeaf("w", [2]), stateLeaf("w", [2]));
  assert.notEqual(scalarLeaf("rate"), scalarLeaf("rate"));
  assert.notEqual(ops.tensor([1]).key, ops.tensor([1]).key);
});

Deno.test("literals are equal by content: value, sign of zero and type", () => {
  const a = x();
  assert.equal(a.mul(literal(2)), a.mul(literal(2)));
  assert.equal(a.mul(2), a.mul(literal(2)));
  assert.equal(literal(NaN).key, literal(NaN).key);
  const keys = [0, -0, 1, NaN, Infinity, -Infinity].map((value) => literal(value).key);
  assert.equal(new Set(keys).size, keys.length);
  assert.notEqual(literal(1, "i32").key, literal(1, "u32").key);
});

Deno.test("literals of one value have one key, as their documentation says", () => {
  assert.equal(literal(3).key, literal(3).key);
});

Deno.test("expressions of literals alone are equal by content where they are used", () => {
  const a = x();
  const once = a.add(literal(2).mul(3)), again = a.add(literal(2).mul(3));
  assert.equal(once, again);
  assert.equal(a.mul(iota([2, 3], 1, "f32")), a.mul(iota([2, 3], 1, "f32")));
  assert.notEqual(a.mul(iota([2, 3], 1, "f32")), a.mul(iota([2, 3], 0, "f32")));
});

Deno.test("large expressions of literals alone are equal by content, and have short keys", () => {
  const a = x();
  const write = (start: number) => {
    let value = ops.full([2, 3], start);
    // Twice in the next step each: written out it would be 2¹⁰⁰ parts.
    for (let turn = 0; turn < 100; turn++) value = value.add(value.mul(0.01));
    return value;
  };
  const once = write(1);
  assert.equal(once, write(1));
  assert.equal(a.mul(once), a.mul(write(1)));
  assert.notEqual(write(2), once);
  assert.ok(once.key.length < 3000, `${once.key.length} characters`);
});

Deno.test("an expression written again hangs nothing more on its inputs", () => {
  const a = x(), b = x();
  const write = () => a.mul(2).add(b).tanh().mean(1);
  const first = write();
  const uses = () => [a.uses, b.uses, first.uses];
  const before = uses();
  for (let turn = 0; turn < 100; turn++) assert.equal(write(), first);
  assert.deepEqual(uses(), before);
});

Deno.test("expanding a composite twice gives the same nodes, so that plans are found", () => {
  const a = x();
  const order = () => createProgram([ops.softmax(a)], []).order;
  assert.deepEqual(order().map(({ key }) => key), order().map(({ key }) => key));
});
