import assert from "node:assert/strict";
import { lastValueFrom, toArray } from "rxjs";
import { fit, type FitOptions, sgd, takeFirst } from "../../../mod.ts";
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
