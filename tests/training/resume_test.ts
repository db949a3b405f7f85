/** A run that is resumed from a file goes on to the same bits, wherever it was saved. */
import assert from "node:assert/strict";
import { defer, lastValueFrom, type MonoTypeOperatorFunction, take, tap, toArray } from "rxjs";
import {
  accuracy,
  backward,
  dense,
  dropout,
  type Epoch,
  epochs,
  forward,
  hyperparameter,
  input,
  keepState,
  loss,
  measure,
  miniBatches,
  type MiniBatchesOptions,
  type Model,
  openDevice,
  sequential,
  sgd,
  type Snapshot,
  type StateValue,
  update,
  type Updated,
} from "../../mod.ts";
import { deviceTest } from "./devices.ts";
import { crossentropy, points, weightsOf } from "./pipes.ts";

const data = points(70);
const stepsPerEpoch = 5;
const epochCount = 5;

function makeModel(): Model {
  return sequential([input([2]), dense(8, { activation: "tanh" }), dropout(0.3), dense(3)], {
    seed: 5,
  });
}

/** Cuts the rate at every epoch that is not far better, and keeps the best weights: both kept. */
function cutAndKeep(rate: ReturnType<typeof hyperparameter>): MonoTypeOperatorFunction<Epoch> {
  return (source) =>
    defer(() => {
      let state: { best: number; wait: number; kept: Snapshot | null } = {
        best: Infinity,
        wait: -0,
        kept: null,
      };
      const kept = keepState<Epoch>("cutAndKeep", {
        save: () => ({ ...state }),
        restore: (saved: StateValue) => state = saved as unknown as typeof state,
      });
      return source.pipe(
        kept,
        tap(({ logs, run }) => {
          if (logs.val_loss < state.best * 0.1) {
            state = { best: logs.val_loss, wait: 0, kept: run.snapshot() };
          } else state = { ...state, wait: state.wait + 1 };
          if (state.wait === 1) {
            rate.next(rate.value * 0.7);
            state = { ...state, wait: 0 };
            run.restore(state.kept!);
          }
        }),
      );
    });
}

interface Result {
  readonly logs: Record<string, number>[];
  readonly weights: Record<string, number[]>;
}

async function train(
  options: MiniBatchesOptions,
  onStep: (step: Updated) => void = () => {},
  onEpoch: (epoch: Epoch) => void = () => {},
): Promise<Result> {
  const model = makeModel();
  const rate = hyperparameter(0.5);
  const training = miniBatches(data, {
    batchSize: 16,
    epochs: epochCount,
    seed: 9,
    ...options,
  }).pipe(
    forward(model),
    loss(crossentropy),
    backward(),
    update(sgd({ learningRate: rate, momentum: 0.9 })),
    measure(accuracy()),
    tap(onStep),
    epochs({ validation: data }),
    tap(onEpoch),
    cutAndKeep(rate),
  );
  const all = await lastValueFrom(training.pipe(toArray()));
  return { logs: all.map(({ logs }) => ({ ...logs })), weights: await weightsOf(model) };
}

/** Trains to the end, and saves the run in a folder on the way. */
async function trainAndSave(folder: string, options: MiniBatchesOptions): Promise<Result> {
  const write = (name: string) => async ({ bytes, complete }: SavedFile) => {
    assert.ok(complete);
    await Deno.writeFile(`${folder}/${name}`, bytes);
  };
  return await train(
    options,
    (step) => {
      if ([1, 7, 10, 13].includes(step.step)) void step.run.save({}, write(`step_${step.step}`));
    },
    ({ epoch, run }) => void run.save({ logs: "{}" }, write(`epoch_${epoch}`)),
  );
}

type SavedFile = Parameters<Parameters<Epoch["run"]["save"]>[1]>[0];

await deviceTest(
  "a resumed run equals one that was not stopped",
  async (device) => {
    const folder = await Deno.makeTempDir();
    try {
      const plain = await train({ device });
      assert.ok(plain.logs.at(-1)!.learning_rate < 0.5, "the rate was cut");
      const whole = await trainAndSave(folder, { device });
      assert.deepEqual(whole, plain, "saving changes nothing");
      const files = [...Deno.readDirSync(folder)].map(({ name }) => name).toSorted();
      assert.equal(files.length, 4 + epochCount);
      for (const file of files) {
        const at = Number(file.split("_")[1]) * (file.startsWith("epoch") ? stepsPerEpoch : 1);
        const resumed = await train({ device, resume: `${folder}/${file}` });
        const done = Math.floor(at / stepsPerEpoch);
        // A step that ends an epoch is saved once the epoch is over.
        assert.deepEqual(resumed.logs, plain.logs.slice(done), `logs after ${file}`);
        if (done < epochCount) assert.deepEqual(resumed.weights, plain.weights, `weights, ${file}`);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
    // The reference keeps its states in float64, which a file of float32 does not hold.
  },
  "cpu",
  "webgpu",
);

Deno.test("a run that an operator below has ended is saved as the epoch left it", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/run.safetensors`;
  try {
    const { device } = await openDevice({ device: "cpu", threads: 1 });
    const options = { device, batchSize: 16, epochs: epochCount, seed: 9 };
    const pipe = (model: Model, extra: MiniBatchesOptions = {}) =>
      miniBatches(data, { ...options, ...extra }).pipe(
        forward(model),
        loss(crossentropy),
        backward(),
        update(sgd({ learningRate: 0.5, momentum: 0.9 })),
        epochs(),
      );
    const whole = makeModel();
    let saved: Promise<void> | undefined;
    await lastValueFrom(pipe(whole));
    const cut = pipe(makeModel()).pipe(
      tap(({ run }) => saved = run.save({}, ({ bytes }) => Deno.writeFile(path, bytes))),
      take(2),
    );
    await lastValueFrom(cut);
    await saved;
    const resumed = makeModel();
    const last = await lastValueFrom(pipe(resumed, { resume: path }));
    assert.equal(last.epoch, epochCount);
    assert.deepEqual(await weightsOf(resumed), await weightsOf(whole));
    device.dispose();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a file that does not fit is refused, and says why", async (test) => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/epoch_1`;
  const device = { device: "cpu", threads: 1 } as const;
  await trainAndSave(folder, device);
  const refused = (options: MiniBatchesOptions, message: RegExp) =>
    assert.rejects(train({ ...device, resume: path, ...options }), message);
  await test.step("other settings", async () => {
    await refused({ seed: 10 }, /seed must be what it was, 9: received 10/);
    await refused({ batchSize: 8 }, /batchSize must be what it was, 16: received 8/);
    await refused({ shuffle: false }, /shuffle must be what it was, true: received false/);
  });
  await test.step("no file", () => refused({ resume: `${folder}/none` }, /there is no such file/));
  await test.step("another pipe", async () => {
    const model = makeModel();
    let seen = 0;
    const steps = miniBatches(data, { ...device, batchSize: 16, seed: 9, epochs: 3, resume: path })
      .pipe(
        forward(model),
        loss(crossentropy),
        backward(),
        update(sgd()),
        tap(() => seen++),
      );
    await assert.rejects(
      lastValueFrom(steps),
      /the pipe must be the one that was saved: the file has a state of "cutAndKeep", .* sgd/,
    );
    assert.equal(seen, 1, "refused with the first step");
  });
  await test.step("another model", async () => {
    const model = sequential([input([2]), dense(4), dense(3)]);
    const steps = miniBatches(data, { ...device, batchSize: 16, seed: 9, resume: path }).pipe(
      forward(model),
    );
    await assert.rejects(lastValueFrom(steps), /"dense_1\/kernel" does not fit: expected \[2, 4\]/);
  });
  await test.step("weights only, and broken metadata", async () => {
    const { encodeRun } = await import("../../core/stream/saved_run.ts");
    await Deno.writeFile(`${folder}/weights`, encodeRun({ weights: new Map() }, {}));
    await refused({ resume: `${folder}/weights` }, /holds weights only/);
    await Deno.writeFile(`${folder}/bad`, encodeRun({ weights: new Map() }, { run: "{}" }));
    await refused({ resume: `${folder}/bad` }, /"run" must be what checkpoint writes/);
  });
  await Deno.remove(folder, { recursive: true });
});
