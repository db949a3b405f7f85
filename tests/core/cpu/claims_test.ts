/** Calls whose units threads claim as they go, so that one that is held up leaves more to others. */
import assert from "node:assert/strict";
import { findChains } from "../../../core/cpu/chains.ts";
import { findClaims } from "../../../core/cpu/claims.ts";
import { openCpu } from "../../../core/cpu/device.ts";
import { evaluateTensors } from "../../../core/cpu/evaluate.ts";
import { openReference } from "../../../core/cpu/reference_device.ts";
import type { Device } from "../../../core/graph/device.ts";
import { inputLeaf, stateLeaf } from "../../../core/graph/leaf.ts";
import { planProgram } from "../../../core/graph/plan.ts";
import { createProgram } from "../../../core/graph/program.ts";
import {
  exp,
  gradients,
  matmul,
  mul,
  relu,
  sub,
  sum,
  tanh,
  tensor,
} from "../../../core/ops/mod.ts";
import { numbers } from "./kernel_world.ts";

const next = numbers(23);

function random(shape: number[]) {
  const size = shape.reduce((product, length) => product * length, 1);
  return tensor(Float32Array.from({ length: size }, () => next(2001) / 1000 - 1), { shape });
}

/** Two dense layers and their kernels after a step of gradient descent. */
function network(batch: number, features: number, units: number, classes: number) {
  const x = random([batch, features]);
  const [w1, w2] = [random([features, units]), random([units, classes])];
  const loss = sum(mul(matmul(relu(matmul(x, w1)), w2), random([batch, classes])));
  const [g1, g2] = gradients(loss, [w1, w2]);
  return [loss, sub(w1, mul(g1, 1e-3)), sub(w2, mul(g2, 1e-3))];
}

function claimsOf(tensors: ReturnType<typeof network>) {
  const plan = planProgram(createProgram(tensors, []), { overwrite: true });
  return plan.phases.flatMap((phase) =>
    findClaims(phase, findChains(phase, plan.buffers)).map(({ first, length, least }) => {
      const { units } = phase[first].partition;
      assert.ok(least >= 1 && least <= units / 4, `claims of ${least} of ${units}`);
      return phase.slice(first, first + length).map(({ label }) => label.operations);
    })
  );
}

Deno.test("claims: large products are claimed, with the update of what they give", () => {
  assert.deepEqual(claimsOf(network(128, 784, 512, 300)), [
    ["matmul"],
    ["matmul"],
    ["matmul"],
    ["matmul", "mul + sub"],
    ["matmul", "mul + sub"],
  ]);
});

Deno.test("claims: the shares of small networks are fixed", () => {
  assert.deepEqual(claimsOf(network(32, 784, 30, 10)), []);
});

Deno.test("claims: a call that another one of its phase needs keeps its fixed shares", () => {
  const plan = planProgram(createProgram(network(128, 784, 512, 300), []), { overwrite: true });
  const phase = plan.phases.find((calls) =>
    findClaims(calls, []).some(({ length }) => length > 1)
  )!;
  const [{ first, length }] = findClaims(phase, []).filter((claims) => claims.length > 1);
  assert.equal(length, 2);
  // The update alone, apart from its product by a call between them.
  const other = network(300, 784, 301, 10);
  const [between] = planProgram(createProgram(other, []), { overwrite: true }).phases.flat();
  const [product, update] = phase.slice(first, first + 2);
  for (const apart of [[product, between, update], [update, between, product]]) {
    const places = findClaims(apart, []).map((claims) => claims.first);
    assert.ok(!places.includes(0) && !places.includes(2), `claimed: ${places}`);
  }
});

Deno.test("claims: a chain of calls that have nothing to do with each other stays whole", () => {
  const [x, y] = ["x", "y"].map((name) => inputLeaf(name, [256, 8000], "f32"));
  const plan = planProgram(createProgram([exp(x), tanh(y)], []), { overwrite: true });
  const [phase] = plan.phases;
  const chains = findChains(phase, plan.buffers);
  assert.deepEqual(chains.map(({ first, length }) => [first, length]), [[0, 2]]);
  const claims = findClaims(phase, chains);
  assert.deepEqual(claims.map(({ first, length }) => [first, length]), [[0, 2]]);
});

Deno.test("claims: what a call reads is replaced within the same claims", () => {
  const state = stateLeaf("w", [512, 8000]);
  const program = createProgram([sum(state, [1])], [{ state, value: mul(state, 0.5) }]);
  const [phase, ...others] = planProgram(program, { overwrite: true }).phases;
  assert.deepEqual([phase.length, others.length], [2, 0]);
  const claims = findClaims(phase, []);
  assert.deepEqual(claims.map(({ first, length }) => [first, length]), [[0, 2]]);
});

Deno.test("claims: on any number of threads the results have the bits of one", async () => {
  const tensors = network(131, 517, 389, 203);
  assert.ok(claimsOf(tensors).length >= 4);
  const devices = [1, 2, 3, 5].map((threads) => openCpu({ threads }));
  // Workers come a moment later.
  await new Promise((resolve) => setTimeout(resolve, 300));
  const run = async (device: Device) =>
    (await evaluateTensors(tensors, device)).map((data) => Array.from(data));
  const expected = await run(devices[0]);
  assert.ok(expected[0].every(Number.isFinite));
  for (let round = 0; round < 4; round++) {
    for (const device of devices) assert.deepEqual(await run(device), expected);
  }
  for (const device of devices) device.dispose();
});

Deno.test("claims: step after step, as the reference trains", async () => {
  const [x, target] = [random([128, 390]), random([128, 260])];
  const start = random([390, 260]);
  const weights = stateLeaf("w", [390, 260]);
  const error = sub(matmul(x, weights), target);
  const [gradient] = gradients(sum(mul(error, error)), [weights]);
  // The products by columns and by rows, whose second operands change with every step.
  const program = createProgram([], [{ state: weights, value: sub(weights, mul(gradient, 1e-3)) }]);
  const train = async (device: Device) => {
    const storage = device.allocate("f32", weights.size, "w");
    storage.write(await start.data());
    const executable = device.prepare(program, () => storage);
    const workers = performance.now() + 300;
    while (performance.now() < workers) await new Promise((resolve) => setTimeout(resolve, 10));
    for (let step = 0; step < 12; step++) await executable.run([]);
    const trained = Array.from(await storage.read());
    executable.dispose();
    storage.dispose();
    device.dispose();
    return trained;
  };
  const one = await train(openCpu({ threads: 1 }));
  for (const threads of [2, 3]) assert.deepEqual(await train(openCpu({ threads })), one);
  const expected = await train(openReference());
  const scale = Math.max(...expected.map(Math.abs));
  expected.forEach((right, place) => {
    assert.ok(
      Math.abs(right - one[place]) <= 1e-4 * scale,
      `${place}: ${one[place]}, not ${right}`,
    );
  });
});
