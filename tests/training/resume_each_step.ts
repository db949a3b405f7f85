/** Holds a pipe to its promise: it is saved at each step, and resumed from all of them. */
import assert from "node:assert/strict";
import { lastValueFrom, type MonoTypeOperatorFunction, type Observable, tap, toArray } from "rxjs";
import {
  accuracy,
  type Batch,
  confusionMatrix,
  decodeSafetensors,
  type DeviceOptions,
  type Epoch,
  epochs,
  measure,
  miniBatches,
  type MiniBatchesOptions,
  type Model,
  type Updated,
} from "../../mod.ts";
import { inFolder } from "../core/stream/fake_epoch.ts";
import { points, weightsOf } from "./pipes.ts";

/** The data of all runs. */
export const data = points(40);

/** A pipe to be resumed: made anew for each run. */
export interface Pipe {
  readonly model: Model;
  /** The stages up to the update and what follows it among steps. */
  steps(source: Observable<Batch>): Observable<Updated>;
  /** Operators on epochs. */
  readonly callbacks?: readonly MonoTypeOperatorFunction<Epoch>[];
}

export interface Result {
  readonly logs: Epoch["logs"][];
  readonly tables: Epoch["tables"][];
  readonly weights: Record<string, number[]>;
  readonly reason: string | undefined;
}

/** Options of all runs. */
export const settings = { batchSize: 8, epochs: 4, seed: 9 };

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
export async function assertResumes(
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
