/** What is over in one step starts no threads: they would take longer than the step. */
import assert from "node:assert/strict";
import {
  arrays,
  dense,
  evaluate,
  input,
  meanSquaredError,
  predict,
  sequential,
} from "../../mod.ts";

const model = sequential([input([200]), dense(300, { activation: "relu" }), dense(2)], { seed: 1 });
const rows = (count: number) => ({
  data: Float32Array.from({ length: 200 * count }, (_, at) => Math.sin(at)),
  shape: [count, 200],
});
const options = { device: "cpu", threads: 2 } as const;

/** Workers that are started while `action` runs. */
async function workersOf(action: () => Promise<unknown>): Promise<number> {
  const { Worker } = globalThis;
  let started = 0;
  globalThis.Worker = class extends Worker {
    constructor(...given: ConstructorParameters<typeof Worker>) {
      super(...given);
      started++;
    }
  };
  try {
    await action();
  } finally {
    globalThis.Worker = Worker;
  }
  return started;
}

Deno.test("a prediction or evaluation of one batch starts no threads, one of several does", async () => {
  const scored = { loss: meanSquaredError(), batchSize: 30 };
  const y = (count: number) => ({ data: new Float32Array(2 * count).fill(0.5), shape: [count, 2] });
  for (const [samples, started] of [[30, 0], [90, 1]]) {
    const set = arrays(rows(samples), y(samples));
    const batched = { ...options, batchSize: 30 };
    assert.equal(await workersOf(() => predict(model, rows(samples), batched)), started);
    assert.equal(await workersOf(() => evaluate(model, set, { ...options, ...scored })), started);
  }
});

Deno.test("the results are the same bits, whenever threads join", async () => {
  const one = await predict(model, rows(300), { device: "cpu", threads: 1, batchSize: 16 });
  for (const batchSize of [16, 300]) {
    assert.deepEqual(await predict(model, rows(300), { ...options, batchSize }), one);
  }
});
