/** Which batches a run visits, and how many are in an epoch. */
import assert from "node:assert/strict";
import { lastValueFrom, mergeMap, tap, toArray } from "rxjs";
import {
  arrays,
  backward,
  checkpoint,
  csvLog,
  dense,
  epochs,
  type EpochsOptions,
  forward,
  input,
  jsonLines,
  loss,
  meanSquaredError,
  miniBatches,
  type MiniBatchesOptions,
  NonFiniteError,
  sequential,
  sgd,
  update,
  type Updated,
} from "../../../mod.ts";
import { testOnDevices } from "../../devices.ts";
import { weightsOf } from "../../training/pipes.ts";
import { FakeWriter, inFolder, names } from "./fake_epoch.ts";

const numbers = Array.from({ length: 10 }, (_, at) => [at]);
const data = arrays(numbers, numbers);

/** The samples of each batch, with its place in its epoch. */
async function visited(options: MiniBatchesOptions) {
  const batches = miniBatches(data, { batchSize: 4, device: "cpu", threads: 1, ...options }).pipe(
    mergeMap(async ({ x, epoch, stepInEpoch, stepsPerEpoch }) => ({
      x: [...await x.data()],
      place: `${epoch}: ${stepInEpoch}/${stepsPerEpoch}`,
    })),
    toArray(),
  );
  return await lastValueFrom(batches);
}

const samplesOf = (batches: readonly { x: number[] }[]) => batches.map(({ x }) => x);

await testOnDevices(
  "stepsPerEpoch: an epoch is so many steps, and the data go on where they stopped",
  async (device) => {
    const passes = await visited({ ...device, epochs: 4, seed: 3 });
    for (const stepsPerEpoch of [1, 2, 4, 5, 12]) {
      const epochs = 12 / stepsPerEpoch;
      const windows = await visited({
        ...device,
        epochs: Math.ceil(epochs),
        stepsPerEpoch,
        seed: 3,
      });
      assert.deepEqual(samplesOf(windows).slice(0, 12), samplesOf(passes));
      assert.deepEqual(
        windows.map(({ place }) => place),
        windows.map((_, at) =>
          `${Math.floor(at / stepsPerEpoch) + 1}: ${at % stepsPerEpoch + 1}/${stepsPerEpoch}`
        ),
      );
    }
  },
);

Deno.test("limitBatches takes the first batches of each pass, so many or a share", async () => {
  const whole = samplesOf(await visited({ epochs: 2, seed: 3 }));
  for (const limitBatches of [2, 0.7]) {
    const batches = await visited({ epochs: 2, seed: 3, limitBatches });
    assert.deepEqual(samplesOf(batches), [whole[0], whole[1], whole[3], whole[4]]);
    assert.deepEqual(batches.map(({ place }) => place), ["1: 1/2", "1: 2/2", "2: 1/2", "2: 2/2"]);
  }
  assert.equal((await visited({ limitBatches: 0.01 })).length, 1);
  assert.equal((await visited({ limitBatches: 99 })).length, 3);
});

Deno.test("overfitBatches visits the same batches again and again", async () => {
  const whole = samplesOf(await visited({ seed: 3 }));
  const batches = samplesOf(await visited({ epochs: 3, seed: 3, overfitBatches: 1 }));
  assert.deepEqual(batches, [whole[0], whole[0], whole[0]]);
  const two = samplesOf(await visited({ epochs: 2, seed: 3, overfitBatches: 2 }));
  assert.deepEqual(two, [whole[0], whole[1], whole[0], whole[1]]);
});

Deno.test("numbers of batches out of range are refused", () => {
  const refused = (options: MiniBatchesOptions, message: RegExp) =>
    assert.throws(() => miniBatches(data, options), message);
  refused({ stepsPerEpoch: 0 }, /stepsPerEpoch must be a whole number from 1: received 0/);
  refused({ limitBatches: 1.5 }, /limitBatches must be a whole number from 1, or a share/);
  refused({ limitBatches: 0 }, /limitBatches/);
  refused({ overfitBatches: -1 }, /overfitBatches/);
  refused({ fastDevRun: 0.5 }, /fastDevRun/);
  assert.throws(() => epochs({ validationSteps: 0 }), /validationSteps of epochs/);
  assert.throws(() => epochs({ validationBatchSize: 0 }), /validationBatchSize of epochs/);
  assert.throws(() => epochs({ sanitySteps: -1 }), /sanitySteps of epochs/);
});

/** A training of one weight. */
function training(options: MiniBatchesOptions, onEpochs: EpochsOptions) {
  const model = sequential([input([1]), dense(1, { useBias: false, kernelInitializer: "ones" })]);
  const seen: Updated[] = [];
  const steps = miniBatches(data, { batchSize: 4, device: "cpu", threads: 1, ...options }).pipe(
    forward(model),
    loss(meanSquaredError()),
    backward(),
    update(sgd({ learningRate: 0.001 })),
    tap((step) => void seen.push(step)),
  );
  return { model, seen, steps, epochs: steps.pipe(epochs(onEpochs)) };
}

Deno.test("validation comes every so many steps with stepsPerEpoch, and logs are means over them", async () => {
  const zeros = arrays(numbers, numbers.map(() => [0]));
  const options = { epochs: 4, stepsPerEpoch: 2, shuffle: false, limitBatches: 2 };
  const { epochs } = training(options, { validation: zeros });
  const all = await lastValueFrom(epochs.pipe(toArray()));
  assert.deepEqual(all.map(({ epoch, step }) => [epoch, step]), [[1, 2], [2, 4], [3, 6], [4, 8]]);
  // The weight is 1, where the loss is 0: the validation set's are the squares of 0 to 9.
  for (const { logs } of all) {
    assert.equal(logs.loss, 0);
    assert.ok(Math.abs(logs.val_loss - 28.5) < 1e-4);
  }
});

Deno.test("validationSteps takes the first batches of the validation set", async () => {
  const zeros = arrays(numbers, numbers.map(() => [0]));
  for (const [validationSteps, mean] of [[1, 5 / 3], [2, 55 / 6], [99, 28.5]]) {
    const { epochs } = training({}, { validation: zeros, validationSteps, validationBatchSize: 3 });
    const { logs } = await lastValueFrom(epochs);
    assert.ok(Math.abs(logs.val_loss - mean) < 1e-4, `${logs.val_loss} for ${mean}`);
  }
});

Deno.test("sanitySteps finds bad validation data before the first epoch is lost", async () => {
  const targets = Float32Array.from(numbers, (_, at) => at === 5 ? NaN : 0);
  // `arrays` would refuse it.
  const bad = { ...data, y: { data: targets, shape: [10, 1] } };
  const options = { validation: bad, validationBatchSize: 3 };
  const late = training({ epochs: 2 }, options);
  const logs: Record<string, number>[] = [];
  await lastValueFrom(late.epochs.pipe(tap((epoch) => void logs.push(epoch.logs))));
  assert.ok(Number.isNaN(logs[0].val_loss));
  const early = training({ epochs: 2 }, { ...options, sanitySteps: 2 });
  await assert.rejects(lastValueFrom(early.epochs), (error) => {
    assert.ok(error instanceof NonFiniteError);
    assert.match(error.message, /^val_loss is NaN before the first step/);
    return true;
  });
  assert.ok(early.seen.length <= 3);
  // The bad sample is in the second batch.
  await lastValueFrom(training({}, { ...options, sanitySteps: 1 }).epochs);
  const misshapen = arrays(numbers.map(([x]) => [x, x]), numbers);
  const wrong = training({}, { validation: misshapen, sanitySteps: 1 });
  await assert.rejects(lastValueFrom(wrong.epochs), /expected|features|shape/i);
  assert.equal(wrong.seen.length, 1);
});

Deno.test("sanitySteps finds a loss of another name that is not finite", async () => {
  const model = sequential([input([1]), dense(1)], { seed: 1 });
  const steps = miniBatches(data, { batchSize: 4, device: "cpu", threads: 1 }).pipe(
    forward(model),
    loss(meanSquaredError(), { name: "objective" }),
    backward(),
    update(sgd({ learningRate: 0.001 })),
  );
  const validation = arrays([[1e30]], [[0]]);
  await assert.rejects(
    lastValueFrom(steps.pipe(epochs({ validation, sanitySteps: 1 }))),
    /^NonFiniteError: val_objective is Infinity before the first step/,
  );
});

Deno.test("sanitySteps changes nothing else", async () => {
  const run = async (sanitySteps: number) => {
    const zeros = arrays(numbers, numbers.map(() => [0]));
    const { epochs, model } = training({ epochs: 2 }, { validation: zeros, sanitySteps });
    const all = await lastValueFrom(epochs.pipe(toArray()));
    return [all.map(({ logs }) => logs), await weightsOf(model)];
  };
  assert.deepEqual(await run(2), await run(0));
});

Deno.test("fastDevRun tries one batch of training and of validation, and writes no file", () =>
  inFolder(async (folder) => {
    const zeros = arrays(numbers, numbers.map(() => [0]));
    for (const [fastDevRun, steps, mean] of [[true, 1, 5 / 3], [2, 2, 55 / 6]] as const) {
      const { epochs, seen } = training({ epochs: 9, fastDevRun }, {
        validation: zeros,
        validationBatchSize: 3,
      });
      const writer = new FakeWriter();
      const tried = epochs.pipe(
        checkpoint(`${folder}/a.safetensors`),
        csvLog(`${folder}/log.csv`),
        jsonLines(writer),
        toArray(),
      );
      const [only, ...others] = await lastValueFrom(tried);
      assert.equal(others.length, 0);
      assert.equal(seen.length, steps);
      assert.ok(Math.abs(only.logs.val_loss - mean) < 0.05 * mean, `${only.logs.val_loss}`);
      assert.equal(Deno.readTextFileSync(`${folder}/log.csv`), "");
      assert.deepEqual(names(folder), ["log.csv"]);
      assert.deepEqual(writer.events.map(({ event }) => event), ["start", "epoch", "end"]);
    }
    const misplaced = training({ fastDevRun: true }, {}).epochs;
    await assert.rejects(
      lastValueFrom(misplaced.pipe(checkpoint(`${folder}/log.csv/a.safetensors`))),
      /log.csv" is not a folder/,
    );
  }));

Deno.test("a run with stepsPerEpoch is resumed within a pass to the same bits", () =>
  inFolder(async (folder) => {
    const path = `${folder}/a.safetensors`;
    const options = { stepsPerEpoch: 2, seed: 5 };
    const whole = training({ ...options, epochs: 6 }, {});
    await lastValueFrom(whole.epochs);
    const first = training({ ...options, epochs: 2 }, {});
    await lastValueFrom(first.epochs.pipe(checkpoint(path, { save: "last" })));
    const copy = `${folder}/b.safetensors`;
    await Deno.copyFile(path, copy);
    const second = training({ ...options, epochs: 6, resume: copy }, {});
    await lastValueFrom(second.epochs.pipe(checkpoint(path, { save: "last" })));
    assert.equal(second.seen.length, 8);
    assert.deepEqual(await weightsOf(second.model), await weightsOf(whole.model));
    const other = training({ ...options, stepsPerEpoch: 3, epochs: 6, resume: copy }, {});
    await assert.rejects(
      lastValueFrom(other.epochs),
      /stepsPerEpoch must be what it was, 2: received 3/,
    );
  }));
