import type { Window } from "../../../core/graph/window.ts";
import * as ops from "../../../core/ops/mod.ts";
import { floats, type OpCase } from "./generator.ts";
import { opCase } from "./structured_cases.ts";

const ones = [1, 1, 1] as const;
const none = [0, 0, 0] as const;

function window(parts: Partial<Window>): Window {
  return {
    size: ones,
    strides: ones,
    before: none,
    after: none,
    dilation: ones,
    inputDilation: ones,
    ...parts,
  };
}

/** Input, kernel, and how it goes: odd sizes, strides, dilations, padding, groups, one to three axes. */
const convolutions: [string, number[], number[], Partial<Window> & { groups?: number }][] = [
  ["1×1", [1, 1, 1, 1, 1], [1, 1, 1, 1, 1], {}],
  ["a line", [2, 1, 1, 9, 3], [1, 1, 4, 3, 5], { strides: [1, 1, 2] }],
  ["a plane", [3, 1, 6, 5, 2], [1, 3, 3, 2, 7], {}],
  ["padded", [2, 1, 5, 4, 3], [1, 3, 3, 3, 4], { before: [0, 1, 1], after: [0, 1, 1] }],
  ["uneven padding", [2, 1, 4, 5, 1], [1, 2, 4, 1, 9], { before: [0, 0, 1], after: [0, 1, 2] }],
  ["strided", [2, 1, 7, 8, 4], [1, 3, 2, 4, 3], { strides: [1, 2, 3], before: [0, 1, 0] }],
  ["inputs left over", [1, 1, 6, 6, 2], [1, 2, 2, 2, 2], { strides: [1, 3, 4] }],
  ["dilated", [2, 1, 9, 7, 2], [1, 3, 2, 2, 5], { dilation: [1, 2, 3] }],
  ["input dilated", [1, 1, 4, 3, 2], [1, 3, 3, 2, 3], {
    inputDilation: [1, 2, 3],
    before: [0, 2, 1],
    after: [0, 1, 2],
  }],
  ["cropped", [1, 1, 6, 7, 2], [1, 2, 2, 2, 3], { before: [0, -1, 0], after: [0, 0, -2] }],
  ["groups", [2, 1, 5, 5, 6], [1, 3, 3, 2, 9], { groups: 3 }],
  ["depthwise", [1, 1, 5, 4, 5], [1, 2, 2, 1, 10], { groups: 5, strides: [1, 2, 1] }],
  // Wide enough to be read line by line, without a tile.
  ["wide", [2, 1, 4, 11, 3], [1, 3, 3, 3, 13], {}],
  ["wide, padded", [2, 1, 3, 14, 2], [1, 3, 4, 2, 4], { before: [0, 1, 2], after: [0, 2, 1] }],
  ["wide, strided", [1, 2, 5, 20, 1], [2, 2, 5, 1, 9], {
    strides: [1, 2, 2],
    before: [1, 0, 3],
    after: [0, 1, 3],
  }],
  ["wide, input dilated", [1, 1, 4, 7, 2], [1, 2, 3, 2, 5], {
    inputDilation: [1, 2, 3],
    before: [0, 1, -1],
    after: [0, 1, 2],
  }],
  ["wide, cropped", [2, 1, 4, 17, 2], [1, 2, 3, 2, 6], {
    before: [0, 0, -2],
    after: [0, 0, -3],
    dilation: [1, 2, 1],
  }],
  ["a channel each", [2, 1, 5, 6, 18], [1, 3, 3, 1, 18], { groups: 18 }],
  ["a channel each, padded", [1, 2, 4, 5, 6], [2, 2, 3, 1, 6], {
    groups: 6,
    before: [0, 1, 1],
    after: [1, 0, 2],
    strides: [1, 1, 2],
  }],
  ["a channel each, dilated", [1, 1, 6, 7, 5], [1, 2, 3, 1, 5], {
    groups: 5,
    dilation: [1, 2, 2],
    inputDilation: [1, 1, 3],
    before: [0, 0, 2],
    strides: [1, 1, 2],
  }],
  ["a volume", [2, 3, 4, 5, 2], [2, 2, 3, 2, 4], { before: [1, 0, 1], strides: [2, 1, 1] }],
  ["many images", [9, 1, 3, 4, 2], [1, 2, 2, 2, 5], {}],
];

/** Pooling windows over inputs of odd sizes and numbers of channels. */
const pools: [string, number[], Partial<Window>][] = [
  ["1×1", [1, 1, 1, 1, 1], {}],
  ["2×2", [2, 1, 6, 4, 3], { size: [1, 2, 2], strides: [1, 2, 2] }],
  ["overlapping", [1, 1, 7, 7, 5], { size: [1, 3, 3], strides: [1, 2, 2] }],
  ["padded", [2, 1, 5, 5, 4], {
    size: [1, 3, 3],
    strides: [1, 2, 2],
    before: [0, 1, 1],
    after: [0, 1, 1],
  }],
  ["inputs left over", [1, 1, 7, 5, 9], { size: [1, 2, 2], strides: [1, 2, 2] }],
  ["a line", [3, 1, 1, 10, 2], { size: [1, 1, 4], strides: [1, 1, 3], dilation: [1, 1, 2] }],
  ["a volume", [1, 4, 5, 3, 2], { size: [2, 2, 3], strides: [2, 1, 1] }],
  ["apart", [2, 1, 7, 9, 3], { size: [1, 2, 2], strides: [1, 3, 4], before: [0, 1, 0] }],
  ["many images", [10, 1, 4, 4, 6], { size: [1, 2, 2], strides: [1, 2, 2] }],
];

/** Convolution and pooling. */
export function windowCases(random: () => number): OpCase[] {
  // Sums of mixed signs cancel: their error is measured by the size of the terms.
  const sums = { tolerance: 16, magnitude: 4 };
  return [
    ...convolutions.map(([name, x, kernel, { groups = 1, ...parts }]) =>
      opCase(
        `convolution, ${name}`,
        [floats(random, x), floats(random, kernel)],
        (a, b) => ops.convolution(a, b, { ...window(parts), groups }),
        sums,
      )
    ),
    ...pools.flatMap(([name, x, parts]) => [
      opCase(`maxPool, ${name}`, [floats(random, x)], (a) => ops.maxPool(a, window(parts)), {
        tolerance: 0,
      }),
      opCase(`sumPool, ${name}`, [floats(random, x)], (a) => ops.sumPool(a, window(parts)), sums),
    ]),
    // The gradients of the gradients.
    opCase(
      "convolution, second order",
      [floats(random, [2, 1, 4, 5, 2]), floats(random, [1, 2, 3, 2, 3])],
      (x, kernel) => {
        const y = ops.convolution(x, kernel, { ...window({ strides: [1, 1, 2] }), groups: 1 });
        const [dx, dKernel] = ops.gradients(y.square().sum(), [x, kernel]);
        return dx.square().sum().add(dKernel.square().sum());
      },
      { tolerance: 64, magnitude: 1000 },
    ),
    opCase(
      "maxPoolSelect",
      [floats(random, [2, 1, 5, 4, 3]), floats(random, [2, 1, 5, 4, 3])],
      (x, values) => {
        const y = ops.maxPool(x, window({ size: [1, 2, 2], strides: [1, 1, 2] }));
        const upstream = ops.mul(y, 0);
        // Linear in what comes from above: its gradient there picks from `values`.
        const [dx] = ops.gradients(y, [x], upstream);
        return ops.gradients(dx.mul(values).sum(), [upstream])[0];
      },
      { tolerance: 0, differentiable: [1] },
    ),
    opCase(
      "maxPool, second order",
      [floats(random, [2, 1, 5, 4, 3])],
      (x) => {
        const y = ops.maxPool(x, window({ size: [1, 2, 2], strides: [1, 1, 2] }));
        const [dx] = ops.gradients(y.square().sum(), [x]);
        return dx.square().sum();
      },
      { tolerance: 64, magnitude: 100 },
    ),
  ];
}
