/** Wrong streams, models and options: each ends in words that say what was given and what to do. */
import assert from "node:assert/strict";
import { lastValueFrom, NEVER, of } from "rxjs";
import { openDevice } from "../../core/stream/open_device.ts";
import {
  type Any,
  cpu,
  data,
  loss,
  m,
  model,
  options,
  refuseUses,
  rows,
  train,
  type Use,
} from "./wrong_uses.ts";

const ids = m.arrays(rows, rows.map((_, at) => at % 2), { classes: 2 });
const rate = m.hyperparameter(0.1);
const predicted = () => m.predictions(model(2), ids.x, cpu);

const streams: readonly Use[] = [
  [
    "a rate of NaN",
    () => m.sgd({ learningRate: NaN }),
    "RangeError",
    /finite number .*: received NaN/,
  ],
  ["a rate that becomes NaN", () => rate.next(NaN), "RangeError", /finite number: received NaN/],
  [
    "a rate that is assigned",
    () => rate.value = 0.2,
    "TypeError",
    /told to those who follow it: use next\(0.2/,
  ],
  [
    "a stream of no rate",
    () => train({ optimizer: m.sgd({ learningRate: NEVER }) }),
    "RangeError",
    /startWith/,
  ],
  [
    "a rule on a number",
    () => m.reduceOnPlateau(0.1),
    "TypeError",
    /received 0.1 \(make one by hyperparam/,
  ],
  [
    "a schedule on a number",
    () => m.learningRateSchedule(0.1, () => 1),
    "TypeError",
    /must be a hyperpara/,
  ],
  [
    "a dropout schedule on it",
    () => m.dropoutSchedule(0.1, () => 1),
    "TypeError",
    /must be a hyperparameter/,
  ],
  [
    "a search on a number",
    () => m.findLearningRate(0.1),
    "TypeError",
    /the rate of findLearningRate as it/,
  ],
  [
    "an average on a number",
    () => m.stochasticWeightAveraging(0.1, {}),
    "TypeError",
    /must be a hyperpara/,
  ],
  [
    "a schedule by a number",
    () => m.learningRateSchedule(rate, 0.1),
    "TypeError",
    /must be a function.* 0.1/,
  ],
  [
    "a schedule of nothing",
    () => m.cosineDecay(),
    "RangeError",
    /initialLearningRate .* received undefined/,
  ],
  [
    "negative epochs",
    () => train({ epochs: -1 }),
    "RangeError",
    /from 0, or Infinity: received -1/,
  ],
  [
    "batches too large",
    () => train({ batchSize: 99, dropRemainder: true }),
    "RangeError",
    /at most the 12/,
  ],
  [
    "lines to a name",
    () => m.jsonLines("a.jsonl"),
    "TypeError",
    /Deno.openSync opens: received "a.jsonl"/,
  ],
  [
    "a bar to nowhere",
    () => m.progressBar(),
    "TypeError",
    /such as Deno.stderr: received undefined/,
  ],
  [
    "no time",
    () => m.maxTime(),
    "RangeError",
    /seconds, minutes or hours must be above 0: received none/,
  ],
  [
    "a signal that is none",
    () => train({ callbacks: [m.stopOnSignal(["SIGFOO"])] }),
    "TypeError",
    /no.* SIGFO/,
  ],
  [
    "no method",
    () => predicted().pipe(m.explain()),
    "TypeError",
    /such as integratedGradients\(\): received/,
  ],
  [
    "no objective",
    () => m.search({ a: m.float(0, 1) }),
    "TypeError",
    /without an objective .* undefined/,
  ],
];

const models: readonly Use[] = [
  [
    "an id beyond an embedding",
    () =>
      train(
        {},
        m.arrays([[9], [1]], [1, 2]),
        m.sequential([m.input([1]), m.embedding(3, 2), m.flatten(), m.dense(1)]),
      ),
    "NonFiniteError",
    /loss is NaN at step 1, .* or an id that an embedding has no row for/,
  ],
  ["no options", () => m.evaluate(model(), data), "TypeError", /without options: give a loss, as/],
  [
    "no model",
    () => m.predict(undefined, data.x),
    "TypeError",
    /predict takes a model, such as sequential/,
  ],
  [
    "a promise of a model",
    () => m.evaluate(of(model()), data, { loss }),
    "TypeError",
    /takes a model/,
  ],
  [
    "a model of no list",
    () => m.sequential(m.input([2]), m.dense(1)),
    "TypeError",
    /must be a list, such as/,
  ],
  [
    "a hole",
    () => m.sequential([m.input([2]), undefined]),
    "TypeError",
    /received undefined at place 1/,
  ],
  [
    "a layer not called",
    () => m.sequential([m.input([2]), m.flatten]),
    "TypeError",
    /call it: flatten\(\)/,
  ],
  [
    "a size for a shape",
    () => m.input(784),
    "TypeError",
    /a list of sizes, such as \[784\]: received 784/,
  ],
  ["a loss not called", () => train({ loss: m.huber }), "TypeError", /call it: huber\(\)/],
  [
    "weights of another model",
    async (at) => {
      await m.saveWeights(model(3), `${at}/other`);
      await m.loadWeights(model(), `${at}/other`);
    },
    "ShapeError",
    /"dense_1\/kernel" does not fit the model: expected F32 \[2, 1\], received F32 \[2, 3\]/,
  ],
  [
    "a device that was disposed",
    async () => {
      const { device } = await openDevice(cpu);
      device.dispose();
      await train({ device });
    },
    "DisposedError",
    /after its disposal: open another/,
  ],
];

refuseUses("wrong uses of streams and operators", streams);
refuseUses("wrong uses of models", models);

Deno.test("two subscriptions at once train two runs, and neither is disturbed", async () => {
  const once = () => {
    const network = m.sequential([m.input([2]), m.dense(1)], { seed: 4 });
    const training = m.fit(network, data, { ...options(), epochs: 3, seed: 2 });
    return { network, training };
  };
  const alone = once();
  const expected = (await lastValueFrom(alone.training) as Any).logs.loss;
  const both = once();
  const runs = await Promise.all([lastValueFrom(both.training), lastValueFrom(both.training)]);
  assert.deepEqual(runs.map((epoch: Any) => epoch.logs.loss), [expected, expected]);
});
