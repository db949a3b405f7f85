/** Views that one user needs in memory of their own, while others read views on them. */
import assert from "node:assert/strict";
import { evaluateReference } from "../../../core/cpu/reference.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import * as ops from "../../../core/ops/mod.ts";
import { deviceTest } from "../../training/devices.ts";
import { floats, mulberry32 } from "../ops/generator.ts";
import { bind } from "../ops/gradient_check.ts";
import { runSteps } from "./program_runner.ts";

const window = {
  strides: [1, 1, 1],
  before: [0, 0, 0],
  after: [0, 0, 0],
  dilation: [1, 1, 1],
  inputDilation: [1, 1, 1],
  groups: 3,
} as const;

/** The shapes of a program's inputs, and what it gives. */
interface Case {
  readonly name: string;
  readonly shapes: readonly number[][];
  readonly build: (...inputs: Tensor[]) => Tensor[];
}

const cases: Case[] = [
  {
    name: "a product reads the keys of an attention",
    shapes: [[3, 5, 2, 2], [3, 2, 8, 2], [3, 8, 2, 2], [3, 2, 5, 2]],
    build: (query, keys, value, other) => {
      const key = keys.transpose([0, 2, 1, 3]);
      return [
        ops.scaledDotProductAttention(query, key, value),
        other.matmul(key.transpose([0, 2, 1, 3]).transpose([0, 1, 3, 2])),
      ];
    },
  },
  {
    name: "a product reads what is as wide as the queries of an attention",
    shapes: [[2, 4, 3, 5], [2, 2, 1, 3], [2, 2, 1, 4], [2, 4, 3, 2]],
    build: (queries, key, value, other) => {
      const query = queries.transpose([0, 3, 1, 2]);
      return [
        ops.scaledDotProductAttention(query, key, value),
        query.transpose([0, 2, 1, 3]).matmul(other),
      ];
    },
  },
  {
    name: "the host reads a view of the kernel of a convolution",
    shapes: [[2, 1, 1, 5, 9], [1, 1, 3, 1, 3]],
    build: (x, given) => {
      const kernel = given.transpose([1, 0, 3, 4, 2]);
      return [
        ops.convolution(x, kernel, window),
        kernel.reshape([1, 3, 3, 1]).transpose([0, 3, 2, 1]),
      ];
    },
  },
  {
    name: "a reshape of the transposed kernel of a convolution",
    shapes: [[2, 1, 1, 5, 9], [1, 1, 3, 1, 3]],
    build: (x, given) => {
      const kernel = given.transpose([1, 0, 3, 4, 2]);
      return [
        ops.convolution(x, kernel, window),
        kernel.reshape([3, 3]).transpose().reshape([9]).mul(2),
      ];
    },
  },
];

await deviceTest(
  "views on what was copied for one user are read from the copy by all",
  async (device) => {
    const random = mulberry32(11);
    for (const { name, shapes, build } of cases) {
      const { leaves, bindings } = bind(shapes.map((shape) => floats(random, shape)));
      const outputs = build(...leaves);
      const values = new Map(leaves.map((leaf) => {
        return [leaf, Float32Array.from(bindings.get(leaf)!.data)];
      }));
      const expected = evaluateReference(outputs, bindings);
      const found = await runSteps(device, outputs, [], values);
      expected.forEach(({ data }, place) => {
        assert.equal(found.outputs[place].length, data.length, name);
        data.forEach((value, at) => {
          const actual = found.outputs[place][at];
          assert.ok(Math.abs(actual - value) <= 1e-5 * (1 + Math.abs(value)), `${name}: ${at}`);
        });
      });
    }
  },
  "reference",
  "cpu",
  "webgpu",
);
