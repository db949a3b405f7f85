/** Recorded outputs of any size, on every device, and their sums over an epoch. */
import assert from "node:assert/strict";
import { lastValueFrom } from "rxjs";
import { literal, scalarLeaf, stateLeaf } from "../../../core/graph/leaf.ts";
import type { Device } from "../../../core/graph/device.ts";
import { createProgram } from "../../../core/graph/program.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import { cast, tensor } from "../../../core/ops/mod.ts";
import { RecordLayout, RecordSums } from "../../../core/stream/record_layout.ts";
import {
  arrays,
  dense,
  evaluate,
  fit,
  input,
  meanSquaredError,
  type Metric,
  sequential,
  sgd,
} from "../../../mod.ts";
import { deviceTest } from "../../training/devices.ts";

/** Steps that record a scalar, a vector of `width`, a matrix of whole numbers and a scalar again. */
function recorder(device: Device, width: number) {
  const total = stateLeaf("total", [width]);
  const by = scalarLeaf("by");
  const step = scalarLeaf("step", "u32");
  const next = total.add(by);
  const table = cast(tensor([[1, 2, 3], [4, 5, 6]]), "i32").mul(cast(step, "i32"));
  const outputs = [by, next, table, step.add(7)];
  const program = createProgram(outputs, [{ state: total, value: next }]);
  const storage = device.allocate("f32", width, "total");
  storage.write(Float32Array.from({ length: width }, (_, place) => place));
  const executable = device.prepare(program, () => storage, { recorded: 4 });
  const run = (value: number, number: number) =>
    executable.run(executable.scalars.map((scalar) => scalar === by ? value : number));
  return { executable, run };
}

// A GPU keeps 16 rows of 40,000 numbers at once, and of a million none but the last.
for (const [width, steps] of [[3, 40], [1000, 300], [40_000, 150], [2 ** 20, 5]]) {
  await deviceTest(
    `rows of ${width} numbers are recorded at ${steps} steps, in order`,
    async (device) => {
      const { executable, run } = recorder(device, width);
      let row = 0;
      let sum = 0;
      const check = (rows: Float64Array) => {
        const size = 1 + width + 6 + 1;
        assert.equal(rows.length % size, 0);
        for (let at = 0; at < rows.length; at += size, row++) {
          sum += row % 5;
          assert.equal(rows[at], row % 5);
          for (const place of [0, 1, width >> 1, width - 1]) {
            assert.equal(rows[at + 1 + place], place + sum);
          }
          const table = [1, 2, 3, 4, 5, 6].map((value) => value * row);
          assert.deepEqual([...rows.subarray(at + 1 + width, at + 7 + width)], table);
          assert.equal(rows[at + 7 + width], row + 7);
        }
      };
      for (let step = 0; step < steps; step++) {
        const done = run(step % 5, step);
        if (step % 100 === 57) {
          await done;
          check(await executable.drain());
        }
      }
      check(await executable.drain());
      assert.equal(row, steps);
      assert.equal((await executable.drain()).length, 0);
      executable.dispose();
    },
    "reference",
    "cpu, 1",
    "webgpu",
  );
}

Deno.test("totals are added up in float64, and tables stay apart from numbers", () => {
  const large = tensor([16777216, 1]);
  const layout = new RecordLayout([
    {
      name: "vector",
      totals: [large, 2],
      result: ([first, second], [count]) => first + second + count,
    },
    { name: "table", totals: [large], result: (values) => [[...values], [0]] },
  ]);
  assert.equal(layout.width, 4);
  const sums = new RecordSums();
  const rows = Float64Array.of(...[16777216, 1, 5, 6], ...[16777215, 0.5, 7, 8]);
  layout.add(sums, rows, 0);
  layout.add(sums, rows, 4);
  // A float32 could not hold it.
  assert.deepEqual(sums.logs(), { vector: 33554431 + 1.5 + 4 });
  assert.deepEqual(sums.tables(), { table: [[12, 14], [0]] });
  assert.deepEqual(layout.values(rows, 4), { vector: 16777215 + 0.5 + 2 });
});

Deno.test("a guarded total that is not finite is found, others are not", () => {
  const value = (total: Tensor, guarded: boolean, name: string) => ({
    name,
    totals: [total, 4],
    result: ([sum]: Float64Array, [count]: Float64Array) => sum / count,
    guarded,
  });
  const layout = new RecordLayout([
    value(literal(1), false, "open"),
    value(literal(2), true, "held"),
  ]);
  assert.equal(layout.nonFinite(Float64Array.of(NaN, 1), 0), null);
  assert.deepEqual(layout.nonFinite(Float64Array.of(0, 1, 1, Infinity), 2), {
    name: "held",
    value: Infinity,
  });
});

Deno.test("totals must be numbers", () => {
  const answers = tensor([1, 2]).greater(1);
  const record = { name: "hits", totals: [answers], result: () => 0 };
  assert.throws(
    () => new RecordLayout([record]),
    /Cannot record hits .* received greater \[2\] bool/,
  );
});

Deno.test("a metric that gives a number for each sample is refused where batches differ in size", async () => {
  const data = arrays([[1], [2], [3], [5]], [[2], [3], [5], [8]]);
  const each: Metric = {
    name: "each",
    direction: "min",
    apply: (targets, outputs) => [outputs.sub(targets).abs(), targets.shape[0]],
    result: ([sum], [samples]) => sum / samples,
  };
  const model = sequential([input([1]), dense(1)]);
  const options = { loss: meanSquaredError(), metrics: [each], device: "cpu", threads: 1 } as const;
  const message =
    /Cannot log "each" as .* must have one shape.*: received 3 numbers, then 1 \(take/;
  await assert.rejects(evaluate(model, data, { ...options, batchSize: 3 }), message);
  const training = fit(model, data, { ...options, optimizer: sgd(), batchSize: 3 });
  await assert.rejects(lastValueFrom(training), message);
});

Deno.test("a metric is worked out once an epoch, and once for its validation", async () => {
  const data = arrays([[1], [2], [3], [5]], [[2], [3], [5], [8]]);
  let times = 0;
  const counted: Metric = {
    name: "counted",
    direction: "min",
    apply: (targets, outputs) => [outputs.sub(targets).abs().sum(), targets.shape[0]],
    result([sum], [samples]) {
      times++;
      return sum / samples;
    },
  };
  const training = fit(sequential([input([1]), dense(1)]), data, {
    loss: meanSquaredError(),
    metrics: [counted],
    optimizer: sgd(),
    validation: data,
    batchSize: 3,
    epochs: 5,
    device: "cpu",
    threads: 1,
  });
  const { logs } = await lastValueFrom(training);
  assert.ok(logs.counted > 0 && logs.val_counted > 0);
  assert.equal(times, 10);
});
