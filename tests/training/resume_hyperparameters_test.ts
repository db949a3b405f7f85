/** Hyperparameters that operators above the stages set for each step, in a run that is resumed. */
import assert from "node:assert/strict";
import { lastValueFrom, tap } from "rxjs";
import {
  arrays,
  backward,
  connect,
  dense,
  dropout,
  forward,
  functional,
  type Hyperparameter,
  hyperparameter,
  input,
  loss,
  meanSquaredError,
  miniBatches,
  rmsprop,
  update,
} from "../../mod.ts";
import { inFolder } from "../core/stream/fake_epoch.ts";
import { mulberry32 } from "../core/ops/generator.ts";
import { weightsOf } from "./pipes.ts";

const random = mulberry32(4);
const rows = (width: number) =>
  Array.from({ length: 12 }, () => Array.from({ length: width }, () => random() - 0.5));
const data = arrays({ x: rows(3) }, { one: rows(2), two: rows(1) });

/** Trains on two outputs, with a number of each kind that `set` changes above all stages. */
async function train(
  set: (rate: Hyperparameter, step: number) => void,
  { resume, save }: { resume?: string; save?: string },
) {
  const [rate, rho, momentum, decay, weight] = [0.5, 0.9, 0.8, 0.3, 0.7].map((value) =>
    hyperparameter(value)
  );
  const x = input([3]);
  const hidden = connect(x, dense(5, { activation: "tanh" }), dropout(rate));
  const outputs = { one: connect(hidden, dense(2)), two: connect(hidden, dense(1)) };
  const model = functional({ inputs: { x }, outputs, seed: 3 });
  const steps = miniBatches(data, {
    batchSize: 4,
    epochs: 2,
    seed: 1,
    device: "cpu",
    threads: 1,
    resume,
  }).pipe(
    tap(({ step }) => [rate, rho, momentum, decay, weight].forEach((number) => set(number, step))),
    forward(model),
    loss({ one: meanSquaredError(), two: meanSquaredError() }, { lossWeights: { two: weight } }),
    backward(),
    update(rmsprop({ learningRate: 0.01, rho, momentum, weightDecay: decay })),
    tap(({ run, step }) => {
      if (save) void run.save({}, ({ bytes }) => Deno.writeFile(`${save}/${step}`, bytes));
    }),
  );
  await lastValueFrom(steps);
  return await weightsOf(model);
}

for (
  const [title, set] of Object.entries<(rate: Hyperparameter, step: number) => void>({
    "by its number": (rate, step) => rate.next(0.9 - 0.1 * step),
    "by what they were": (rate) => rate.next(rate.value * 0.8),
  })
) {
  Deno.test(`hyperparameters that are set for each step ${title} are those of an unbroken run`, () =>
    inFolder(async (folder) => {
      const expected = await train(set, { save: folder });
      for (let step = 1; step < 6; step++) {
        const resumed = await train(set, { resume: `${folder}/${step}` });
        assert.deepEqual(resumed, expected, `after step ${step}`);
      }
    }));
}
