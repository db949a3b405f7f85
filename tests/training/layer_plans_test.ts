/** What steps compute: nothing for what models lack, or do not learn. */
import assert from "node:assert/strict";
import { lastValueFrom } from "rxjs";
import { arrays, dense, input, sequential, sgd } from "../../mod.ts";
import { TestCpu } from "../core/cpu/test_cpu.ts";
import { mulberry32 } from "../core/ops/generator.ts";
import { crossentropy, d2, points, smallModel, steps } from "./pipes.ts";

const random = mulberry32(11);
const pixels = arrays(
  new Float32Array(64 * 784).map(() => random()),
  Uint8Array.from({ length: 64 }, (_, place) => place % 10),
);

/** The plan of the first step of `model`. (The last one of an epoch counts what was held back.) */
async function planOf(model: ReturnType<typeof d2>, dataSet: typeof pixels) {
  using device = new TestCpu(1);
  const settings = { batchSize: 32, device };
  await lastValueFrom(steps(model, dataSet, sgd(), settings, crossentropy));
  return device.plans[0];
}

Deno.test("a model without state and penalties has the kernels it had", async () => {
  const digits = await planOf(d2(), pixels);
  assert.deepEqual(digits.phases.map((phase) => phase.length), [16, 13]);
  const small = await planOf(smallModel(), points(64));
  assert.deepEqual(small.phases.map((phase) => phase.length), [12, 9]);
});

Deno.test("nothing is computed for the slopes of layers that are not trainable", async () => {
  const labels = async (trainable: boolean[]) => {
    const model = sequential([
      input([2]),
      dense(7, { trainable: trainable[0], activation: "tanh" }),
      dense(6, { trainable: trainable[1], activation: "tanh" }),
      dense(3),
    ]);
    const plan = await planOf(model, points(32));
    return plan.phases.flat().filter((call) => call.kind === "structured" && call.name === "matmul")
      .length;
  };
  // Three products forward; of a layer that learns one more for its kernel, and one for its inputs
  // where a layer before it learns.
  assert.equal(await labels([true, true]), 3 + 5);
  assert.equal(await labels([false, true]), 3 + 3);
  assert.equal(await labels([false, false]), 3 + 1);
  assert.equal(await labels([true, false]), 3 + 4);
});
