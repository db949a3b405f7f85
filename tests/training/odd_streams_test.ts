/** Streams composed in unusual but legal ways: branches below a share, late questions, names twice. */
import assert from "node:assert/strict";
import {
  concat,
  concatMap,
  lastValueFrom,
  merge,
  mergeMap,
  pairwise,
  share,
  take,
  tap,
  toArray,
} from "rxjs";
import { DisposedError } from "../../core/graph/errors.ts";
import {
  adam,
  arrays,
  backward,
  binaryAccuracy,
  checkpoint,
  dense,
  epochs,
  exponentialMovingAverage,
  fit,
  forward,
  input,
  loss,
  meanAbsoluteError,
  meanSquaredError,
  measure,
  miniBatches,
  rootMeanSquaredError,
  sequential,
  settled,
  sgd,
  type Snapshot,
  update,
} from "../../mod.ts";
import { TestCpu } from "../core/cpu/test_cpu.ts";
import { deviceTest } from "./devices.ts";

const rows = Array.from({ length: 20 }, (_, at) => [Math.sin(at), Math.cos(3 * at)]);
const data = arrays(rows, rows.map(([a, b]) => a - 2 * b));
const cpu = { device: "cpu", threads: 1 } as const;
const network = (seed: number) => sequential([input([2]), dense(3), dense(1)], { seed });
const weightsOf = (model: ReturnType<typeof network>) => model.parameters.map(({ value }) => value);

/** Two networks trained by two branches of one stream of batches. */
async function branches(count: number, file: string, seed: number, resume?: string) {
  const [first, second] = [network(seed), network(seed + 1)];
  const batches = miniBatches(data, { ...cpu, batchSize: 8, epochs: count, resume }).pipe(share());
  const one = batches.pipe(
    forward(first),
    loss(meanSquaredError(), { name: "first_loss" }),
    backward(),
    update(adam({ learningRate: 0.02 })),
    epochs(),
    checkpoint(file, { save: "last" }),
  );
  const other = batches.pipe(
    forward(second),
    loss(meanAbsoluteError(), { name: "second_loss" }),
    backward(),
    update(sgd({ learningRate: 0.02, momentum: 0.9 })),
    exponentialMovingAverage({ momentum: 0.5 }),
    measure(rootMeanSquaredError()),
    epochs({ validation: data }),
  );
  const seen = await lastValueFrom(merge(one, other).pipe(toArray()));
  return { logs: seen.at(-1)!.logs, weights: [...weightsOf(first), ...weightsOf(second)] };
}

Deno.test("branches below a share train a model each, as two pipes do, and go on after a resume", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const whole = await branches(4, `${folder}/whole.safetensors`, 1);
    const alone = network(1);
    await lastValueFrom(fit(alone, data, {
      ...cpu,
      loss: meanSquaredError(),
      optimizer: adam({ learningRate: 0.02 }),
      batchSize: 8,
      epochs: 4,
    }));
    assert.deepEqual(whole.weights.slice(0, 4), weightsOf(alone));
    for (
      const name of ["first_loss", "second_loss", "val_second_loss", "root_mean_squared_error"]
    ) {
      assert(whole.logs[name] > 0, name);
    }
    await branches(2, `${folder}/part.safetensors`, 1);
    const resumed = await branches(
      4,
      `${folder}/part.safetensors`,
      7,
      `${folder}/part.safetensors`,
    );
    assert.deepEqual(resumed, whole);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("branches below a share leave nothing on the device", async () => {
  using device = new TestCpu(1);
  const train = async () => {
    const batches = miniBatches(data, { device, epochs: 2 }).pipe(share());
    const branch = (seed: number) =>
      batches.pipe(
        forward(network(seed)),
        loss(meanSquaredError(), { name: `loss_${seed}` }),
        backward(),
        update(adam()),
      );
    await lastValueFrom(merge(branch(1), branch(2)));
  };
  await train(); // compiles its kernels, which stay
  const before = device.memory.allocatedBytes;
  await train();
  assert.equal(device.memory.allocatedBytes, before);
});

const steps = () =>
  miniBatches(data, { ...cpu, batchSize: 2, epochs: 100 }).pipe(
    forward(network(1)),
    loss(meanSquaredError()),
  );

Deno.test("a step's values that are asked for too late are refused, rather than never given", async () => {
  const late = steps().pipe(pairwise(), concatMap(([before]) => before.values()));
  await assert.rejects(lastValueFrom(late), (error) => {
    assert(error instanceof DisposedError);
    assert.match(error.message, /values of step \d+ as it has run already: call values\(\) while/);
    return true;
  });
  const left = await lastValueFrom(steps().pipe(take(1)));
  await assert.rejects(left.values(), /run has ended before this step's values were read/);
  const ended = await lastValueFrom(steps());
  await assert.rejects(ended.values(), /run has ended/);
});

Deno.test("a step with nothing to do has no values, and says so", async () => {
  const batches = miniBatches(data, { ...cpu, batchSize: 10 });
  const values = await lastValueFrom(batches.pipe(mergeMap((batch) => batch.values()), toArray()));
  assert.deepEqual(values, [{}, {}]);
});

Deno.test("two losses or metrics of one name are refused, and the same one twice is one", async () => {
  const twice = steps().pipe(loss(meanAbsoluteError()));
  await assert.rejects(lastValueFrom(twice), {
    name: "RangeError",
    message: /Cannot log "loss" as two losses or metrics of the pipe have that name: give one/,
  });
  const strict = binaryAccuracy({ threshold: 0.9 });
  const train = (...metrics: ReturnType<typeof binaryAccuracy>[]) =>
    lastValueFrom(
      fit(network(1), data, { ...cpu, loss: meanSquaredError(), optimizer: sgd(), metrics }),
    );
  await assert.rejects(train(binaryAccuracy(), strict), /Cannot log "binary_accuracy"/);
  const { logs } = await train(binaryAccuracy(), binaryAccuracy(), { ...strict, name: "strict" });
  assert.deepEqual(Object.keys(logs), ["loss", "binary_accuracy", "strict", "learning_rate"]);
});

Deno.test("a snapshot is not restored after its disposal", async () => {
  const restore = tap(({ run }: { run: { snapshot(): Snapshot; restore(s: Snapshot): void } }) => {
    const snapshot = run.snapshot();
    snapshot.dispose();
    run.restore(snapshot);
  });
  const training = fit(network(1), data, { ...cpu, loss: meanSquaredError(), optimizer: sgd() });
  await assert.rejects(lastValueFrom(training.pipe(restore)), DisposedError);
});

Deno.test("a pipe over two sources, one behind the other, is two trainings of one model", async () => {
  const batches = (seed: number) => miniBatches(data, { ...cpu, batchSize: 8, epochs: 2, seed });
  const options = { momentum: 0.5 };
  const together = network(1);
  const one = concat(batches(1), batches(2)).pipe(
    forward(together),
    loss(meanSquaredError()),
    backward(),
    update(adam({ learningRate: 0.05 })),
    exponentialMovingAverage(options),
    epochs({ validation: data }),
    toArray(),
  );
  const seen = (await lastValueFrom(one)).map(({ epoch, logs }) => ({ epoch, logs }));
  const apart = network(1);
  const expected: typeof seen = [];
  for (const seed of [1, 2]) {
    const training = fit(apart, data, {
      ...cpu,
      loss: meanSquaredError(),
      optimizer: adam({ learningRate: 0.05 }),
      batchSize: 8,
      epochs: 2,
      seed,
      validation: data,
      stepOperators: [exponentialMovingAverage(options)],
    });
    const epochs = await lastValueFrom(training.pipe(toArray()));
    expected.push(...epochs.map(({ epoch, logs }) => ({ epoch, logs })));
  }
  assert.deepEqual(seen, expected);
  assert.deepEqual(weightsOf(together), weightsOf(apart));
});

await deviceTest(
  "a run that begins as another one is left goes on from its weights",
  async (device) => {
    const train = async (count: number) => {
      const model = network(3);
      const steps = miniBatches(data, { device, batchSize: 4, epochs: 2, shuffle: false }).pipe(
        forward(model),
        loss(meanSquaredError()),
        backward(),
        update(sgd({ learningRate: 0.1 })),
        take(5),
      );
      await lastValueFrom(concat(...new Array<typeof steps>(count).fill(steps)));
      await settled(model);
      return weightsOf(model);
    };
    const [once, twice] = [await train(1), await train(2)];
    assert.notDeepEqual(twice, once);
    // An epoch has five steps, which both runs make.
    const model = network(3);
    await lastValueFrom(fit(model, data, {
      loss: meanSquaredError(),
      optimizer: sgd({ learningRate: 0.1 }),
      batchSize: 4,
      epochs: 2,
      shuffle: false,
      device,
    }));
    assert.deepEqual(twice, weightsOf(model));
  },
  "cpu, 1",
  "webgpu",
);
