import assert from "node:assert/strict";
import fc from "fast-check";
import { evaluateReference } from "../../../core/cpu/reference.ts";
import {
  type Access,
  accessInput,
  keepsAxes,
  reshapeStrides,
  resolveView,
} from "../../../core/graph/access.ts";
import { inputLeaf } from "../../../core/graph/leaf.ts";
import { identityAccess } from "../../../core/graph/loop_builder.ts";
import { contiguousStrides, type Shape, sizeOf } from "../../../core/graph/shape.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import * as ops from "../../../core/ops/mod.ts";

const sizes = fc.array(fc.constantFrom(1, 2, 3, 4, 6), { maxLength: 4 });
const steps = fc.array(fc.record({ kind: fc.nat(4), choice: fc.nat(10_000) }), { maxLength: 6 });

/** Every index of a tensor of `shape`, in order. */
function* indices(shape: Shape): Generator<number[]> {
  for (let at = 0; at < sizeOf(shape); at++) {
    const strides = contiguousStrides(shape);
    yield shape.map((size, axis) => Math.floor(at / strides[axis]) % size);
  }
}

/** Offsets of all elements, row by row. */
function offsets(shape: Shape, strides: readonly number[], start = 0): number[] {
  return [...indices(shape)].map((index) =>
    index.reduce((sum, i, axis) => sum + i * strides[axis], start)
  );
}

/** The shapes with as many elements as `size`, of rank 1 to 3. */
function factorings(size: number): number[][] {
  const divisors = Array.from({ length: size }, (_, i) => i + 1).filter((d) => size % d === 0);
  return [
    [size],
    ...divisors.map((d) => [d, size / d]),
    ...divisors.flatMap((d) =>
      divisors.filter((e) => size % (d * e) === 0).map((e) => [d, e, size / d / e])
    ),
  ];
}

/** One more view of `x`, chosen by two numbers. */
function view(x: Tensor, kind: number, choice: number): Tensor {
  if (kind === 0) {
    const shapes = factorings(x.size);
    return x.reshape(shapes[choice % shapes.length]);
  }
  if (kind === 1) {
    const axes = x.shape.map((_, axis) => axis);
    const turned = axes.map((axis) => axes[(axis + choice) % axes.length]);
    return x.transpose(choice % 2 ? turned : turned.reverse());
  }
  if (kind === 2) {
    const begin = x.shape.map((size, axis) => (choice >> axis) % size);
    const end = x.shape.map((size, axis) => Math.max(begin[axis] + 1, size - (choice >> axis) % 2));
    return x.slice(begin, end);
  }
  const shape = x.shape.map((size, axis) => size === 1 ? 1 + ((choice >> axis) % 3) : size);
  return ops.broadcastTo(x, choice % 3 ? shape : [2, ...shape]);
}

/** Elements of `node` when the elements of `base` are their own positions. */
function positions(node: Tensor, base: Tensor): number[] {
  const data = Float64Array.from({ length: base.size }, (_, place) => place);
  const bindings = new Map([[base, { shape: base.shape, dtype: base.dtype, data }]]);
  return Array.from(evaluateReference([node], bindings)[0].data);
}

Deno.test("a chain of views is a strided view of its base exactly where it can be", () => {
  let resolved = 0, refused = 0;
  fc.assert(
    fc.property(sizes, steps, (shape, chain) => {
      const base = inputLeaf("base", shape, "f32");
      let node = base;
      for (const { kind, choice } of chain) {
        const next = view(node, kind, choice);
        if (next.size <= 512) node = next;
      }
      const found = resolveView(node, (other) => other === base);
      if (!found) return void refused++;
      resolved++;
      assert.equal(found.base, base);
      assert.deepEqual(offsets(node.shape, found.strides, found.offset), positions(node, base));
    }),
    { seed: 3, numRuns: 400 },
  );
  assert.ok(resolved > 200 && refused > 5, `${resolved} resolved, ${refused} refused`);
});

Deno.test("a view read through an access reads what the view says", () => {
  fc.assert(
    fc.property(sizes, fc.nat(4), fc.nat(10_000), (shape, kind, choice) => {
      const base = inputLeaf("base", shape, "f32");
      const node = view(base, kind, choice);
      if (node === base || node.size > 512) return;
      const access = accessInput(node, identityAccess(node.rank));
      if (!access) {
        assert.ok(node.operation.name === "reshape" && !keepsAxes(base.shape, node.shape));
        return;
      }
      const strides = contiguousStrides(base.shape);
      const read = [...indices(node.shape)].map((index) =>
        base.shape.reduce((sum, _, axis) => {
          const dimension = access.dimensions[axis];
          const at = (dimension < 0 ? 0 : index[dimension]) + access.offsets[axis];
          return sum + at * strides[axis];
        }, 0)
      );
      assert.deepEqual(read, positions(node, base));
    }),
    { seed: 4, numRuns: 400 },
  );
});

Deno.test("views of views read through an access, one after the other, read what they say", () => {
  let moved = 0;
  fc.assert(
    fc.property(sizes, steps, (shape, chain) => {
      const base = inputLeaf("base", shape, "f32");
      let node = base;
      for (const { kind, choice } of chain) {
        const next = view(node, kind, choice);
        if (next.size <= 512) node = next;
      }
      let access: Access | null = identityAccess(node.rank);
      for (let at = node; at !== base && access; at = at.inputs[0]) {
        access = accessInput(at, access);
      }
      if (!access) return;
      const { dimensions, offsets } = access;
      if (offsets.some((offset) => offset > 0)) moved++;
      const strides = contiguousStrides(base.shape);
      const read = [...indices(node.shape)].map((index) =>
        base.shape.reduce((sum, _, axis) => {
          const at = (dimensions[axis] < 0 ? 0 : index[dimensions[axis]]) + offsets[axis];
          return sum + at * strides[axis];
        }, 0)
      );
      assert.deepEqual(read, positions(node, base));
    }),
    { seed: 6, numRuns: 400 },
  );
  assert.ok(moved > 50, `${moved} with an offset`);
});

Deno.test("reshapeStrides gives the strides where there are some, and null where there are none", () => {
  let none = 0;
  fc.assert(
    fc.property(sizes, fc.nat(1000), fc.nat(1000), (shape, choice, other) => {
      // Strides as transposes, slices and broadcasts leave them.
      const axes = shape.map((_, axis) => axis);
      const order = axes.map((axis) => axes[(axis + choice) % axes.length]);
      const wide = contiguousStrides(order.map((axis) => shape[axis] + other % 2));
      const strides = shape.map((_, axis) => {
        return (choice >> axis) % 5 === 0 ? 0 : wide[order.indexOf(axis)];
      });
      const shapes = factorings(sizeOf(shape));
      const to = shapes[other % shapes.length];
      const expected = offsets(shape, strides);
      // A step along one axis tells its only possible stride.
      const steps = contiguousStrides(to);
      const candidate = to.map((size, axis) => size > 1 ? expected[steps[axis]] - expected[0] : 0);
      const possible = String(offsets(to, candidate)) === String(expected);
      const found = reshapeStrides(shape, strides, to);
      if (!found) none++;
      assert.equal(found !== null, possible, `[${shape}] by [${strides}] to [${to}]`);
      if (found) assert.deepEqual(offsets(to, found), expected);
    }),
    { seed: 5, numRuns: 600 },
  );
  assert.ok(none > 20, `${none} without strides`);
});

Deno.test("keepsAxes sees only axes of size 1 come and go", () => {
  assert.ok(keepsAxes([2, 1, 3], [2, 3, 1]));
  assert.ok(keepsAxes([], [1, 1]));
  assert.ok(!keepsAxes([2, 3], [3, 2]));
  assert.ok(!keepsAxes([6], [2, 3]));
});
