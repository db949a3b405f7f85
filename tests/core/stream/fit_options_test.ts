import assert from "node:assert/strict";
import { lastValueFrom, tap, toArray } from "rxjs";
import { DataError, ShapeError } from "../../../core/graph/errors.ts";
import {
  accuracy,
  arrays,
  earlyStopping,
  evaluate,
  fit,
  type FitOptions,
  sgd,
  takeFirst,
} from "../../../mod.ts";
import { crossentropy, points, smallModel, weightsOf } from "../../training/pipes.ts";

const data = points(48);

async function fitted(options: Partial<FitOptions>) {
  const model = smallModel();
  const training = fit(model, data, {
    loss: crossentropy,
    optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }),
    epochs: 4,
    seed: 1,
    device: "cpu",
    threads: 1,
    ...options,
  });
  return { seen: await lastValueFrom(training.pipe(toArray())), weights: await weightsOf(model) };
}

Deno.test("fit accumulates gradients: a batch is so much larger", async () => {
  const large = await fitted({ batchSize: 24 });
  const gathered = await fitted({ batchSize: 8, accumulateGradients: 3 });
  for (const [name, values] of Object.entries(large.weights)) {
    values.forEach((value, at) => assert.ok(Math.abs(gathered.weights[name][at] - value) < 2e-6));
  }
});

Deno.test("fit hands on how often and how much to validate", async () => {
  const { seen } = await fitted({
    validation: data,
    validationFrequency: 2,
    validationSteps: 2,
    validationBatchSize: 10,
    sanitySteps: 1,
  });
  const validated = seen.map(({ logs }) => logs.val_loss);
  assert.deepEqual(validated.map((loss) => loss !== undefined), [false, true, false, true]);
  const { seen: few } = await fitted({ validation: takeFirst(data, 20), validationFrequency: 2 });
  assert.ok(Math.abs(validated[3] - few[3].logs.val_loss) < 1e-6);
});

// What a program in JavaScript may give.
// deno-lint-ignore no-explicit-any
type Any = any;

/** Options of another kind, and what the message says of them. */
const odd: Record<string, [options: Any, message: RegExp]> = {
  "one callback": [{ callbacks: earlyStopping() }, /callbacks must be a list of operators/],
  "a callback that was not called": [
    { callbacks: [earlyStopping] },
    /received the function earlyStopping \(call it: earlyStopping\(\)\) in it/,
  ],
  "no step operator": [{ stepOperators: [undefined] }, /stepOperators must.*received undefined in/],
  "one metric": [{ metrics: accuracy() }, /metrics must be a list, such as \[accuracy\(\)\]/],
  "a metric that was not called": [{ metrics: [accuracy] }, /the function accuracy \(call it/],
  "epochs as text": [{ epochs: "3" }, /received "3"/],
  "a class by name": [{ classWeight: { cat: 2 } }, /must be a class id.*received "cat"/],
  "a class far away": [{ classWeight: { 1e9: 2 } }, /below 65536: received "1000000000"/],
};
for (const [title, [options, message]] of Object.entries(odd)) {
  Deno.test(`fit refuses ${title} in words`, async () => {
    await assert.rejects(fitted(options), message);
  });
}

Deno.test("fit needs options", () => {
  assert.throws(() => (fit as Any)(smallModel(), data), /give a loss and an optimizer/);
});

Deno.test("validation data of another shape are refused at the first step", async () => {
  let steps = 0;
  const [x, y] = [[[1, 2, 3, 4, 5, 6, 7]], Int32Array.of(0)];
  const wide = fitted({ validation: arrays(x, y), stepOperators: [tap(() => steps++)] });
  await assert.rejects(wide, (error) => {
    assert(error instanceof ShapeError);
    assert.match(
      error.message,
      /^Cannot validate as.* \[\d\]: received \[7\] in the validation data/,
    );
    return true;
  });
  assert.equal(steps, 1);
  const targets = fitted({ validation: { ...data, y: arrays([1], [[1, 2, 3, 4, 5]]).y } as Any });
  await assert.rejects(targets, DataError);
  const rows = { data: new Float32Array(48 * 9), shape: [48, 9] };
  await assert.rejects(
    fitted({ validation: { ...data, y: rows } }),
    /^ShapeError: In validation: /,
  );
});

Deno.test("evaluate refuses a batch size that is none", async () => {
  const options = { loss: crossentropy, device: "cpu", threads: 1 } as const;
  for (const batchSize of [0, -1, 1.5, NaN, Infinity]) {
    await assert.rejects(
      evaluate(smallModel(), data, { ...options, batchSize }),
      new RegExp(`batchSize of evaluate .* whole number from 1: received ${batchSize}`),
    );
  }
});
