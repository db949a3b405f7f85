/** Chains of views that are longer than the call stack are planned, to the right numbers. */
import assert from "node:assert/strict";
import { resolveView } from "../../../core/graph/access.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import { broadcastTo, gradients, slice, tensor } from "../../../core/ops/mod.ts";
import { evaluateOn, testOnDevices } from "../../devices.ts";

const length = 20_000;
const random = [0.3, -1.7, 2.5, 0.9, -0.2, 4.1];

/** Chains, and the elements that they must give. */
const chains: readonly [
  name: string,
  view: (x: Tensor, turn: number) => Tensor,
  places: number[],
][] = [
  // An even number of times.
  ["transposes", (x) => x.transpose(), [0, 1, 2, 3, 4, 5]],
  ["axes of size 1", (x, turn) => x.reshape(turn % 2 ? [2, 3] : [2, 1, 3]), [0, 1, 2, 3, 4, 5]],
  [
    "all views in turn",
    (x, turn) => {
      if (turn % 4 === 0) return x.transpose();
      if (turn % 4 === 1) return broadcastTo(x.reshape([1, 3, 2]), [2, 3, 2]);
      if (turn % 4 === 2) return slice(x, [1, 0, 0], [2, 3, 2]).reshape([3, 2]);
      return x.transpose();
    },
    [0, 1, 2, 3, 4, 5],
  ],
];

await testOnDevices(`a chain of ${length} views is computed`, async (device) => {
  for (const [name, view, places] of chains) {
    let x = tensor(random, { shape: [2, 3] });
    for (let turn = 0; turn < length; turn++) x = view(x, turn);
    const [found] = await evaluateOn(device, [x.mul(2)]);
    assert.deepEqual(
      [...found],
      places.map((place) => Math.fround(2 * Math.fround(random[place]))),
      name,
    );
  }
});

Deno.test("so is its gradient, and what lies in the middle of it", async () => {
  const x = tensor(random, { shape: [2, 3] });
  let middle = x, y = x;
  for (let turn = 0; turn < length; turn++) {
    y = y.transpose();
    if (turn === length / 2) middle = y;
  }
  const [slopes, half] = await evaluateOn({ device: "cpu", threads: 1 }, [
    gradients(y.mul(y).sum(), [x])[0],
    middle,
  ]);
  assert.deepEqual([...slopes], random.map((value) => 2 * Math.fround(value)).map(Math.fround));
  assert.deepEqual([...half], [0, 3, 1, 4, 2, 5].map((place) => Math.fround(random[place])));
});

Deno.test("a view is resolved through any number of others, or not where one copies", () => {
  const base = tensor(random, { shape: [2, 3] });
  let x = base;
  for (let turn = 0; turn < length + 1; turn++) x = x.transpose();
  const isStored = (node: Tensor) => node === base;
  assert.deepEqual(resolveView(x, isStored), { base, offset: 0, strides: [1, 3] });
  let copied = x.reshape([2, 3]);
  for (let turn = 0; turn < length; turn++) copied = copied.transpose();
  assert.equal(resolveView(copied, isStored), null);
  assert.equal(resolveView(x.mul(2).transpose(), isStored), null);
});
