/** A pipe of operators with states on the device is resumed to the same bits, wherever it was saved. */
import assert from "node:assert/strict";
import { lastValueFrom, tap } from "rxjs";
import {
  accumulateGradients,
  adam,
  checkpoint,
  epochs,
  exponentialMovingAverage,
  forward,
  gradientNoise,
  gradientNorms,
  hyperparameter,
  loss,
  lossScaling,
  miniBatches,
  type MiniBatchesOptions,
  stochasticWeightAveraging,
  update,
  type Updated,
} from "../../../mod.ts";
import { crossentropy, points, smallModel, weightsOf } from "../../training/pipes.ts";
import { inFolder } from "./fake_epoch.ts";

const data = points(70);

/** Trains for four epochs of five steps; gives the weights and the logs of the last epoch. */
async function train(path: string, options: MiniBatchesOptions & { readonly everySteps?: number }) {
  const { everySteps = 1000, ...others } = options;
  const model = smallModel();
  const learningRate = hyperparameter(0.02);
  const seen: Updated[] = [];
  const differentiated = miniBatches(data, {
    batchSize: 16,
    epochs: 4,
    seed: 4,
    device: "cpu",
    threads: 1,
    ...others,
  }).pipe(
    forward(model),
    loss(crossentropy),
    lossScaling({ growthSteps: 3 }),
    accumulateGradients(2),
    gradientNoise({ eta: 0.01 }),
    gradientNorms(),
  );
  const steps = differentiated.pipe(
    update(adam({ learningRate })),
    exponentialMovingAverage({
      momentum: 0.9,
      validate: false,
      keep: false,
      overwriteFrequency: 4,
    }),
    stochasticWeightAveraging(learningRate, { swaLearningRate: 0.05, start: 2 }),
    checkpoint(path, { save: "last", keep: Infinity, everySteps }),
    tap((step) => void seen.push(step)),
  );
  const { logs } = await lastValueFrom(steps.pipe(epochs({ validation: data })));
  return { logs, weights: await weightsOf(model), steps: seen.length };
}

Deno.test("accumulation, noise, scaling and averages are resumed to the same bits", () =>
  inFolder(async (folder) => {
    const path = `${folder}/{step}.safetensors`;
    const whole = await train(path, { everySteps: 1 });
    assert.equal(whole.steps, 20);
    // Within an epoch and a gathering, at the end of an epoch, and while averages stand in.
    for (const step of [3, 5, 8, 15, 17, 19]) {
      const resumed = await train(path, { resume: `${folder}/${step}.safetensors` });
      assert.equal(resumed.steps, 20 - step);
      assert.deepEqual(resumed.weights, whole.weights);
      assert.deepEqual(resumed.logs, whole.logs);
    }
  }));
