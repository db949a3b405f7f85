/** Short runs of every operator that has a state, saved and resumed at each of their steps. */
import assert from "node:assert/strict";
import { lastValueFrom, type MonoTypeOperatorFunction, type Observable, tap, toArray } from "rxjs";
import {
  accumulateGradients,
  accuracy,
  adam,
  adamw,
  backward,
  type Batch,
  batchNormalization,
  classWeight,
  confusionMatrix,
  decodeSafetensors,
  dense,
  type DeviceOptions,
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
  measure,
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
  type Updated,
} from "../../mod.ts";
import { inFolder } from "../core/stream/fake_epoch.ts";
import { deviceTest } from "./devices.ts";
import { crossentropy, points, weightsOf } from "./pipes.ts";

const data = points(40);

function deepModel(rate: number | Hyperparameter = 0.3): Model {
  return sequential([
    input([2]),
    dense(6, { name: "body" }),
    batchNormalization(),
    dropout(rate),
    dense(3, { name: "head" }),
  ], { seed: 5 });
}

/** A pipe to be resumed: made anew for each run. */
interface Pipe {
  readonly model: Model;
  /** The stages up to the update and what follows it among steps. */
  steps(source: Observable<Batch>): Observable<Updated>;
  /** Operators on epochs. */
  readonly callbacks?: readonly MonoTypeOperatorFunction<Epoch>[];
}

interface Result {
  readonly logs: Epoch["logs"][];
  readonly tables: Epoch["tables"][];
  readonly weights: Record<string, number[]>;
  readonly reason: string | undefined;
}

const settings = { batchSize: 8, epochs: 4, seed: 9 };

/** Runs a pipe, and saves it after every step in a folder. */
async function train(make: () => Pipe, folder: string, options: MiniBatchesOptions) {
  const { model, steps, callbacks = [] } = make();
  let run: Epoch["run"] | undefined;
  const saves: Promise<void>[] = [];
  const updated = steps(miniBatches(data, { ...settings, ...options })).pipe(
    measure(accuracy(), confusionMatrix(3)),
    tap((step) => {
      run = step.run;
      saves.push(step.run.save({}, async ({ bytes, complete }) => {
        assert.ok(complete);
        await Deno.writeFile(`${folder}/${step.step}`, bytes);
      }));
    }),
    epochs({ validation: data }),
  );
  const training = callbacks.reduce((stream, callback) => stream.pipe(callback), updated);
  const all = await lastValueFrom(training.pipe(toArray()));
  // A run that is stopped by an operator below is over before it is saved.
  await Promise.all(saves);
  const result: Result = {
    logs: all.map(({ logs }) => logs),
    tables: all.map(({ tables }) => tables),
    weights: await weightsOf(model),
    reason: run?.explanation,
  };
  return result;
}

/** What a file holds, apart from the order in which it holds it. */
function contents(path: string): unknown {
  const { tensors, metadata } = decodeSafetensors(Deno.readFileSync(path), path);
  const run = JSON.parse(metadata.run);
  const states = Object.entries(run.states).map(([name, text]) => [name, JSON.parse(`${text}`)]);
  return { run: { ...run, states: Object.fromEntries(states) }, tensors };
}

/**
 * Holds a pipe to its promise: resumed after any step it gives the same logs and weights, and the
 * files that it saves from there on are those of the unbroken run, so that a run resumed again and
 * again is as good.
 */
async function assertResumes(
  make: () => Pipe,
  options: MiniBatchesOptions,
  others: DeviceOptions = {},
): Promise<Result> {
  const results: Result[] = [];
  await inFolder(async (whole) => {
    const unbroken = await train(make, whole, options);
    results.push(unbroken);
    const steps = [...Deno.readDirSync(whole)].length;
    for (let step = 1; step <= steps; step++) {
      await inFolder(async (folder) => {
        const resume = `${whole}/${step}`;
        const resumed = await train(make, folder, { ...options, ...others, resume });
        const left = resumed.logs.length;
        assert.deepEqual(resumed.logs, unbroken.logs.slice(unbroken.logs.length - left));
        assert.deepEqual(resumed.tables, unbroken.tables.slice(unbroken.tables.length - left));
        assert.deepEqual(resumed.weights, unbroken.weights, `weights after step ${step}`);
        const names = [...Deno.readDirSync(folder)].map(({ name }) => Number(name));
        assert.equal(names.length, steps - step);
        for (const name of names) {
          const what = `the file of step ${name} after step ${step}`;
          assert.deepEqual(contents(`${folder}/${name}`), contents(`${whole}/${name}`), what);
        }
        if (left > 0) assert.equal(resumed.reason, unbroken.reason);
      });
    }
  });
  return results[0];
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
  "gradients that are accumulated, scaled, measured and made noisy": () => {
    const model = deepModel();
    return {
      model,
      steps: (source) =>
        scored(model, source).pipe(
          lossScaling({ growthSteps: 3 }),
          accumulateGradients(({ epoch }) => epoch + 2),
          gradientNoise({ eta: 0.01 }),
          gradientNorms(),
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

Deno.test("a run that was stopped early stays stopped, with its best weights", async () => {
  const { reason, logs } = await assertResumes(() => {
    const pipe = plain();
    const callbacks = [
      earlyStopping<Epoch>({ patience: 1, minDelta: 5, restoreBest: true }),
    ];
    return { ...pipe, callbacks };
  }, { device: "cpu", threads: 1 });
  assert.match(reason!, /has not improved on .* at epoch 2/);
  assert.equal(logs.length, 2);
});

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
