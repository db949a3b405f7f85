// T1, the sequential part: layers one after another, by name, shape and weight.
import assert from "node:assert/strict";
import { lastValueFrom } from "rxjs";
import { settled } from "../../core/stream/settled.ts";
import {
  activation,
  adam,
  arrays,
  backward,
  dense,
  dropout,
  epochs,
  fit,
  flatten,
  forward,
  input,
  loss,
  meanSquaredError,
  miniBatches,
  predict,
  sequential,
  ShapeError,
  summary,
  update,
} from "../../mod.ts";
import { assertClose } from "../core/nn/close.ts";
import { testOnDevices } from "../devices.ts";
import { seededNumbers, setWeights, train } from "./networks.ts";

Deno.test("T1: layers are named by type and count, as their weights are", () => {
  const model = sequential([
    input([2, 3]),
    flatten(),
    dense(5),
    activation("tanh"),
    dropout(0.3),
    dense(1, { name: "score" }),
  ]);
  const names = ["flatten_1", "dense_1", "activation_1", "dropout_1", "score"];
  assert.deepEqual(model.layers.map(({ name }) => name), names);
  assert.deepEqual(model.parameters.map(({ name, shape }) => [name, shape]), [
    ["dense_1/kernel", [6, 5]],
    ["dense_1/bias", [5]],
    ["score/kernel", [5, 1]],
    ["score/bias", [1]],
  ]);
  const table = summary(model);
  for (const name of names) assert(table.includes(`${name} (`), name);
  assert(table.includes("Total params: 41 "), "6·5 + 5 and 5·1 + 1");
});

Deno.test("T1: a model starts with the shape of its inputs, and layers must fit", () => {
  assert.throws(() => sequential([dense(3)]), /start it with input/);
  assert.throws(() => sequential([input([3]), dense(2), input([2]), dense(1)]), ShapeError);
  assert.throws(
    () => sequential([dense(3, { inputShape: [2] }), dense(1, { inputShape: [4] })]),
    /dense_2: expected input of shape \[4\].*got \[3\]/s,
  );
});

Deno.test("T1: the first weights follow from the seed and the layers' names", () => {
  const layers = () => [input([4]), dense(3), dense(2)];
  const values = (seed: number, more = layers()) =>
    sequential(more, { seed }).parameters.map(({ value }) => [...value]);
  assert.deepEqual(values(1), values(1));
  assert.notDeepEqual(values(1), values(2));
  assert.deepEqual(values(1, [input([4]), dense(3), dropout(0.5), dense(2)]), values(1));
});

const rows = Array.from({ length: 12 }, (_, row) => seededNumbers(3, row + 1));
const data = arrays(rows, rows.map(([first, second, third]) => [first - second * third]));

await testOnDevices("T1: a model of two is the second of the first", async (options) => {
  const layers = [dense(4, { activation: "tanh" }), dense(2, { activation: "sigmoid" })];
  const whole = sequential([input([3]), ...layers], { seed: 3 });
  const [first, second] = [
    sequential([input([3]), layers[0]], { seed: 3 }),
    sequential([input([4]), layers[1]], { seed: 3 }),
  ];
  // A layer holds no weights: the same two stand in all three models.
  setWeights(second, whole.parameters.slice(2).map(({ value }) => [...value]));
  const hidden = await predict(first, data.x, options);
  const outputs = await predict(second, hidden, options);
  assertClose(outputs.data, (await predict(whole, data.x, options)).data, 1e-6);
});

await testOnDevices("T1: fit() and the pipe of stages train to the same bits", async (options) => {
  const make = () =>
    sequential([input([3]), dense(6, { activation: "tanh" }), dropout(0.3), dense(1)], { seed: 9 });
  const [short, long] = [make(), make()];
  const settings = { batchSize: 5, epochs: 3, seed: 4, ...options };
  const rule = () => adam({ learningRate: 0.05 });
  const one = await train(
    short,
    fit(short, data, { loss: meanSquaredError(), optimizer: rule(), ...settings }),
  );
  const other = await lastValueFrom(
    miniBatches(data, settings).pipe(
      forward(long),
      loss(meanSquaredError()),
      backward(),
      update(rule()),
      epochs(),
    ),
  );
  await settled(long);
  assert.deepEqual(one.logs, other.logs);
  const values = ({ parameters }: typeof short) => parameters.map(({ value }) => [...value]);
  assert.deepEqual(values(short), values(long));
  assert.notDeepEqual(values(short), values(make()));
});
