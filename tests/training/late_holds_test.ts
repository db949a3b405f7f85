/** Promises that are put on a step or an epoch after the chain below has returned. */
import assert from "node:assert/strict";
import { lastValueFrom, NEVER, startWith, tap } from "rxjs";
import {
  arrays,
  type Batch,
  batchesFrom,
  dense,
  fit,
  forward,
  input,
  meanSquaredError,
  miniBatches,
  sequential,
  sgd,
} from "../../mod.ts";

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
