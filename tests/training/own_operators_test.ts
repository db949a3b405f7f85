/** Operators of the user's that put maps and records together anew at each step: the step is the same. */
import assert from "node:assert/strict";
import { lastValueFrom, map, type Observable, tap } from "rxjs";
import {
  arrays,
  backward,
  Batch,
  connect,
  dense,
  Differentiated,
  forward,
  Forwarded,
  functional,
  gradients,
  input,
  loss,
  meanSquaredError,
  mergeLambda,
  miniBatches,
  sgd,
  type Tensor,
  tensor,
  update,
} from "../../mod.ts";
import { TestCpu } from "../core/cpu/test_cpu.ts";

const rows = (width: number) =>
  Array.from(
    { length: 12 },
    (_, at) => Array.from({ length: width }, (_, i) => Math.sin(at * 3 + i)),
  );
const data = arrays({ a: rows(2), b: rows(3) }, { sum: rows(1) });

function network() {
  const [a, b] = [input([2]), input([3])];
  const sum = connect(
    [connect(a, dense(1)), connect(b, dense(1))],
    mergeLambda(([one, other]) => one.add(other)),
  );
  return functional({ inputs: { a, b }, outputs: { sum }, seed: 2 });
}

/** The plans of twelve steps, and the weights after them. */
async function train(halve: boolean, double: boolean, scale: boolean) {
  using device = new TestCpu(1);
  const model = network();
  type Given = Batch<{ a: Tensor; b: Tensor }, { sum: Tensor }>;
  type Made = Forwarded<{ a: Tensor; b: Tensor }, { sum: Tensor }, { sum: Tensor }>;
  const batches = miniBatches(data, { device, batchSize: 4, epochs: 4 }) as Observable<Given>;
  const steps = batches.pipe(
    map((batch) =>
      halve ? new Batch(batch.frame, { ...batch.x, a: batch.x.a.mul(0.5) }, { ...batch.y }) : batch
    ),
    forward(model),
    map((step): Made =>
      double ? new Forwarded(step, step.model, { sum: step.outputs.sum.mul(2) }) : step
    ),
    loss({ sum: meanSquaredError() }),
    backward(),
    map((step) =>
      scale
        ? new Differentiated(step, new Map([...step.gradients].map(([p, g]) => [p, g.mul(0.25)])))
        : step
    ),
    update(sgd({ learningRate: 0.1 })),
  );
  await lastValueFrom(steps);
  return { plans: device.plans.length, weights: model.parameters.map(({ value }) => [...value]) };
}

Deno.test("inputs, outputs and gradients that are put together at each step make no other plan", async () => {
  const plain = await train(false, false, false);
  const own = await train(true, true, true);
  assert.notDeepEqual(own.weights, plain.weights);
  assert.equal(own.plans, plain.plans);
});

Deno.test("a number that an operator asks for is checked by its name", async () => {
  const steps = miniBatches(data, { device: "cpu", threads: 1 }).pipe(
    tap((step) => void step.context.scalar(NaN, "share")),
  );
  await assert.rejects(lastValueFrom(steps), /^RangeError: Cannot use share as .*received NaN/);
});

Deno.test("another gradient in a map is another map", async () => {
  const once = await train(false, false, true);
  assert.notDeepEqual(once.weights, (await train(false, false, false)).weights);
});

Deno.test("a gradient that is taken again is the same tensor, by the same sources and constants alone", () => {
  const [x, y] = [tensor([1, 2]), tensor([3, 4])];
  const product = x.mul(y).square();
  const z = product.sum();
  const [one] = gradients(z, [x]);
  assert.equal(gradients(z, [x])[0], one);
  assert.notEqual(gradients(z, [y])[0], one);
  assert.notEqual(gradients(z, [x], tensor(2))[0], one);
  assert.deepEqual(gradients(z, [x, y]), [one, gradients(z, [y])[0]]);
  const [held] = gradients(z.add(x.sum()), [x], undefined, [product]);
  assert.notEqual(gradients(z.add(x.sum()), [x])[0], held);
  const result = gradients(z, [x]);
  result.pop();
  assert.equal(gradients(z, [x]).length, 1);
});
