import assert from "node:assert/strict";
import { evaluateReference } from "../../core/cpu/reference.ts";
import { inputLeaf, scalarLeaf, stateLeaf } from "../../core/graph/leaf.ts";
import type { ReferenceArray } from "../../core/graph/operation.ts";
import { type Assignment, createProgram } from "../../core/graph/program.ts";
import type { Tensor } from "../../core/graph/tensor.ts";
import { gradients } from "../../core/ops/mod.ts";
import { floats, mulberry32 } from "../core/ops/generator.ts";
import { bindOn, differenceOf, gpuTest, hardware, value } from "./harness.ts";

/** Programs that update the same states, and values for all of their leaves. */
function network(rows: number, inner: number, columns: number) {
  const random = mulberry32(inner);
  const x = inputLeaf("x", [rows, inner], "f32");
  const rate = scalarLeaf("rate");
  const kernel = stateLeaf("kernel", [inner, columns]);
  const momentum = stateLeaf("momentum", kernel.shape);
  const second = stateLeaf("second", [columns, 7]);
  const weights = [kernel, second];
  const states = [kernel, second, momentum];
  const loss = x.matmul(kernel).tanh().matmul(second).square().mean();
  const [first, other] = gradients(loss, weights);
  const velocity = momentum.mul(0.9).add(first);
  const training: Assignment[] = [
    { state: momentum, value: velocity },
    { state: kernel, value: kernel.sub(velocity.mul(rate)) },
    { state: second, value: second.sub(other.mul(rate)) },
  ];
  const decay: Assignment[] = [{ state: kernel, value: kernel.mul(rate).add(kernel.square()) }];
  const bindings = new Map<Tensor, ReferenceArray>(
    [x, ...states].map((leaf) => value(leaf, floats(random, leaf.shape, [-0.5, 0.5]).data)),
  );
  return { rate, kernel, momentum, second, states, loss, training, decay, bindings };
}

const sizes = [[5, 71, 67], [33, 129, 130]];

for (
  const [kind, tuning, copies] of [
    ["this adapter", {}, true],
    ["three processors", { processors: 3 }, true],
    ["hardware", hardware, false],
  ] as const
) {
  gpuTest(`updates of large states follow the reference: ${kind}`, async (device) => {
    // A software adapter compiles for seconds.
    for (const [rows, inner, columns] of kind === "hardware" ? sizes : sizes.slice(0, 1)) {
      const { rate, states, kernel, loss, training, decay, bindings } = network(
        rows,
        inner,
        columns,
      );
      const bind = bindOn(device, bindings);
      const programs = [training, decay].map((assignments) => ({
        assignments,
        executable: device.prepare(createProgram([loss], assignments), bind, { recorded: 1 }),
      }));
      if (device.tuning.software === copies) {
        assert.deepEqual(programs.map(({ executable }) => executable.hasMirrors), [copies, copies]);
      }
      const values = new Map(bindings);
      // Steps of both programs wait in one submit; then the host writes, and they go on.
      for (const round of [0, 1]) {
        for (const [step, program] of [0, 0, 1, 0, 1].entries()) {
          const { executable, assignments } = programs[program];
          const rateNow = 0.1 + step / 10;
          executable.run([rateNow]);
          values.set(...value(rate, [rateNow]));
          const results = evaluateReference(assignments.map(({ value }) => value), values);
          assignments.forEach(({ state }, place) => values.set(state, results[place]));
        }
        for (const state of states) {
          const difference = differenceOf(await bind(state).read(), values.get(state)!, {
            tolerance: 128,
            magnitude: 1,
            name: `${state.attributes.name} in round ${round}`,
          });
          assert.equal(difference, null);
        }
        const fresh = floats(mulberry32(99), kernel.shape, [-0.5, 0.5]).data;
        bind(kernel).write(Float32Array.from(fresh));
        values.set(...value(kernel, Float32Array.from(fresh)));
      }
    }
  }, tuning);
}

gpuTest("copies of states are made once and go with their program", async (device) => {
  if (!device.tuning.software) return;
  const { loss, training, bindings } = network(5, 71, 67);
  const bind = bindOn(device, bindings);
  const executable = device.prepare(createProgram([loss], training), bind);
  const { buffers } = device.statistics;
  const losses: number[] = [];
  for (let step = 0; step < 70; step++) {
    executable.run([0.1]);
    if (step % 35 === 34) losses.push((await executable.read(0))[0] as number);
  }
  assert.ok(losses[1] < losses[0]);
  assert.equal(device.statistics.buffers, buffers);
  executable.dispose();
});
