/** Short runs of every operator that has a state, saved and resumed at each of their steps. */
import assert from "node:assert/strict";
import { lastValueFrom, type Observable, tap } from "rxjs";
import {
  accumulateGradients,
  adam,
  adamw,
  backward,
  type Batch,
  batchNormalization,
  classWeight,
  dense,
  type Differentiated,
  dropout,
  dropoutSchedule,
  earlyStopping,
  type Epoch,
  epochs,
  exponentialDecay,
  exponentialMovingAverage,
  forward,
  freeze,
  gradientNoise,
  gradientNorms,
  history,
  type Hyperparameter,
  hyperparameter,
  input,
  learningRateSchedule,
  loss,
  lossScaling,
  miniBatches,
  type MiniBatchesOptions,
  type Model,
  reduceOnPlateau,
  scheduleFreeAdamW,
  type Scored,
  sequential,
  sgd,
  stochasticWeightAveraging,
  update,
} from "../../mod.ts";
import { inFolder } from "../core/stream/fake_epoch.ts";
import { deviceTest } from "./devices.ts";
import { crossentropy } from "./pipes.ts";
import { assertResumes, data, type Pipe, settings } from "./resume_each_step.ts";

function deepModel(rate: number | Hyperparameter = 0.3): Model {
  return sequential([
    input([2]),
    dense(6, { name: "body" }),
    batchNormalization(),
    dropout(rate),
    dense(3, { name: "head" }),
  ], { seed: 5 });
}

function scored(model: Model, source: Observable<Batch>): Observable<Scored> {
  return source.pipe(forward(model), loss(crossentropy));
}

const pipes: Record<string, () => Pipe> = {
  "dropout, momentum, moving averages, plateau and early stopping": () => {
    const model = deepModel();
    const rate = hyperparameter(0.3);
    return {
      model,
      steps: (source) =>
        scored(model, source).pipe(
          backward(),
          update(sgd({ learningRate: rate, momentum: 0.9 })),
          exponentialMovingAverage({ momentum: 0.8 }),
        ),
      callbacks: [
        reduceOnPlateau(rate, { patience: 1, factor: 0.5, minDelta: 0.5, cooldown: 1 }),
        earlyStopping({ patience: 2, minDelta: 0.3, restoreBest: true }),
      ],
    };
  },
  "averages of the last epochs": () => {
    const model = deepModel();
    const rate = hyperparameter(0.1);
    return {
      model,
      steps: (source) =>
        scored(model, source).pipe(
          backward(),
          update(adam({ learningRate: rate })),
          stochasticWeightAveraging(rate, { swaLearningRate: 0.05, start: 2, annealEpochs: 2 }),
        ),
    };
  },
  "weights that are frozen by a schedule, with averages of them": () => {
    const model = deepModel();
    return {
      model,
      steps: (source) =>
        scored(model, source).pipe(
          backward(),
          freeze((name, { epoch }) =>
            name.startsWith("body/") ? epoch % 2 === 0 : name.startsWith("head/") && epoch === 1
          ),
          update(adam({ learningRate: 0.05 })),
          exponentialMovingAverage({ momentum: 0.7, overwriteFrequency: 3 }),
        ),
    };
  },
  "two optimizers, and a rate that is set for each step above them": () => {
    const model = deepModel();
    const rate = hyperparameter(0.5);
    const halving = learningRateSchedule<Differentiated>(rate, ({ step }) => 0.5 / (1 + step), {
      every: "step",
    });
    return {
      model,
      steps: (source) =>
        scored(model, source).pipe(
          backward(),
          halving,
          update(sgd({ learningRate: rate, momentum: 0.5 }), { only: "head" }),
          update(
            adamw({
              learningRate: exponentialDecay({
                initialLearningRate: 0.1,
                decaySteps: 3,
                decayRate: 0.9,
              }),
            }),
            {
              only: ["body", "batch_normalization_1"],
            },
          ),
        ),
    };
  },
  "gradients that are accumulated, scaled, measured, made noisy and left out": () => {
    const model = deepModel();
    return {
      model,
      steps: (source) =>
        scored(model, source).pipe(
          lossScaling({ growthSteps: 3 }),
          accumulateGradients(({ epoch }) => epoch + 2),
          gradientNoise({ eta: 0.01 }),
          gradientNorms(),
          freeze((name, { epoch }) => epoch === 2 && name.startsWith("head/")),
          update(scheduleFreeAdamW({ learningRate: 0.05 })),
        ),
    };
  },
  "rates by epoch, and weights of classes": () => {
    const [rate, dropping] = [hyperparameter(0.5), hyperparameter(0.5)];
    const model = deepModel(dropping);
    return {
      model,
      steps: (source) =>
        source.pipe(
          classWeight({ 1: 3 }),
          forward(model),
          loss(crossentropy),
          backward(),
          update(sgd({ learningRate: rate })),
        ),
      callbacks: [
        learningRateSchedule(rate, ({ learningRate }) => learningRate * 0.8),
        dropoutSchedule(dropping, ({ epoch }) => 0.5 / (1 + epoch)),
      ],
    };
  },
};

for (const [name, make] of Object.entries(pipes)) {
  Deno.test(`resumed after every step: ${name}`, async () => {
    await assertResumes(make, { device: "cpu", threads: 1 });
  });
}

const plain = pipes["dropout, momentum, moving averages, plateau and early stopping"];

for (const restoreBest of [true, false]) {
  const kept = restoreBest ? "its best weights" : "the averages of its weights";
  Deno.test(`a run that was stopped early stays stopped, with ${kept}`, async () => {
    const { reason, logs } = await assertResumes(() => {
      const pipe = plain();
      const callbacks = [earlyStopping<Epoch>({ patience: 1, minDelta: 5, restoreBest })];
      return { ...pipe, callbacks };
    }, { device: "cpu", threads: 1 });
    assert.match(reason!, /has not improved on .* at epoch 2/);
    assert.equal(logs.length, 2);
  });
}

Deno.test("resumed after every step with another number of threads", async () => {
  await assertResumes(plain, { device: "cpu", threads: 1, epochs: 2 }, { threads: 2 });
});

for (
  const [name, options] of Object.entries<MiniBatchesOptions>({
    "epochs that are no passes": { stepsPerEpoch: 3, dropRemainder: true },
    "limited batches in their order": { limitBatches: 0.7, shuffle: false },
    "few batches again and again": { overfitBatches: 2, stepsPerEpoch: 3 },
  })
) {
  Deno.test(`resumed after every step: ${name}`, async () => {
    await assertResumes(plain, { device: "cpu", threads: 1, ...options });
  });
}

await deviceTest("resumed after every step", async (device) => {
  await assertResumes(plain, { device, epochs: 2 });
}, "webgpu");

Deno.test("history of a resumed run holds all epochs", () =>
  inFolder(async (folder) => {
    const run = (options: MiniBatchesOptions) => {
      const { model, steps } = plain();
      const source = miniBatches(data, {
        ...settings,
        device: "cpu",
        threads: 1,
        ...options,
      });
      const saving = steps(source).pipe(tap(({ run, step }) => {
        void run.save({}, ({ bytes }) => Deno.writeFile(`${folder}/${step}`, bytes));
      }));
      return lastValueFrom(saving.pipe(epochs({ validation: data }), history()))
        .then((gathered) => ({ gathered, model }));
    };
    const whole = await run({});
    for (const step of [3, 10, 20]) {
      const { gathered } = await run({ resume: `${folder}/${step}` });
      assert.deepEqual(gathered, whole.gathered);
    }
  }));
