/** What several groups of stages in one pipe must not do to each other. */
import assert from "node:assert/strict";
import { lastValueFrom, map, type Observable, tap, toArray } from "rxjs";
import {
  arrays,
  backward,
  type Batch,
  checkpoint,
  connect,
  dense,
  dropout,
  fit,
  forward,
  frozen,
  functional,
  gradients,
  hyperparameter,
  input,
  lambda,
  type Layer,
  loss,
  meanSquaredError,
  type MergeLayer,
  miniBatches,
  type Model,
  openModel,
  predict,
  sequential,
  sgd,
  stopGradient,
  type Tensor,
  uniform,
  update,
} from "../../mod.ts";
import { mulberry32 } from "../core/ops/generator.ts";
import { assertClose } from "../core/nn/close.ts";
import { inFolder } from "../core/stream/fake_epoch.ts";
import { testOnDevices } from "../devices.ts";

const random = mulberry32(8);
const rows = (count: number, width: number) =>
  Array.from({ length: count }, () => Array.from({ length: width }, () => random() * 2 - 1));
const cpu = { device: "cpu", threads: 1 } as const;
const mse = meanSquaredError();

/** Inputs moved along the slope of what a network makes of them. */
const uphill: MergeLayer = {
  merges: true,
  type: "Uphill",
  name: "",
  init: ([shape]) => ({ outputShape: shape, parameters: [] }),
  apply: (_, [x, outputs]) => {
    const [slope] = gradients(outputs.sum(), [x]);
    return stopGradient(x.add(slope.mul(0.5)));
  },
};

testOnDevices(
  "a slope that a layer of a second group takes leads through no update",
  async (options) => {
    const make = () => {
      const net = sequential([input([4]), dense(5, { activation: "tanh" }), dense(1)], { seed: 3 });
      const x = input([4]);
      const y = connect(x, net);
      const plain = functional({ inputs: x, outputs: y });
      const hard = functional({ inputs: x, outputs: connect(connect([x, y], uphill), net) });
      return { net, plain, hard };
    };
    const data = arrays(rowsOf4, targets);
    const settings = { ...options, batchSize: 6, shuffle: false };
    const train = (model: Model, name: string) => (steps: Steps) =>
      steps.pipe(
        forward(model),
        loss(mse, { name }),
        backward(),
        update(sgd({ learningRate: 0.3 })),
      );
    const one = make();
    await lastValueFrom(
      miniBatches(data, settings).pipe(train(one.plain, "plain"), train(one.hard, "hard")),
    );
    const two = make();
    await lastValueFrom(miniBatches(data, settings).pipe(train(two.plain, "plain")));
    await lastValueFrom(miniBatches(data, settings).pipe(train(two.hard, "hard")));
    assertClose(one.net.parameters[0].value, two.net.parameters[0].value, 1e-6, "kernel");
  },
);

const rowsOf4 = rows(6, 4);
const targets = rows(6, 1);
type Steps = Observable<Batch>;

/** Random numbers in the place of the inputs, in training and in inference. */
const draw: Layer = {
  type: "Draw",
  name: "",
  init: (shape) => ({ outputShape: shape, parameters: [] }),
  apply: (_, x, { randomKey, counter }) => uniform(randomKey("numbers"), x.shape, counter),
};

Deno.test("every forward stage draws numbers of its own, of one model or of two alike", async () => {
  const [one, two] = [1, 2].map(() => sequential([input([4]), draw]));
  const drawn: Promise<Iterable<number>>[] = [];
  const watch = <Step extends { outputs: Tensor }>() =>
    tap<Step>(({ outputs }) => void drawn.push(outputs.data()));
  const data = arrays(rowsOf4, targets);
  const steps = miniBatches(data, { ...cpu, batchSize: 6 }).pipe(
    forward(one),
    watch(),
  ).pipe(forward(two), watch()).pipe(forward(one), watch());
  await lastValueFrom(steps);
  const numbers = (await Promise.all(drawn)).map((data) => [...data].join());
  assert.equal(new Set(numbers).size, 3);
});

Deno.test("batches of a prediction draw numbers of their own, the same ones each time", async () => {
  const model = sequential([input([4]), draw]);
  const x = { data: new Float32Array(24), shape: [6, 4] };
  const { data } = await predict(model, x, { ...cpu, batchSize: 2 });
  assert.equal(new Set(data).size, 24);
  assert.deepEqual((await predict(model, x, { ...cpu, batchSize: 2 })).data, data);
  await using open = await openModel(model, cpu);
  const calls = [await open.predict(x), await open.predict(x)];
  assert.notDeepEqual(calls[0].data, calls[1].data);
});

Deno.test("rates of layers of one name in two models are resumed each for its own", () =>
  inFolder(async (folder) => {
    const run = async (resume?: string) => {
      const rates = [0.2, 0.4].map((rate) => hyperparameter(rate));
      const models = rates.map((rate) => sequential([input([4]), dropout(rate), dense(1)]));
      const group = (model: Model, name: string) => (steps: Steps) =>
        steps.pipe(
          forward(model),
          loss(mse, { name }),
          backward(),
          update(sgd()),
        );
      const data = arrays(rowsOf4, targets);
      const seen: number[][] = [];
      const steps = miniBatches(data, { ...cpu, batchSize: 2, seed: 1, resume }).pipe(
        tap(({ step }) => {
          if (step !== 2 || resume) return;
          rates[0].next(0.5);
          rates[1].next(0.7);
        }),
        group(models[0], "first"),
        group(models[1], "second"),
        tap(({ step, run }) => {
          seen.push(rates.map(({ value }) => value));
          if (step === 2) void run.save({}, ({ bytes }) => Deno.writeFile(`${folder}/2`, bytes));
        }),
      );
      const logs = await lastValueFrom(steps.pipe(map((step) => step.values()), toArray()));
      const weights = models.flatMap(({ parameters }) => parameters.map(({ value }) => [...value]));
      return { last: seen.at(-1), logs: await logs.at(-1), weights };
    };
    const whole = await run();
    assert.deepEqual(await run(`${folder}/2`), whole);
  }));

Deno.test("a resumed run brings weights that no step changes from the file to the model, too", () =>
  inFolder(async (folder) => {
    const run = async (seed: number, last: number, resume?: string) => {
      const body = sequential([input([4]), dense(3)], { seed });
      const model = sequential([frozen(body), dense(1)], { seed });
      const training = fit(model, arrays(rowsOf4, targets), {
        ...cpu,
        loss: mse,
        optimizer: sgd({ learningRate: 0.1 }),
        callbacks: [checkpoint(`${folder}/body.safetensors`, { save: "last" })],
        epochs: last,
        resume,
      });
      await lastValueFrom(training);
      return model.parameters.map(({ value }) => [...value]);
    };
    const whole = await run(1, 4);
    await run(1, 2);
    // Another process has other first weights.
    assert.deepEqual(await run(7, 4, `${folder}/body.safetensors`), whole);
  }));

Deno.test("a loss of a second group that is not finite names its layer", async () => {
  const [good, bad] = [lambda((x) => x), lambda((x) => x.sub(9).log(), { name: "bad" })].map((
    layer,
  ) => sequential([input([4]), dense(2), layer, dense(1)]));
  const steps = miniBatches(arrays(rowsOf4, targets), cpu).pipe(
    forward(good),
    loss(mse),
    backward(),
    update(sgd()),
  ).pipe(forward(bad), loss(mse, { name: "second" }), backward(), update(sgd()));
  await assert.rejects(lastValueFrom(steps), /second is NaN at step 1, first in bad: look for/);
});
