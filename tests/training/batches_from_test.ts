/** Batches that come while training goes on: of async generators, observables and lists. */
import assert from "node:assert/strict";
import {
  concatMap,
  from,
  interval,
  lastValueFrom,
  map,
  range,
  Subject,
  switchMap,
  take,
  takeUntil,
  tap,
  timer,
  toArray,
} from "rxjs";
import {
  adam,
  arrays,
  backward,
  batchesFrom,
  type BatchesFromOptions,
  type BatchInput,
  checkpoint,
  type DataSet,
  dense,
  dropout,
  epochs,
  forward,
  input,
  loss,
  meanSquaredError,
  miniBatches,
  type Model,
  openModel,
  sequential,
  sgd,
  type StoredInputs,
  type StoredTargets,
  update,
} from "../../mod.ts";
import { TestCpu } from "../core/cpu/test_cpu.ts";
import { testOnDevices } from "../devices.ts";
import { warningsOf } from "../warnings.ts";
import { weightsOf } from "./pipes.ts";

const cpu = { device: "cpu", threads: 1 } as const;
const rows = Array.from({ length: 24 }, (_, at) => [Math.sin(at), Math.cos(3 * at)]);
const targets = rows.map(([a, b]) => [a - 2 * b]);
const data = arrays(rows, targets);
const batch = (at: number, count = 4) =>
  arrays(rows.slice(at, at + count), targets.slice(at, at + count));
const all = [0, 4, 8, 12, 16, 20].map((at) => batch(at));
const later = (milliseconds: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

const network = () =>
  sequential([input([2]), dense(5, { activation: "tanh" }), dropout(0.2), dense(1)], { seed: 3 });

type Small = DataSet<StoredInputs, StoredTargets>;
type Given = BatchInput<StoredInputs, StoredTargets>;

const train = (
  model: Model,
  given: Given | (() => Given),
  options: BatchesFromOptions = cpu,
) =>
  batchesFrom(given, options).pipe(
    forward(model),
    loss(meanSquaredError()),
    backward(),
    update(adam({ learningRate: 0.05 })),
  );

async function* generated(batches: Iterable<Small>): AsyncGenerator<Small> {
  for (const one of batches) {
    await null;
    yield one;
  }
}

await testOnDevices(
  "batches of a generator, an observable or a list train as those of a data set",
  async (options) => {
    const model = network();
    await lastValueFrom(
      miniBatches(data, { ...options, batchSize: 4, shuffle: false, seed: 5 }).pipe(
        forward(model),
        loss(meanSquaredError()),
        backward(),
        update(adam({ learningRate: 0.05 })),
      ),
    );
    const expected = await weightsOf(model);
    for (const given of [all, from(all), () => generated(all)]) {
      const online = network();
      const last = await lastValueFrom(train(online, given, { ...options, seed: 5 }));
      assert.equal(last.step, 6);
      assert.deepEqual(await weightsOf(online), expected);
    }
  },
);

Deno.test("a generator sees the weights after the step before", async () => {
  const model = network();
  await using open = await openModel(model, cpu);
  const [asked, seen]: [number[], number[]] = [[], []];
  const answer = async () => (await open.predict([[0.3, 0.4]])).data[0];
  const played = async function* () {
    for (const one of all) {
      asked.push(await answer());
      yield one;
    }
  };
  await lastValueFrom(
    train(model, played).pipe(
      tap((step) => step.hold(answer().then((value) => void seen.push(value)))),
    ),
  );
  assert.deepEqual(asked.slice(1), seen.slice(0, -1));
  assert.equal(new Set(asked).size, 6);
  assert.equal(await answer(), seen.at(-1));
});

Deno.test("what an observable sends waits its turn, and no more than may wait", async () => {
  const slow = (maxWaiting: number) =>
    train(network(), from(all), { ...cpu, maxWaiting }).pipe(
      tap((step) => step.hold(later(2))),
      map(({ step }) => step),
      toArray(),
    );
  assert.deepEqual(await lastValueFrom(slow(6)), [1, 2, 3, 4, 5, 6]);
  await assert.rejects(
    lastValueFrom(slow(5)),
    /keep more than 5 batches waiting.*sampleTime.*async generator.*maxWaiting/,
  );
});

Deno.test("an observable that sends without end in one turn is left as too many wait", async () => {
  let sent = 0;
  const endless = range(1, 1000).pipe(map(() => all[sent++ % all.length]));
  const training = train(network(), endless, { ...cpu, maxWaiting: 5 });
  await assert.rejects(lastValueFrom(training), /keep more than 5 batches waiting/);
  assert.ok(sent <= 7, `${sent}`);
});

Deno.test("an error of the input comes behind the batches before it", async () => {
  const failing = async function* () {
    yield all[0];
    await null;
    throw new Error("the sensor is gone");
  };
  const steps: number[] = [];
  const run = train(network(), failing).pipe(tap(({ step }) => void steps.push(step)));
  await assert.rejects(lastValueFrom(run), /the sensor is gone/);
  assert.deepEqual(steps, [1]);
  const subject = new Subject<Small>();
  steps.length = 0;
  const fed = train(network(), subject).pipe(tap(({ step }) => void steps.push(step)));
  const waiting = assert.rejects(lastValueFrom(fed), /pulled out/);
  await later(5);
  for (const each of all) subject.next(each);
  subject.error(new Error("pulled out"));
  await waiting;
  assert.deepEqual(steps, [1, 2, 3, 4, 5, 6]);
});

Deno.test("a run that is left leaves its input, also one that waits for it, and frees all", async () => {
  using device = new TestCpu(1);
  const run = async () => {
    const model = network();
    const before = await weightsOf(model);
    let left = 0;
    const endless = async function* () {
      try {
        for (let at = 0;; at++) yield all[at % 6];
      } finally {
        left++;
      }
    };
    await lastValueFrom(train(model, endless, { device }).pipe(take(5)));
    await later(1);
    assert.equal(left, 1);
    assert.notDeepEqual(await weightsOf(model), before);
    const subject = new Subject<Small>();
    const waits = train(model, subject, { device }).pipe(takeUntil(timer(10)), toArray());
    const seen = lastValueFrom(waits);
    await later(2);
    subject.next(all[0]);
    assert.equal((await seen).length, 1);
    assert.equal(subject.observed, false);
  };
  await run();
  const bytes = device.memory.allocatedBytes;
  await run();
  assert.equal(device.memory.allocatedBytes, bytes);
});

Deno.test("each subscription calls the function anew, and switchMap restarts", async () => {
  let calls = 0;
  const restarted = new Subject<number>();
  const steps: number[] = [];
  const model = network();
  const done = lastValueFrom(restarted.pipe(
    switchMap((count) =>
      train(model, () => {
        calls++;
        return interval(1).pipe(take(count), map((at) => all[at % 6]));
      })
    ),
    tap(({ step }) => void steps.push(step)),
  ));
  restarted.next(1000);
  await later(30);
  restarted.next(3);
  restarted.complete();
  assert.equal((await done).step, 3);
  assert.equal(calls, 2);
  assert.deepEqual(steps.slice(-3), [1, 2, 3]);
});

Deno.test("an epoch is as many steps as it is told, with validation and a file to go on from", async () => {
  const folder = await Deno.makeTempDir();
  const run = async (batches: Small[], resume?: string) => {
    const model = network();
    const events = await lastValueFrom(
      train(model, batches, { ...cpu, stepsPerEpoch: 2, resume }).pipe(
        epochs({ validation: data }),
        checkpoint(`${folder}/online.safetensors`, { save: "last" }),
        toArray(),
      ),
    );
    return { events, weights: await weightsOf(model) };
  };
  const whole = await run(all);
  assert.deepEqual(whole.events.map(({ epoch, step }) => [epoch, step]), [[1, 2], [2, 4], [3, 6]]);
  assert(whole.events.every(({ logs }) => logs.loss > 0 && logs.val_loss > 0));
  await run(all.slice(0, 4));
  const { weights, events } = await run(all.slice(4), `${folder}/online.safetensors`);
  assert.deepEqual(events.map(({ epoch, step, logs }) => ({ epoch, step, logs })), [
    { epoch: 3, step: 6, logs: whole.events[2].logs },
  ]);
  assert.deepEqual(weights, whole.weights);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("batches of ever other sizes train right, with a warning that says why it is slow", async () => {
  const sizes = Array.from({ length: 40 }, (_, at) => 1 + (at * 7) % 19);
  const model = sequential([input([1]), dense(1, { useBias: false, kernelInitializer: "zeros" })]);
  const warnings = await warningsOf(() =>
    lastValueFrom(
      batchesFrom(
        sizes.map((size) => arrays(new Array(size).fill([1]), new Array(size).fill([2]))),
        {
          ...cpu,
          batchSize: 19,
        },
      ).pipe(
        forward(model),
        loss(meanSquaredError()),
        backward(),
        update(sgd({ learningRate: 0.05 })),
      ),
    )
  );
  assert(Math.abs(model.parameters[0].value[0] - 2 * (1 - 0.9 ** 40)) < 1e-5);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0], /12 plans.*batches have had 12 numbers of samples.*sampleWeight 0/);
});

Deno.test("batches may be smaller, and weigh their samples", async () => {
  const sizes = await lastValueFrom(
    batchesFrom([batch(0, 3), batch(3, 1), batch(4, 3)], { ...cpu, batchSize: 3 }).pipe(
      forward(network()),
      concatMap(async (step) => [step.samples, (await step.outputs.data()).length]),
      toArray(),
    ),
  );
  assert.deepEqual(sizes, [[3, 3], [1, 1], [3, 3]]);
  const weighed = [1, 0].map((weight) =>
    arrays([[1, 0], [0, 1]], [[1], [2]], { sampleWeight: [weight, 0] })
  );
  const losses = await lastValueFrom(
    batchesFrom(weighed, cpu).pipe(
      forward(network()),
      loss(meanSquaredError()),
      concatMap((step) => step.values()),
      map(({ loss }) => loss),
      toArray(),
    ),
  );
  assert(losses[0] > 0);
  assert.equal(losses[1], 0);
});
