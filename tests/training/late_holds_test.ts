/** Promises that are put on a step or an epoch after the chain below has returned. */
import assert from "node:assert/strict";
import { delay, lastValueFrom, type MonoTypeOperatorFunction, NEVER, startWith, tap } from "rxjs";
import {
  arrays,
  backward,
  type Batch,
  batchesFrom,
  checkpoint,
  dense,
  epochs,
  findLearningRate,
  fit,
  forward,
  hyperparameter,
  input,
  learningRateSchedule,
  loss,
  meanSquaredError,
  miniBatches,
  profile,
  sequential,
  sgd,
  update,
} from "../../mod.ts";
import { FakeWriter, inFolder } from "../core/stream/fake_epoch.ts";

// deno-lint-ignore no-explicit-any
type Any = any;

const rows = Array.from({ length: 12 }, (_, at) => [Math.sin(at)]);
const data = arrays(rows, rows);
const network = () => sequential([input([1]), dense(1)], { seed: 1 });
const cpu = { device: "cpu", threads: 1 } as const;
const options = { loss: meanSquaredError(), optimizer: sgd({ learningRate: 0.1 }), ...cpu };
const later = (milliseconds: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

Deno.test("the next step waits for what a held promise has put on the step, and so does the end", async () => {
  const seen: string[] = [];
  const note = async (step: Batch) => {
    await later(1);
    step.hold(later(5).then(() => seen.push(`done ${step.step}`)));
  };
  const steps = miniBatches(data, { batchSize: 6, ...cpu }).pipe(
    forward(network()),
    tap((step) => {
      seen.push(`step ${step.step}`);
      step.hold(note(step));
    }),
  );
  await lastValueFrom(steps);
  assert.deepEqual(seen, ["step 1", "done 1", "step 2", "done 2"]);
});

const failing = () => Promise.reject(new Error("It could not be saved"));

Deno.test("a promise that is put on a step late, and fails, ends the run", async () => {
  const training = fit(network(), data, {
    ...options,
    stepOperators: [tap((step) => void step.values().then(() => step.hold(failing())))],
  });
  await assert.rejects(lastValueFrom(training), /It could not be saved/);
});

Deno.test("a promise that is put on an epoch late is waited for, and its error ends the run", async () => {
  const saved: number[] = [];
  const training = fit(network(), data, { ...options, epochs: 3 }).pipe(
    tap((epoch) => {
      const saving = async () => {
        await later(1);
        epoch.hold(later(5).then(() => saved.push(epoch.epoch)));
      };
      epoch.hold(saving());
      assert.equal(saved.length, epoch.epoch - 1);
    }),
  );
  await lastValueFrom(training);
  assert.deepEqual(saved, [1, 2, 3]);
  const ending = fit(network(), data, options).pipe(
    tap((epoch) => epoch.hold(later(1).then(() => epoch.hold(failing())))),
  );
  await assert.rejects(lastValueFrom(ending), /It could not be saved/);
});

Deno.test("a held promise that fails ends a run that waits for its next batch", async () => {
  const steps = batchesFrom(NEVER.pipe(startWith(data)), cpu).pipe(
    forward(network()),
    tap((step) => void later(2).then(() => step.hold(failing()))),
  );
  await assert.rejects(lastValueFrom(steps), /It could not be saved/);
});

/** Operators on steps that a delay above makes hear of them too late. */
const delayed: Record<string, (folder: string) => MonoTypeOperatorFunction<Any>> = {
  epochs: () => epochs() as Any,
  findLearningRate: () => findLearningRate(hyperparameter(0.1), { steps: 5 }) as Any,
  learningRateSchedule: () =>
    learningRateSchedule(hyperparameter(0.1), () => 0.1, { every: "step" }),
  profile: () => profile({ warmUp: 1, steps: 3, output: new FakeWriter() }),
  checkpoint: (folder) => checkpoint(`${folder}/a.safetensors`, { save: "last", everySteps: 2 }),
};

for (const [name, operator] of Object.entries(delayed)) {
  Deno.test(`${name} below a delay says what is wrong`, () =>
    inFolder(async (folder) => {
      const steps = miniBatches(data, { batchSize: 2, epochs: 2, ...cpu }).pipe(
        forward(network()),
        loss(meanSquaredError()),
        backward(),
        update(sgd()),
        delay(20),
      );
      await assert.rejects(
        lastValueFrom(steps.pipe(operator(folder))),
        /^DisposedError: Cannot follow step .* must be synchronous \(no delay/,
      );
    }));
}

Deno.test("a step that was the last is followed a moment later, with what it has recorded", async () => {
  const steps = miniBatches(data, { batchSize: 6, ...cpu }).pipe(
    forward(network()),
    loss(meanSquaredError()),
    backward(),
    update(sgd()),
    tap((step) => step.hold(later(10))),
    delay(2),
  );
  const seen = await lastValueFrom(steps.pipe(epochs({ validation: data })));
  const { logs } = await lastValueFrom(
    fit(network(), data, { ...options, optimizer: sgd(), batchSize: 6, validation: data }),
  );
  assert.deepEqual(seen.logs, logs);
});
