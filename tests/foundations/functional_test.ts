// T1 of systems.md: two inputs, two outputs, L = J₁ + J₂.
import assert from "node:assert/strict";
import { lastValueFrom, map, mergeMap, toArray } from "rxjs";
import {
  accuracy,
  arrays,
  backward,
  categoricalCrossentropy,
  concatenate,
  connect,
  type DataSet,
  dense,
  type DeviceOptions,
  epochs,
  evaluate,
  fit,
  forward,
  functional,
  hyperparameter,
  input,
  loss,
  type LossWeights,
  meanSquaredError,
  measure,
  miniBatches,
  type Model,
  predict,
  sgd,
  type StoredInputs,
  type StoredTargets,
  summary,
  type Tensor,
  update,
} from "../../mod.ts";
import { mulberry32 } from "../core/ops/generator.ts";
import { testOnDevices } from "../devices.ts";

type Pair<First extends string, Second extends string, Value> = {
  readonly [Name in First | Second]: Value;
};
type Inputs = Pair<"text", "table", Tensor>;
type Outputs = Pair<"kind", "price", Tensor>;

/** Inputs of 11 and of 5 features; a softmax of 4 and a linear output on both branches. */
function t1(seed = 4): Model<Inputs, Outputs> {
  const text = input([11]);
  const table = input([5]);
  const h1 = connect(text, dense(16, { activation: "relu", name: "h1" }));
  const h2 = connect(h1, dense(4, { name: "h2" }));
  const h3 = connect(table, dense(4, { name: "h3" }));
  const joined = connect([h2, h3], concatenate());
  return functional({
    inputs: { text, table },
    outputs: {
      kind: connect(joined, dense(4, { activation: "softmax", name: "kind" })),
      price: connect(joined, dense(1, { name: "price" })),
    },
    seed,
  });
}

const samples = 48;
const random = mulberry32(11);
const rows = (width: number) =>
  Array.from({ length: samples }, () => Array.from({ length: width }, () => random() * 2 - 1));
const [text, table] = [rows(11), rows(5)];
const data: DataSet<Pair<"text", "table", StoredInputs>, Pair<"kind", "price", StoredTargets>> =
  arrays({ text, table }, {
    kind: text.map(([a, b]) =>
      [0, 1, 2, 3].map((id) => Number(id === Number(a > 0) * 2 + Number(b > 0)))
    ),
    price: table.map(([a, b, c]) => [a - 2 * b + c / 2]),
  });

const losses = { kind: categoricalCrossentropy(), price: meanSquaredError() };

/** The gradient of every weight in the first step, by name, and the step's logs. */
async function firstStep(
  given: Parameters<typeof loss<Inputs, Outputs, Outputs>>[0],
  options: DeviceOptions,
  lossWeights: LossWeights<Outputs> = {},
): Promise<{ slopes: Map<string, number[]>; logs: Readonly<Record<string, number>> }> {
  const step = miniBatches(data, { ...options, batchSize: samples, shuffle: false }).pipe(
    forward(t1()),
    loss(given, { lossWeights }),
    backward(),
    mergeMap(async (step) => {
      const logs = step.values();
      const found = [...step.gradients].map(async ([{ name }, tensor]) =>
        [name, Array.from(await tensor.data())] as const
      );
      return { slopes: new Map(await Promise.all(found)), logs: await logs };
    }),
  );
  return await lastValueFrom(step);
}

const close = (actual: number, expected: number, what: string) =>
  assert(
    Math.abs(actual - expected) <= 2e-6 * (1 + Math.abs(expected)),
    `${what}: ${actual}, ${expected}`,
  );

Deno.test("T1: the graph of 11 and 5 features has its exact shapes and weights", () => {
  const model = t1();
  assert.deepEqual(model.inputShape, { text: [11], table: [5] });
  assert.deepEqual(model.outputShape, { kind: [4], price: [1] });
  const shapes = [...model.weights].map(([name, { shape }]) => [name, ...shape]);
  assert.deepEqual(shapes, [
    ["h1/kernel", 11, 16],
    ["h1/bias", 16],
    ["h2/kernel", 16, 4],
    ["h2/bias", 4],
    ["h3/kernel", 5, 4],
    ["h3/bias", 4],
    ["kind/kernel", 8, 4],
    ["kind/bias", 4],
    ["price/kernel", 8, 1],
    ["price/bias", 1],
  ]);
  assert.equal(model.parameters.reduce((sum, { size }) => sum + size, 0), 192 + 68 + 24 + 36 + 9);
});

Deno.test("T1: the summary says what each layer is connected to", () => {
  const lines = summary(t1()).split("\n");
  const cells = (layer: string) =>
    lines.find((line) => line.includes(layer))!.split("│").map((cell) => cell.trim()).slice(1, -1);
  assert.deepEqual(cells("text (InputLayer)"), ["text (InputLayer)", "(None, 11)", "0", "-"]);
  assert.deepEqual(cells("h2 (Dense)"), ["h2 (Dense)", "(None, 4)", "68", "h1[0][0]"]);
  assert.deepEqual(cells("concatenate_1").slice(1), ["(None, 8)", "0", "h2[0][0], h3[0][0]"]);
  assert.deepEqual(cells("price (Dense)")[3], "concatenate_1[0][0]");
  assert.match(lines[2], /Layer \(type\) +┃ Output Shape +┃ +Param # ┃ Connected to/);
});

await testOnDevices("T1: dL/dw = dJ₁/dw + dJ₂/dw for every weight", async (options) => {
  const both = await firstStep(losses, options);
  const first = await firstStep({ kind: losses.kind }, options);
  const second = await firstStep({ price: losses.price }, options);
  assert.equal(both.slopes.size, 10);
  close(both.logs.loss, first.logs.loss + second.logs.loss, "L");
  assert.deepEqual(Object.keys(both.logs), ["loss", "kind_loss", "price_loss"]);
  close(both.logs.kind_loss, first.logs.loss, "J₁");
  let shared = 0;
  for (const [name, slope] of both.slopes) {
    const [one, two] = [first.slopes.get(name)!, second.slopes.get(name)!];
    if (one.some((value) => value !== 0) && two.some((value) => value !== 0)) shared++;
    slope.forEach((value, place) => close(value, one[place] + two[place], `${name}[${place}]`));
  }
  assert.equal(shared, 6, "h1, h2 and h3 learn from both");
});

await testOnDevices(
  "T1: loss weights are factors of the gradients, and may change",
  async (options) => {
    const weight = hyperparameter(0.25);
    const weighted = await firstStep(losses, options, { kind: 2, price: weight });
    const first = await firstStep({ kind: losses.kind }, options);
    const second = await firstStep({ price: losses.price }, options);
    close(weighted.logs.loss, 2 * first.logs.loss + second.logs.loss / 4, "loss");
    close(weighted.logs.price_loss, second.logs.loss, "price_loss has no weight");
    for (const [name, slope] of weighted.slopes) {
      const [one, two] = [first.slopes.get(name)!, second.slopes.get(name)!];
      slope.forEach((value, place) => close(value, 2 * one[place] + two[place] / 4, name));
    }
    // Changed between steps, it is data of the step: no new plan is needed for it to count.
    const changing = miniBatches(data, {
      ...options,
      batchSize: samples,
      epochs: 3,
      shuffle: false,
    })
      .pipe(
        forward(t1()),
        loss(losses, { lossWeights: { kind: 0, price: weight } }),
        map((step) => {
          weight.next(step.step);
          return step.values();
        }),
        toArray(),
      );
    const logs = await Promise.all(await lastValueFrom(changing));
    logs.forEach((log, place) =>
      close(log.loss, (place + 1) * log.price_loss, `step ${place + 1}`)
    );
  },
);

await testOnDevices(
  "T1: both outputs are learned, validated, evaluated and predicted",
  async (options) => {
    const model = t1();
    const metrics = { kind: [accuracy()] };
    const steps = miniBatches(data, { ...options, batchSize: 16, epochs: 60, seed: 1 }).pipe(
      forward(model),
      loss(losses),
      backward(),
      update(sgd({ learningRate: 0.1, momentum: 0.9 })),
      measure(metrics),
    );
    const { logs } = await lastValueFrom(steps.pipe(epochs({ validation: data })));
    assert.deepEqual(Object.keys(logs), [
      ...["loss", "kind_loss", "price_loss", "kind_accuracy"],
      ...["val_loss", "val_kind_loss", "val_price_loss", "val_kind_accuracy", "learning_rate"],
    ]);
    assert(logs.val_kind_accuracy > 0.9 && logs.val_price_loss < 0.05, JSON.stringify(logs));
    const judged = await evaluate(model, data, { ...options, loss: losses, metrics });
    for (const [name, value] of Object.entries(judged)) close(value, logs[`val_${name}`], name);
    const { kind, price } = await predict(model, data.x, { ...options, batchSize: 20 });
    assert.deepEqual([kind.shape, price.shape], [[samples, 4], [samples, 1]]);
    const hits = Array.from({ length: samples }, (_, row) => {
      const place = (values: ArrayLike<number>) => {
        const ids = [0, 1, 2, 3].map((id) => values[row * 4 + id]);
        return ids.indexOf(Math.max(...ids));
      };
      return Number(place(kind.data) === place(data.y.kind.data));
    });
    close(hits.reduce((sum, hit) => sum + hit) / samples, judged.kind_accuracy, "accuracy");
  },
);

await testOnDevices("T1: fit is the same pipe", async (options) => {
  const [model, other] = [t1(), t1()];
  const common = { ...options, batchSize: 16, epochs: 3 };
  const { logs } = await lastValueFrom(fit(model, data, {
    ...common,
    loss: losses,
    lossWeights: { price: 0.5 },
    optimizer: sgd(),
    metrics: { kind: accuracy() },
  }));
  const steps = miniBatches(data, common).pipe(
    forward(other),
    loss(losses, { lossWeights: { price: 0.5 } }),
    backward(),
    update(sgd()),
    measure({ kind: [accuracy()] }),
  );
  assert.deepEqual((await lastValueFrom(steps.pipe(epochs()))).logs, logs);
  model.parameters.forEach(({ value }, place) =>
    assert.deepEqual(value, other.parameters[place].value)
  );
});

Deno.test("T1: the compiler and the graph refuse names that are not there", async () => {
  const model = t1();
  const batches = miniBatches(data, { device: "cpu", threads: 1 });
  // @ts-expect-error there is no such output
  const misnamed = batches.pipe(forward(model), loss({ knid: categoricalCrossentropy() }));
  await assert.rejects(
    lastValueFrom(misnamed),
    /Cannot judge the outputs as a loss .*the output knid: .*outputs kind, price/,
  );
  // @ts-expect-error the model has two outputs
  const alone = batches.pipe(forward(model), loss(categoricalCrossentropy()));
  await assert.rejects(lastValueFrom(alone), /model of one output: received outputs kind, price/);
  const unnamed = { x: data.x, y: data.y.price };
  const nameless = miniBatches(unnamed, { device: "cpu", threads: 1 }).pipe(
    forward(model),
    loss({ price: meanSquaredError() }),
  );
  await assert.rejects(
    lastValueFrom(nameless),
    /output price: received targets one without a name \(give targets by name: \{ price: … \}\)/,
  );
  const strange = { x: { text: data.x.text }, y: data.y };
  // @ts-expect-error one input is missing
  const missing = miniBatches(strange, { device: "cpu", threads: 1 }).pipe(forward(model));
  await assert.rejects(lastValueFrom(missing), /its inputs are text, table: received text/);
  assert.throws(
    () => loss(losses as never, { lossWeights: { prize: 1 } as never }),
    /Cannot weigh the loss of prize as there are losses for kind, price alone/,
  );
  for (const [lossWeights, told] of [[0.5, "0.5"], [[0.5], "an array"]] as const) {
    assert.throws(
      () => loss(meanSquaredError(), { lossWeights: lossWeights as never }),
      new RegExp(`factors by the names of outputs or terms, .*: received ${told}$`),
    );
  }
  // @ts-expect-error one output has no factor
  assert.throws(() => loss(meanSquaredError(), { lossWeights: hyperparameter(0.5) }), TypeError);
  const uneven = {
    x: { ...data.x, table: { data: new Float32Array(5), shape: [1, 5] } },
    y: data.y,
  };
  assert.throws(
    () => miniBatches(uneven),
    /same number of samples: received 48 of text, 1 of table, 48 of kind, 48 of price/,
  );
  await assert.rejects(
    predict(model, uneven.x, { device: "cpu", threads: 1 }),
    /same number of samples: received 48 of text, 1 of table$/,
  );
});
