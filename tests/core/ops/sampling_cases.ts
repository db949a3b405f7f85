import type { FillMode } from "../../../core/graph/sampling.ts";
import * as ops from "../../../core/ops/mod.ts";
import { floats, type OpCase } from "./generator.ts";
import { opCase } from "./structured_cases.ts";

/** Batch, sizes of the picture, channels, sizes of what is sampled. */
type Sizes = readonly [number, number, number, number, number, number];

const rows: [FillMode, Sizes][] = [
  ["reflect", [2, 4, 5, 1, 3, 6]],
  ["wrap", [1, 3, 4, 2, 5, 2]],
  ["constant", [2, 4, 3, 3, 4, 3]],
  ["nearest", [1, 5, 4, 6, 3, 3]],
  ["reflect", [9, 2, 3, 1, 2, 3]],
  ["constant", [10, 3, 2, 5, 2, 2]],
  ["reflect", [1, 1, 1, 1, 2, 2]],
  ["wrap", [1, 1, 7, 9, 1, 4]],
];

/** Pictures sampled inside, at edges, and more than a size beyond them. */
export function samplingCases(random: () => number): OpCase[] {
  return [
    ...rows.map(([fillMode, [batch, height, width, channels, outHeight, outWidth]]) => {
      const points = [batch, outHeight, outWidth];
      return opCase(
        `sampleImage, ${fillMode}`,
        [
          floats(random, [batch, height, width, channels]),
          floats(random, points, [-1.6 * height, 2.5 * height]),
          floats(random, points, [-1.6 * width, 2.5 * width]),
        ],
        (images, y, x) => ops.sampleImage(images, y, x, { fillMode, fillValue: 0.75 }),
        // The share of a pixel has the error of a coordinate, which is larger than 1.
        { tolerance: 64, magnitude: 4 },
      );
    }),
    opCase(
      "sampleImage, second order",
      [floats(random, [2, 3, 4, 2]), floats(random, [2, 3, 3], [0, 2]), floats(random, [2, 3, 3])],
      (images, y, x) => {
        const sampled = ops.sampleImage(images, y, x, { fillMode: "nearest" });
        const [first, second] = ops.gradients(sampled.square().sum(), [images, y]);
        return ops.concat([first.square().sum().reshape([1]), second.square().sum().reshape([1])]);
      },
      { tolerance: 256, magnitude: 100 },
    ),
  ];
}
