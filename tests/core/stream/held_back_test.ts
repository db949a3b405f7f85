import assert from "node:assert/strict";
import { lastValueFrom, toArray } from "rxjs";
import {
  adam,
  arrays,
  backward,
  dense,
  epochs,
  fit,
  flatten,
  forward,
  input,
  type Loss,
  loss,
  miniBatches,
  type MiniBatchesOptions,
  multiHeadAttention,
  NonFiniteError,
  sequential,
  sgd,
  sparseCategoricalCrossentropy,
  sqrt,
  square,
  stopOnNaN,
  sum,
  update,
} from "../../../mod.ts";
import { testOnDevices } from "../../devices.ts";
import { captureErrors } from "./fake_epoch.ts";

/** The length of the outputs: 0 at 0, where its gradient is 0 / 0. */
const length: Loss = {
  name: "length",
  apply: (_targets, outputs) => sqrt(sum(square(outputs), [1])),
};

/** With zeros in its kernel the second layer gives 0 whatever comes in. */
function training(options: MiniBatchesOptions, kernelInitializer: "zeros" | "ones" = "zeros") {
  const model = sequential([
    input([2]),
    dense(3),
    dense(2, { kernelInitializer }),
  ], { seed: 1 });
  const x = Array.from({ length: 150 }, (_, at) => [Math.sin(at), Math.cos(at)]);
  const data = arrays(x, x.map(() => [0, 0]));
  const steps = miniBatches(data, { batchSize: 1, seed: 1, ...options }).pipe(
    forward(model),
    loss(length),
    backward(),
    update(adam()),
  );
  return { model, epochs: steps.pipe(epochs()) };
}

await testOnDevices(
  "weights that NaN gradients hold back end the run, with step and layer",
  async (options) => {
    const { model, epochs } = training(options);
    const before = model.parameters.map(({ value }) => [...value]);
    const error = await lastValueFrom(epochs).then(
      () => assert.fail("it ended well"),
      (error) => error,
    );
    assert.ok(error instanceof NonFiniteError);
    assert.equal(error.step, 100);
    assert.equal(error.layer, "dense_2");
    assert.match(
      error.message,
      /^The update of dense_2\/bias is NaN or infinite in 2 of 2 elements at step 100, though the loss is finite/,
    );
    model.parameters.forEach(({ value }, place) => assert.deepEqual([...value], before[place]));
  },
);

await testOnDevices("gradients that are finite end nothing", async (options) => {
  const seen = await lastValueFrom(training(options, "ones").epochs.pipe(toArray()));
  assert.equal(seen.length, 1);
  assert.deepEqual(Object.keys(seen[0].logs), ["loss", "learning_rate"]);
});

Deno.test("the last step of an epoch counts what is held back too", async () => {
  const { epochs } = training({ device: "cpu", batchSize: 50 });
  await assert.rejects(lastValueFrom(epochs), /at step 3, though the loss is finite/);
});

Deno.test("stopOnNaN ends quietly where weights are held back, and says in which layer", async () => {
  const { epochs } = training({ device: "cpu", batchSize: 50 });
  const said = await captureErrors(async () => {
    assert.deepEqual(await lastValueFrom(epochs.pipe(stopOnNaN(), toArray())), []);
  });
  assert.equal(said.length, 1);
  assert.match(said[0], /^stopOnNaN: The update of dense_2\/bias .*; training was stopped$/);
});

Deno.test("a layer whose outputs the next one reshapes is named for its own NaN", async () => {
  const model = sequential([
    input([3, 2]),
    dense(2),
    multiHeadAttention(2, 2),
    flatten(),
    dense(2),
  ], { seed: 1 });
  model.weights.get("multi_head_attention_1/value_kernel")!.set(new Float32Array(8).fill(3e38));
  const data = arrays([[[1, 2], [3, 4], [5, 6]]], [1]);
  const scored = sparseCategoricalCrossentropy({ fromLogits: true });
  await assert.rejects(
    lastValueFrom(fit(model, data, { device: "cpu", threads: 1, loss: scored, optimizer: sgd() })),
    /first in multi_head_attention_1:/,
  );
});
