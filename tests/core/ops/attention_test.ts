/** Attention: memory that grows with the length, blocks, threads, offsets and masks of all kinds. */
import assert from "node:assert/strict";
import { evaluateReference } from "../../../core/cpu/reference.ts";
import type { Device } from "../../../core/graph/device.ts";
import type { DType, TensorData } from "../../../core/graph/dtype.ts";
import { DTypeError, ShapeError } from "../../../core/graph/errors.ts";
import { inputLeaf, scalarLeaf } from "../../../core/graph/leaf.ts";
import { planProgram } from "../../../core/graph/plan.ts";
import { createProgram } from "../../../core/graph/program.ts";
import { type Shape, sizeOf } from "../../../core/graph/shape.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import * as ops from "../../../core/ops/mod.ts";
import { deviceTest } from "../../training/devices.ts";
import { TestCpu } from "../cpu/test_cpu.ts";
import { ProgramRunner } from "../graph/program_runner.ts";
import { mulberry32 } from "./generator.ts";

type Attend = (query: Tensor, key: Tensor, value: Tensor) => Tensor;

/** The same with the whole matrix of scores. */
function composed(query: Tensor, key: Tensor, value: Tensor): Tensor {
  const scores = query.transpose([0, 2, 1, 3]).matmul(key.transpose([0, 2, 3, 1]));
  const weights = scores.mul(1 / Math.sqrt(query.shape[3])).softmax();
  return weights.matmul(value.transpose([0, 2, 1, 3])).transpose([0, 2, 1, 3]);
}

/** Bytes for forward and backward at 8 samples of 8 heads of 64. */
function arenaBytes(tokens: number, attend: Attend): number {
  const leaves = ["query", "key", "value", "weights"].map((name) =>
    inputLeaf(name, [8, tokens, 8, 64], "f32")
  );
  const [query, key, value, weights] = leaves;
  const result = attend(query, key, value);
  const slopes = ops.gradients(result.mul(weights).sum(), [query, key, value]);
  return planProgram(createProgram([result, ...slopes], [])).arenaBytes;
}

Deno.test("memory grows with the length, not with its square", () => {
  const lengths = [128, 256, 512, 1024];
  for (const causal of [false, true]) {
    const bytes = lengths.map((tokens) =>
      arenaBytes(tokens, (q, k, v) => ops.scaledDotProductAttention(q, k, v, { causal }))
    );
    bytes.slice(1).forEach((more, place) => assert.ok(more <= 2 * bytes[place], `${bytes}`));
    // Not much more than what comes in and goes out.
    assert.ok(bytes[1] < 6.1 * 4 * sizeOf([8, 256, 8, 64]), `${bytes[1]}`);
  }
  const whole = lengths.slice(0, 2).map((tokens) => arenaBytes(tokens, composed));
  assert.ok(whole[1] > 3 * whole[0], `${whole}`);
});

/** Values of leaves, and the weighted gradients of an attention of them. */
function problem(
  seed: number,
  shapes: readonly [Shape, Shape, Shape],
  options: ops.AttentionOptions,
): { outputs: Tensor[]; values: Map<Tensor, TensorData> } {
  const random = mulberry32(seed);
  const leaves = shapes.map((shape, place) => inputLeaf(`x${place}`, shape, "f32"));
  const draw = (shape: Shape) =>
    Float32Array.from({ length: sizeOf(shape) }, () => 4 * random() - 2);
  const [query, key, value] = leaves;
  const result = ops.scaledDotProductAttention(query, key, value, options);
  const weights = ops.tensor(draw(result.shape), { shape: result.shape });
  const outputs = [result, ...ops.gradients(result.mul(weights).sum(), leaves)];
  return { outputs, values: new Map(leaves.map((leaf) => [leaf, draw(leaf.shape)])) };
}

async function run(
  device: Device,
  { outputs, values }: ReturnType<typeof problem>,
  scalars: number[] = [],
): Promise<TensorData[]> {
  const runner = new ProgramRunner(device, createProgram(outputs, []), values);
  await runner.step(scalars);
  const found = await runner.outputs();
  runner.dispose();
  return found;
}

function expected({ outputs, values }: ReturnType<typeof problem>): Float64Array[] {
  const bindings = new Map(
    [...values].map(([leaf, data]) =>
      [leaf, { shape: leaf.shape, dtype: leaf.dtype, data: Float64Array.from(data) }] as const
    ),
  );
  return evaluateReference(outputs, bindings).map(({ data }) => data);
}

function assertClose(actual: readonly TensorData[], wanted: readonly Float64Array[]): void {
  wanted.forEach((data, place) =>
    data.forEach((value, at) => {
      const error = Math.abs(actual[place][at] - value);
      assert.ok(error <= 2e-5 * (1 + Math.abs(value)), `${place}, ${at}: ${actual[place][at]}`);
    })
  );
}

const causal = { causal: true, queryOffset: 150 };
/** More than a block of queries and of keys; few heads of keys, and many. */
const blocks = [
  problem(1, [[1, 131, 4, 5], [1, 283, 2, 5], [1, 283, 2, 6]], causal),
  problem(2, [[4, 70, 4, 3], [4, 261, 2, 3], [4, 261, 2, 4]], {
    dropout: { rate: 0.2, key: { key0: 5, key1: 6 }, counter: 7 },
  }),
];
const wanted = blocks.map(expected);

await deviceTest(
  "blocks of queries and keys add up",
  async (device) => {
    for (const [place, one] of blocks.entries()) assertClose(await run(device, one), wanted[place]);
  },
  "cpu, 1",
  "webgpu",
);

Deno.test("any number of threads gives the same bits", async () => {
  const found: TensorData[][] = [];
  for (const threads of [1, 2, 3]) {
    const device = new TestCpu(threads);
    await device.ready();
    for (const one of blocks) found.push(await run(device, one));
    device.dispose();
  }
  for (const [place, data] of found.entries()) assert.deepEqual(data, found[place % 2]);
});

await deviceTest(
  "the offset is a number of the step, and the plan stays",
  async (device) => {
    const [query, key, value] = [2, 5, 5].map((rows) => inputLeaf("x", [1, rows, 1, 2], "f32"));
    const offset = scalarLeaf("offset", "u32");
    const draw = mulberry32(3);
    const values = new Map(
      [query, key, value].map((leaf) => [leaf, Float32Array.from({ length: leaf.size }, draw)]),
    );
    const at = (queryOffset: Tensor | number) =>
      ops.scaledDotProductAttention(query, key, value, { causal: true, queryOffset });
    const runner = new ProgramRunner(device, createProgram([at(offset)], []), values);
    for (const place of [0, 3, 1]) {
      await runner.step([place]);
      assertClose(await runner.outputs(), expected({ outputs: [at(place)], values }));
    }
    runner.dispose();
  },
  "cpu, 1",
  "webgpu",
);

await deviceTest(
  "a query that sees nothing gives zeros and learns nothing",
  async (device) => {
    const shape = [1, 3, 1, 4];
    const mask = ops.tensor([1, 0, 1], { dtype: "bool" }).reshape([1, 1, 3, 1]);
    const one = problem(4, [shape, shape, shape], { mask });
    const [result, toQuery] = await run(device, one);
    for (const data of [result, toQuery]) {
      assert.deepEqual([...data.slice(4, 8)], [0, 0, 0, 0]);
      assert.ok(data.slice(8).every((value) => value !== 0 && Number.isFinite(value)));
    }
  },
  "reference",
  "cpu, 1",
  "webgpu",
);

await deviceTest(
  "NaN among the keys is seen in every query that sees them",
  async (device) => {
    const shape = [1, 3, 1, 1];
    const line = (...values: number[]) => ops.tensor(values).reshape(shape);
    const y = ops.scaledDotProductAttention(line(1, 1, 1), line(1, NaN, 1), line(1, 2, 3), {
      causal: true,
    });
    const [data] = await run(device, { outputs: [y], values: new Map() });
    assert.deepEqual([...data].map(Number.isNaN), [false, true, true]);
  },
  "reference",
  "cpu, 1",
  "webgpu",
);

Deno.test("what does not fit is refused", () => {
  const leaf = (shape: Shape, dtype: DType = "f32") => inputLeaf("x", shape, dtype);
  const query = leaf([2, 3, 4, 5]);
  const key = leaf([2, 6, 2, 5]);
  const attend = (q: Tensor, k: Tensor, v: Tensor, options?: ops.AttentionOptions) => () =>
    ops.scaledDotProductAttention(q, k, v, options);
  assert.throws(attend(query, leaf([2, 6, 3, 5]), leaf([2, 6, 3, 5])), ShapeError);
  assert.throws(attend(query, leaf([2, 6, 2, 4]), key), /received \[2, 3, 4, 5\], \[2, 6, 2, 4\]/);
  assert.throws(attend(query, key, leaf([2, 5, 2, 5])), ShapeError);
  assert.throws(attend(leaf([2, 3, 20]), key, key), ShapeError);
  assert.throws(attend(leaf([2, 3, 4, 5], "i32"), key, key), DTypeError);
  assert.throws(attend(query, key, key, { mask: leaf([2, 6]) }), /mask must be bool.*f32/);
  assert.throws(
    attend(query, key, key, { mask: leaf([2, 6], "bool") }),
    /mask must broadcast to \[2, 4, 3, 6\].*received \[2, 6\]/,
  );
  assert.throws(attend(query, key, key, { bias: leaf([1, 7]) }), /its bias must broadcast/);
  assert.throws(attend(query, key, key, { queryOffset: 1 }), /queryOffset needs causal/);
  assert.throws(
    attend(query, key, key, { causal: true, queryOffset: leaf([2], "i32") }),
    /queryOffset must be a scalar: received \[2\]/,
  );
});
