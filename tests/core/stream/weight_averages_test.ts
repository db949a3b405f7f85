import assert from "node:assert/strict";
import { lastValueFrom, type MonoTypeOperatorFunction, take, tap, toArray } from "rxjs";
import {
  accumulateGradients,
  backward,
  type DeviceOptions,
  earlyStopping,
  epochs,
  exponentialMovingAverage,
  forward,
  hyperparameter,
  loss,
  miniBatches,
  type MiniBatchesOptions,
  scheduleFreeAdamW,
  sgd,
  stochasticWeightAveraging,
  type StochasticWeightAveragingOptions,
  update,
  type Updated,
} from "../../../mod.ts";
import { TestCpu } from "../cpu/test_cpu.ts";
import { testOnDevices } from "../../devices.ts";
import { onePole, weightsOf } from "../../training/pipes.ts";
import { inFolder } from "./fake_epoch.ts";

const ones = {
  x: { data: new Float32Array(4).fill(1), shape: [4, 1] },
  y: { data: new Float32Array(4), shape: [4, 1] },
};

/** One weight w with the loss w², four steps an epoch; each makes it (1 − 2·rate)·w. */
function pole(
  averages: MonoTypeOperatorFunction<Updated>,
  options: MiniBatchesOptions,
  learningRate = hyperparameter(0.05),
  batches = 1,
) {
  const { model, loss: square } = onePole();
  const steps = miniBatches(ones, { batchSize: 1, epochs: 3, ...options }).pipe(
    forward(model),
    loss(square),
    backward(),
    accumulateGradients(batches),
    update(sgd({ learningRate })),
    averages,
  );
  const weight = async () => (await weightsOf(model))["dense_1/kernel"][0];
  return { training: steps.pipe(epochs({ validation: ones })), steps, weight };
}

/** Averages of weights, one after another. */
function average(weights: readonly number[], momentum: number): number {
  return weights.slice(1).reduce((old, w) => momentum * old + (1 - momentum) * w, weights[0]);
}

const powers = (count: number, base = 0.9) =>
  Array.from({ length: count }, (_, t) => base ** (t + 1));

function close(actual: number, expected: number, what: string, tolerance = 1e-5): void {
  const error = Math.abs(actual - expected);
  assert.ok(error <= tolerance * Math.abs(expected), `${what}: ${actual} for ${expected}`);
}

await testOnDevices(
  "exponentialMovingAverage is validated and kept, while training goes on",
  async (options) => {
    const { training, weight } = pole(exponentialMovingAverage({ momentum: 0.8 }), options);
    const seen = await lastValueFrom(training.pipe(toArray()));
    seen.forEach(({ logs }, epoch) => {
      const last = 4 * (epoch + 1);
      close(logs.val_loss, average(powers(last), 0.8) ** 2, `val_loss of epoch ${epoch + 1}`);
      const losses = powers(last).slice(-4).map((w) => (w / 0.9) ** 2);
      close(
        logs.loss,
        losses.reduce((sum, loss) => sum + loss / 4, 0),
        `loss of epoch ${epoch + 1}`,
      );
    });
    close(await weight(), average(powers(12), 0.8), "weight at the end");
  },
);

Deno.test("exponentialMovingAverage leaves validation or the end alone if asked", async () => {
  const options: DeviceOptions = { device: "cpu", threads: 1 };
  const unkept = pole(exponentialMovingAverage({ momentum: 0.8, keep: false }), options);
  const { logs } = await lastValueFrom(unkept.training);
  close(logs.val_loss, average(powers(12), 0.8) ** 2, "val_loss");
  close(await unkept.weight(), 0.9 ** 12, "weight");

  const unseen = pole(exponentialMovingAverage({ momentum: 0.8, validate: false }), options);
  const seen = await lastValueFrom(unseen.training.pipe(toArray()));
  close(seen[1].logs.val_loss, 0.9 ** 16, "val_loss of the second epoch");
  close(seen[2].logs.val_loss, average(powers(12), 0.8) ** 2, "val_loss of what is kept");
  close(await unseen.weight(), average(powers(12), 0.8), "weight");

  const neither = pole(exponentialMovingAverage({ validate: false, keep: false }), options);
  await lastValueFrom(neither.training);
  close(await neither.weight(), 0.9 ** 12, "weight of neither");
});

Deno.test("averages are validated as they are, also of an optimizer that validates others", async () => {
  const { model, loss: square } = onePole();
  const options = { batchSize: 1, epochs: 3, device: "cpu", threads: 1 } as const;
  const steps = miniBatches(ones, options).pipe(
    forward(model),
    loss(square),
    backward(),
    update(scheduleFreeAdamW({ learningRate: 0.1 })),
    exponentialMovingAverage({ momentum: 0.5 }),
  );
  const { logs } = await lastValueFrom(steps.pipe(epochs({ validation: ones })));
  close(logs.val_loss, (await weightsOf(model))["dense_1/kernel"][0] ** 2, "val_loss");
});

Deno.test("exponentialMovingAverage leaves the weights of a run that ends within an epoch", async () => {
  const { steps, weight } = pole(exponentialMovingAverage(), { device: "cpu", threads: 1 });
  await lastValueFrom(steps.pipe(take(6)));
  close(await weight(), 0.9 ** 6, "weight");
});

Deno.test("a run that is left at an epoch's last step keeps averages if asked, and no copy of weights", async () => {
  using device = new TestCpu(1);
  const leave = async (keep: boolean) => {
    const averages = exponentialMovingAverage<Updated>({ momentum: 0.8, keep });
    const { steps, weight } = pole(averages, { device });
    await lastValueFrom(steps.pipe(take(8)));
    return await weight();
  };
  await leave(true);
  const bytes = device.memory.allocatedBytes;
  close(await leave(true), average(powers(8), 0.8), "averages");
  close(await leave(false), 0.9 ** 8, "weight");
  assert.equal(device.memory.allocatedBytes, bytes);
});

Deno.test("earlyStopping puts back the averages of the best epoch", async () => {
  const { training, weight } = pole(
    exponentialMovingAverage({ momentum: 0.5 }),
    { device: "cpu", threads: 1, epochs: 9 },
  );
  // The loss falls, so that the first epoch is the one with the largest.
  const stopping = earlyStopping({ mode: "max", restoreBest: true });
  assert.equal((await lastValueFrom(training.pipe(stopping))).epoch, 2);
  close(await weight(), average(powers(4), 0.5), "weight");
});

await testOnDevices(
  "exponentialMovingAverage goes by updates, and training may go on from it",
  async (options) => {
    const gathered = pole(
      exponentialMovingAverage({ momentum: 0.8 }),
      options,
      hyperparameter(0.05),
      2,
    );
    await lastValueFrom(gathered.training);
    close(await gathered.weight(), average(powers(6), 0.8), "weight");

    const overwritten = pole(
      exponentialMovingAverage({ momentum: 0.5, overwriteFrequency: 3, keep: false }),
      options,
    );
    await lastValueFrom(overwritten.training);
    let [w, a] = [1, 0];
    for (let step = 1; step <= 12; step++) {
      w *= 0.9;
      a = step === 1 ? w : 0.5 * a + 0.5 * w;
      if (step % 3 === 0) w = a;
    }
    close(await overwritten.weight(), w, "weight that was overwritten");
  },
);

await testOnDevices(
  "stochasticWeightAveraging averages the ends of the last epochs",
  async (options) => {
    const rate = hyperparameter(0.05);
    const { training, weight } = pole(
      stochasticWeightAveraging(rate, { swaLearningRate: 0.2, start: 0.5, annealEpochs: 2 }),
      { ...options, epochs: 6 },
      rate,
    );
    const seen = await lastValueFrom(training.pipe(toArray()));
    const rates = [0.05, 0.05, 0.05, 0.125, 0.2, 0.2];
    let w = 1;
    const ends = rates.map((rate) => w *= (1 - 2 * rate) ** 4);
    seen.forEach(({ logs }, epoch) => {
      close(logs.learning_rate, rates[epoch], "rate", 1e-6);
      const averaged = epoch < 2 ? [ends[epoch]] : ends.slice(2, epoch + 1);
      const mean = averaged.reduce((sum, end) => sum + end / averaged.length, 0);
      close(logs.val_loss, mean ** 2, `val_loss of epoch ${epoch + 1}`);
    });
    close(await weight(), ends.slice(2).reduce((sum, end) => sum + end / 4, 0), "weight");
  },
);

Deno.test("stochasticWeightAveraging: linear, at once, and from an epoch's number", async () => {
  const ratesOf = async (options: StochasticWeightAveragingOptions) => {
    const rate = hyperparameter(0.05);
    const averaging = stochasticWeightAveraging<Updated>(rate, options);
    const { training } = pole(averaging, { device: "reference", epochs: 5 }, rate);
    const seen = await lastValueFrom(training.pipe(toArray()));
    return seen.map(({ logs }) => Math.round(logs.learning_rate * 1e6) / 1e6);
  };
  assert.deepEqual(
    await ratesOf({ swaLearningRate: 0.25, start: 1, annealEpochs: 4, anneal: "linear" }),
    [0.05, 0.1, 0.15, 0.2, 0.25],
  );
  assert.deepEqual(
    await ratesOf({ swaLearningRate: 0.25, start: 3, annealEpochs: 0 }),
    [0.05, 0.05, 0.05, 0.25, 0.25],
  );
});

Deno.test("a checkpoint between epochs holds the averages, and a resumed run the weights too", () =>
  inFolder(async (folder) => {
    const path = `${folder}/pole.safetensors`;
    const options = { device: "cpu", threads: 1 } as const;
    const ema = () => exponentialMovingAverage<Updated>({ momentum: 0.8 });
    const whole = pole(ema(), { ...options, epochs: 4 });
    const expected = await lastValueFrom(whole.training.pipe(toArray()));

    const first = pole(ema(), { ...options, epochs: 2 });
    await lastValueFrom(first.training.pipe(
      tap((epoch) => {
        if (epoch.epoch !== 2) return;
        void epoch.run.save({}, ({ bytes }) => Deno.writeFile(path, bytes));
      }),
    ));
    const second = pole(ema(), { ...options, epochs: 4, resume: path });
    const seen = await lastValueFrom(second.training.pipe(toArray()));
    assert.deepEqual(seen.map(({ epoch }) => epoch), [3, 4]);
    seen.forEach(({ logs }, at) => assert.deepEqual(logs, expected[at + 2].logs));
    assert.equal(await second.weight(), await whole.weight());
  }));

Deno.test("averages make no plans anew, and refuse options out of range", async () => {
  using device = new TestCpu(1);
  const { steps } = pole(exponentialMovingAverage(), { device, epochs: 10 });
  await lastValueFrom(steps);
  // One for the steps, one for the last of each epoch.
  assert.equal(device.plans.length, 2);
  const rate = hyperparameter(0.1);
  const refused = (options: Partial<StochasticWeightAveragingOptions>, message: RegExp) =>
    assert.throws(
      () => stochasticWeightAveraging(rate, { swaLearningRate: 0.1, ...options }),
      message,
    );
  refused({ swaLearningRate: -1 }, /swaLearningRate of stochasticWeightAveraging/);
  refused({ start: 1.5 }, /start of stochasticWeightAveraging/);
  refused({ annealEpochs: -1 }, /annealEpochs of stochasticWeightAveraging/);
  refused({ anneal: "step" as "cos" }, /"cos" or "linear": received "step"/);
  assert.throws(() => exponentialMovingAverage({ momentum: 2 }), /momentum of exponential/);
  assert.throws(() => exponentialMovingAverage({ overwriteFrequency: 0 }), /overwriteFrequency/);
  const endless = pole(
    stochasticWeightAveraging(rate, { swaLearningRate: 0.1 }),
    { device: "cpu", threads: 1, epochs: Infinity },
  );
  await assert.rejects(lastValueFrom(endless.training), /they have no end: give start/);
});

Deno.test("averages leave no memory behind, however a run ends", async () => {
  using device = new TestCpu(1);
  const run = async (count: number) => {
    const before = device.memory.allocatedBytes;
    const { training, steps } = pole(exponentialMovingAverage(), { device, epochs: count });
    await lastValueFrom(training.pipe(earlyStopping({ restoreBest: true, patience: 9 })));
    await lastValueFrom(steps.pipe(take(6)));
    await lastValueFrom(training.pipe(take(1)));
    return device.memory.allocatedBytes - before;
  };
  // Whatever the device keeps for itself is there after the first run.
  await run(2);
  assert.equal(await run(2), 0);
  assert.equal(await run(7), 0);
});

Deno.test("averages take as much memory after many epochs as after two", async () => {
  using device = new TestCpu(1);
  const { training } = pole(exponentialMovingAverage(), { device, epochs: 6 });
  const bytes: number[] = [];
  await lastValueFrom(training.pipe(tap(() => void bytes.push(device.memory.allocatedBytes))));
  assert.deepEqual(bytes.slice(2), Array(4).fill(bytes[1]));
});

Deno.test("averages before an update do not compile", () => {
  const { model, loss: square } = onePole();
  const differentiated = miniBatches(ones).pipe(forward(model), loss(square), backward());
  // @ts-expect-error: these steps have no new weights yet.
  differentiated.pipe(exponentialMovingAverage());
  // @ts-expect-error: nor have these.
  differentiated.pipe(stochasticWeightAveraging(hyperparameter(1), { swaLearningRate: 1 }));
});
