import assert from "node:assert/strict";
import { evaluateReference } from "../../core/cpu/reference.ts";
import { inputLeaf, scalarLeaf, stateLeaf } from "../../core/graph/leaf.ts";
import type { ReferenceArray } from "../../core/graph/operation.ts";
import { type Assignment, createProgram } from "../../core/graph/program.ts";
import type { Tensor } from "../../core/graph/tensor.ts";
import * as ops from "../../core/ops/mod.ts";
import { floats, integers, mulberry32 } from "../core/ops/generator.ts";
import { bindOn, gpuTest, hardware, value } from "./harness.ts";

const rows = 40;
const batch = 8;

/** A network 12–9–7–5 with momentum over stored bytes, and values for all of its leaves. */
function network() {
  const random = mulberry32(11);
  const images = inputLeaf("images", [rows, 12], "u8");
  const labels = inputLeaf("labels", [rows], "u8");
  const order = inputLeaf("order", [rows], "u32");
  const start = scalarLeaf("start", "u32");
  const rate = scalarLeaf("rate");
  const states: Tensor[] = [];
  let x = ops.gather(images, order, { start, count: batch, scale: 1 / 255 });
  const sizes = [12, 9, 7, 5];
  for (let layer = 0; layer < 3; layer++) {
    const kernel = stateLeaf(`kernel_${layer}`, [sizes[layer], sizes[layer + 1]]);
    const bias = stateLeaf(`bias_${layer}`, [sizes[layer + 1]]);
    states.push(kernel, bias);
    x = x.matmul(kernel).add(bias);
    if (layer < 2) x = layer === 0 ? x.relu() : x.tanh();
  }
  const targets = ops.gather(labels, order, { start, count: batch, dtype: "u32" });
  const loss = ops.sparseSoftmaxCrossEntropy(x, targets).mean();
  const hits = ops.argMax(x, -1).equal(targets).cast("f32").sum();
  const momenta = states.map(({ shape }, place) => stateLeaf(`momentum_${place}`, shape));
  const assignments: Assignment[] = ops.gradients(loss, states).flatMap((gradient, place) => {
    const velocity = momenta[place].mul(0.9).add(gradient);
    return [
      { state: momenta[place], value: velocity },
      { state: states[place], value: states[place].sub(velocity.mul(rate)) },
    ];
  });
  const bindings = new Map<Tensor, ReferenceArray>([
    value(images, integers(random, images.shape, "u8", [0, 256]).data),
    value(labels, integers(random, labels.shape, "u8", [0, 5]).data),
    value(order, integers(random, order.shape, "u32", [0, rows]).data),
    ...[...states, ...momenta].map((leaf) =>
      value(
        leaf,
        leaf.rank === 2 && !momenta.includes(leaf)
          ? floats(random, leaf.shape, [-0.6, 0.6]).data
          : new Float64Array(leaf.size),
      )
    ),
  ]);
  return { start, rate, loss, hits, assignments, bindings, states };
}

/** Scalars of a step; both change all the time. */
const startOf = (step: number) => (step * batch) % rows;
const rateOf = (step: number) => 0.1 / (1 + step / 10);

for (const [kind, tuning] of [["this adapter", {}], ["hardware", hardware]] as const) {
  gpuTest(`fifty steps of training follow the reference: ${kind}`, async (device) => {
    const { start, rate, loss, hits, assignments, bindings, states } = network();
    const bind = bindOn(device, bindings);
    const program = createProgram([loss, hits], assignments);
    const executable = device.prepare(program, bind, { recorded: 2 });
    const values = new Map(bindings);
    const expected: number[] = [];
    for (let step = 0; step < 50; step++) {
      values.set(...value(start, [startOf(step)])).set(...value(rate, [rateOf(step)]));
      executable.run(
        executable.scalars.map((scalar) => scalar === rate ? rateOf(step) : startOf(step)),
      );
      const results = evaluateReference(
        [loss, hits, ...assignments.map((assignment) => assignment.value)],
        values,
      );
      expected.push(results[0].data[0], results[1].data[0]);
      assignments.forEach(({ state }, place) => values.set(state, results[place + 2]));
    }
    const recorded = await executable.drain();
    assert.equal(recorded.length, 100);
    recorded.forEach((got, place) => {
      assert.ok(Math.abs(got - expected[place]) < 1e-4, `${place}: ${got}, ${expected[place]}`);
    });
    for (const state of states) {
      const trained = await bind(state).read();
      values.get(state)!.data.forEach((wanted, place) => {
        assert.ok(Math.abs(trained[place] - wanted) < 1e-4, `${state.attributes.name} ${place}`);
      });
    }
  }, tuning);
}

gpuTest("nothing is made after the first steps, and the same bits come again", async (device) => {
  const runs: Float64Array[] = [];
  for (let repeat = 0; repeat < 2; repeat++) {
    const { rate, loss, assignments, bindings } = network();
    const program = createProgram([loss], assignments);
    const executable = device.prepare(program, bindOn(device, bindings), { recorded: 1 });
    const steps = (count: number) => {
      for (let step = 0; step < count; step++) {
        executable.run(
          executable.scalars.map((scalar) => scalar === rate ? rateOf(step) : startOf(step)),
        );
      }
    };
    steps(10);
    await executable.drain();
    const { buffers, pipelines, bindGroups } = device.statistics;
    steps(300);
    runs.push(await executable.drain());
    steps(5);
    await executable.drain();
    const after = device.statistics;
    assert.deepEqual(
      [after.buffers, after.pipelines, after.bindGroups],
      [buffers, pipelines, bindGroups],
    );
    executable.dispose();
  }
  assert.deepEqual(runs[0], runs[1]);
});

gpuTest("a network of two layers takes few dispatches", (device) => {
  const { loss, assignments, bindings } = network();
  const executable = device.prepare(
    createProgram([loss], assignments),
    bindOn(device, bindings),
    { recorded: 1 },
  );
  assert.ok(executable.dispatchLabels.length <= 13, executable.dispatchLabels.join("\n"));
});
