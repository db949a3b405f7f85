/** Groups of stages in branches of their own, which learn at some steps alone. */
import assert from "node:assert/strict";
import {
  filter,
  lastValueFrom,
  merge,
  type MonoTypeOperatorFunction,
  type Observable,
  share,
  tap,
  toArray,
} from "rxjs";
import {
  adam,
  type AnyUpdated,
  arrays,
  backward,
  type Batch,
  dense,
  earlyStopping,
  epochs,
  forward,
  gaussianNoise,
  input,
  loss,
  meanSquaredError,
  miniBatches,
  type MiniBatchesOptions,
  sequential,
  update,
  type Updated,
} from "../../mod.ts";
import { mulberry32 } from "../core/ops/generator.ts";
import { inFolder } from "../core/stream/fake_epoch.ts";
import { warningsOf } from "../warnings.ts";

const random = mulberry32(8);
const rows = (width: number) =>
  Array.from({ length: 6 }, () => Array.from({ length: width }, () => random() * 2 - 1));
const data = arrays(rows(4), rows(1));
const every = (steps: number) => filter<Batch>(({ step }) => step % steps === 0);

/** Three networks, of which the second and third learn at every third and every second step. */
function branches(options: MiniBatchesOptions) {
  const networks = [1, 2, 3].map((seed) =>
    sequential([input([4]), gaussianNoise(0.3), dense(3), dense(1)], { seed })
  );
  const group = (place: number) => (steps: Observable<Batch>) =>
    steps.pipe(
      forward(networks[place]),
      loss(meanSquaredError(), { name: `loss_${place}` }),
      backward(),
      update(adam({ learningRate: 0.01 * (place + 1) })),
    );
  const settings = { device: "cpu", threads: 1, seed: 3, ...options } as const;
  const all = miniBatches(data, settings).pipe(group(0), share());
  const steps = merge(all, all.pipe(every(3), group(1)), all.pipe(every(2), group(2)));
  return { networks, steps, group, settings };
}

/** Saves the run at every step, to a file of its number, unless it goes on from such a file itself. */
function saveEach(folder: string, resume?: string): MonoTypeOperatorFunction<Updated> {
  const saved = new Set<number>();
  return tap(({ step, run }) => {
    if (resume || saved.has(step)) return;
    saved.add(step);
    void run.save({}, ({ bytes }) => Deno.writeFile(`${folder}/${step}`, bytes));
  });
}

Deno.test("branches at some steps alone go on to the same bits from every step", () =>
  inFolder(async (folder) => {
    const run = async (resume?: string) => {
      const { networks, steps } = branches({ batchSize: 1, epochs: 2, resume });
      await lastValueFrom(steps.pipe(saveEach(folder, resume)));
      return networks.map(({ parameters }) => parameters.map(({ value }) => [...value]));
    };
    const whole = await run();
    for (let step = 1; step < 12; step++) {
      assert.deepEqual(await run(`${folder}/${step}`), whole, `after step ${step}`);
    }
  }));

Deno.test("earlyStopping of a resumed run puts back the best weights of all branches", () =>
  inFolder(async (folder) => {
    const run = async (resume?: string) => {
      const { networks, steps } = branches({ batchSize: 1, epochs: 3, resume });
      const training = steps.pipe(
        saveEach(folder, resume),
        epochs(),
        // The first epoch is the best one: the loss falls.
        earlyStopping({ monitor: "loss_0", mode: "max", patience: 9, restoreBest: true }),
      );
      await lastValueFrom(training, { defaultValue: undefined });
      return networks.map(({ parameters }) => parameters.map(({ value }) => [...value]));
    };
    const whole = await run();
    for (const step of [4, 6, 8, 12, 15, 18]) {
      assert.deepEqual(await run(`${folder}/${step}`), whole, `after step ${step}`);
    }
  }));

Deno.test("an epoch of a resumed run logs what branches recorded before, though they do not come again", () =>
  inFolder(async (folder) => {
    const run = async (resume?: string) => {
      const { steps } = branches({ batchSize: 1, epochs: 2, resume });
      const training = steps.pipe(
        saveEach(folder, resume),
        epochs(),
      );
      return (await lastValueFrom(training.pipe(toArray()))).map((
        { logs, tables, directions },
      ) => ({
        names: Object.keys(logs),
        ...{ logs, tables, directions },
      }));
    };
    const whole = await run();
    for (let step = 1; step < 12; step++) {
      assert.deepEqual(await run(`${folder}/${step}`), whole.slice(step < 6 ? 0 : 1), `${step}`);
    }
  }));

const validated = ({ logs }: { readonly logs: object }) =>
  Object.keys(logs).filter((name) => name.startsWith("val_")).sort().join();

Deno.test("branches are gathered once an epoch, and validated where they do not learn last", async () => {
  // Three steps an epoch: the third network learns at the second one of the first epoch.
  const { steps } = branches({ batchSize: 2, epochs: 3 });
  const gathered = await lastValueFrom(steps.pipe(epochs({ validation: data }), toArray()));
  assert.deepEqual(gathered.map(({ epoch, step }) => [epoch, step]), [[1, 3], [2, 6], [3, 9]]);
  const all = "val_loss_0,val_loss_1,val_loss_2";
  assert.deepEqual(gathered.map(validated), [all, all, all]);
  // Four and four steps: the second network comes with the third step, and is then known.
  const late = branches({ batchSize: 2, epochs: 4, stepsPerEpoch: 2 }).steps;
  const known = await lastValueFrom(late.pipe(epochs({ validation: data }), toArray()));
  assert.deepEqual(known.map(validated), ["val_loss_0,val_loss_2", all, all, all].map(inOrder));
});

const inOrder = (names: string) => names.split(",").sort().join();

Deno.test("an epoch whose last step is let through by no filter is warned of, once", async () => {
  const { group, settings } = branches({});
  const run = (steps: number) => () => {
    const source: Observable<AnyUpdated> = miniBatches(data, {
      ...settings,
      batchSize: 2,
      epochs: 4,
    }).pipe(every(steps), group(0));
    return lastValueFrom(source.pipe(epochs(), toArray()));
  };
  const warnings = await warningsOf(run(2));
  assert.equal(warnings.length, 1);
  assert.match(warnings[0], /epochs has not seen the last step of epoch 1, .* share\(\)/);
  assert.deepEqual(await warningsOf(run(3)), []);
});
