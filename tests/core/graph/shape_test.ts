import assert from "node:assert/strict";
import fc from "fast-check";
import { ShapeError } from "../../../core/graph/errors.ts";
import { stateLeaf } from "../../../core/graph/leaf.ts";
import { createProgram } from "../../../core/graph/program.ts";
import {
  broadcastShapes,
  checkShape,
  contiguousStrides,
  normalizeAxes,
  normalizeAxis,
  sizeOf,
} from "../../../core/graph/shape.ts";
import * as ops from "../../../core/ops/mod.ts";

const shapes = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 });

Deno.test("broadcasting follows NumPy's rule", () => {
  assert.deepEqual(broadcastShapes("add", [[3, 1], [1, 5]]), [3, 5]);
  assert.deepEqual(broadcastShapes("add", [[], [2, 3]]), [2, 3]);
  assert.deepEqual(broadcastShapes("add", [[4], [2, 1], [3, 1, 1]]), [3, 2, 4]);
  assert.deepEqual(broadcastShapes("add", [[0], [1]]), [0]);
  assert.deepEqual(broadcastShapes("add", []), []);
});

Deno.test("broadcasting is symmetric, and a shape broadcasts with itself and with scalars", () => {
  const broadcast = (a: number[], b: number[]) => {
    try {
      return broadcastShapes("add", [a, b]);
    } catch (error) {
      assert.ok(error instanceof ShapeError);
      return null;
    }
  };
  fc.assert(
    fc.property(shapes, shapes, (a, b) => {
      assert.deepEqual(broadcast(a, b), broadcast(b, a));
      assert.deepEqual(broadcast(a, a), a);
      assert.deepEqual(broadcast(a, []), a);
    }),
    { seed: 1 },
  );
});

Deno.test("a broadcast error names the op and both shapes", () => {
  assert.throws(() => broadcastShapes("mul", [[2, 3], [4]]), (error: Error) => {
    assert.ok(error instanceof ShapeError);
    assert.match(error.message, /Cannot apply mul .* received \[2, 3\] and \[4\]/);
    return true;
  });
  assert.throws(() => broadcastShapes("add", [[0], [2]]), ShapeError);
});

Deno.test("the ops refuse shapes that do not fit, with both of them in the message", () => {
  const a = ops.ones([2, 3]);
  assert.throws(() => a.add(ops.ones([2])), /\[2, 3\] and \[2\]/);
  assert.throws(() => a.matmul(ops.ones([2, 3])), /\[2, 3\] x \[2, 3\]/);
  assert.throws(() => a.reshape([4, 2]), ShapeError);
  assert.throws(() => a.reshape([-1, -1]), ShapeError);
  assert.throws(() => a.transpose([0, 0]), ShapeError);
  assert.throws(() => a.slice([0, 0], [3, 3]), ShapeError);
  assert.throws(() => a.sum(2), ShapeError);
  assert.throws(() => ops.concat([a, ops.ones([2, 4])], 0), ShapeError);
});

Deno.test("strides of a contiguous tensor reach every element once, in order", () => {
  fc.assert(
    fc.property(shapes, (shape) => {
      const strides = contiguousStrides(shape);
      const seen: number[] = [];
      const walk = (axis: number, at: number) => {
        if (axis === shape.length) seen.push(at);
        else for (let i = 0; i < shape[axis]; i++) walk(axis + 1, at + i * strides[axis]);
      };
      walk(0, 0);
      assert.deepEqual(seen, Array.from({ length: sizeOf(shape) }, (_, place) => place));
    }),
    { seed: 2 },
  );
});

Deno.test("axes count from the end too, differ, and lie in range", () => {
  assert.equal(normalizeAxis("sum", -1, 3), 2);
  assert.deepEqual(normalizeAxes("sum", [-1, 0], 3), [0, 2]);
  assert.deepEqual(normalizeAxes("sum", undefined, 2), [0, 1]);
  assert.deepEqual(normalizeAxes("sum", [], 2), []);
  assert.throws(() => normalizeAxis("sum", 3, 3), /from -3 to 2: received 3/);
  assert.throws(() => normalizeAxis("sum", 0.5, 3), ShapeError);
  assert.throws(() => normalizeAxis("sum", 0, 0), ShapeError);
  assert.throws(() => normalizeAxes("sum", [1, -1], 2), /must differ/);
  const named = { axis: 1 } as unknown as number;
  assert.throws(() => normalizeAxes("sum", named, 2), /a number or a list .* received {"axis":1}/);
});

Deno.test("sizes are whole numbers from 0", () => {
  checkShape("zeros", [0, 1, 2]);
  for (const size of [-1, 0.5, NaN, Infinity, 2 ** 60]) {
    assert.throws(() => checkShape("zeros", [2, size]), ShapeError);
  }
});

Deno.test("a state keeps its shape and type", () => {
  const state = stateLeaf("weight", [2, 3]);
  assert.throws(
    () => createProgram([], [{ state, value: ops.ones([3, 2]) }]),
    /"weight".*expected state \[2, 3\] f32/,
  );
  assert.throws(() => createProgram([], [{ state, value: ops.ones([2, 3]).cast("i32") }]));
});
