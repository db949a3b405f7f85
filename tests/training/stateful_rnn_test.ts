/** Cells of one's own that keep their states from batch to batch. */
import assert from "node:assert/strict";
import { lastValueFrom, toArray } from "rxjs";
import {
  add,
  arrays,
  dense,
  embedding,
  fit,
  generate,
  input,
  lstm,
  masking,
  matmul,
  meanSquaredError,
  type Model,
  mul,
  predict,
  type RecurrentCell,
  resetStates,
  rnn,
  type RnnOptions,
  sequential,
  sgd,
  simpleRnn,
  sumMetric,
} from "../../mod.ts";
import { assertClose } from "../core/nn/close.ts";
import { testOnDevices } from "../devices.ts";
import { devicesOf } from "./devices.ts";

const [rows, chunks, steps, units] = [3, 4, 2, 5];
const stateful = { stateful: true, batchSize: rows } as const;
const cpu = { device: "cpu", threads: 1 } as const;

/** simpleRnn's cell, whose outputs are multiplied by a count of the steps. */
function cell(counts: number): RecurrentCell<"h" | "count"> {
  return {
    type: "OwnCell",
    states: ["h", "count"],
    stateShapes: () => ({ h: [units], count: [1, 1] }),
    outputShape: () => [units],
    parameters: ([width], key) => simpleRnn(units).init([1, width], key).parameters,
    step({ kernel, recurrent_kernel, bias }, x, { h, count }) {
      const next = add(add(matmul(x, kernel), matmul(h, recurrent_kernel)), bias).tanh();
      const states = { h: next, count: add(count, counts) };
      return { output: mul(next, states.count.reshape([-1, 1]).add(1)), states };
    },
  };
}

const own = (counts: number, options: RnnOptions & { returnState?: false }) =>
  rnn(cell(counts), { ...options, name: "memory" });

/** Series of numbers, `[rows][chunks · steps][2]`; zeros of the second are padding. */
const series = Array.from({ length: rows }, (_, row) =>
  Array.from(
    { length: chunks * steps },
    (_, step) =>
      row === 1 && step % 3 === 0 ? [0, 0] : [Math.sin(row + step), Math.cos(row * step)],
  ));
/** Sample i of a batch goes on where sample i of the batch before has ended. */
const pieces = Array.from(
  { length: chunks },
  (_, chunk) => series.map((row) => row.slice(chunk * steps, (chunk + 1) * steps)),
).flat();
const data = arrays(pieces, pieces.map((_, place) => [Math.sin(place * place)]));

function weighted(model: Model, from: Model): Model {
  for (const [name, parameter] of model.weights) {
    if (!parameter.state) parameter.set(from.weights.get(name)!.value);
  }
  return model;
}

await testOnDevices(
  "what a cell of one's own says in chunks is what it says of the whole",
  async (device) => {
    for (const masked of [false, true]) {
      const layers = masked ? [masking()] : [];
      const model = sequential([input([steps, 2]), ...layers, own(0.5, stateful)], { seed: 2 });
      const all = own(0.5, { returnSequences: true });
      const whole = weighted(sequential([input([chunks * steps, 2]), ...layers, all]), model);
      const expected = await predict(whole, series, { device: "reference" });
      const found = await predict(model, pieces, { ...device, batchSize: rows });
      const last = pieces.flatMap((_, place) => {
        const [chunk, row] = [Math.floor(place / rows), place % rows];
        const from = (row * chunks * steps + (chunk + 1) * steps - 1) * units;
        return [...expected.data.slice(from, from + units)];
      });
      assertClose(found.data, last, 1e-5, `chunks, ${masked ? "with" : "without"} padding`);
    }
  },
);

async function learns(device: object): Promise<void> {
  const made = [own(0, stateful), simpleRnn(units, { ...stateful, name: "memory" })].map((
    layer,
  ) => sequential([input([steps, 2]), layer, dense(1)], { seed: 3 }));
  const logs = [];
  for (const model of made) {
    const epochs = fit(model, data, {
      ...device,
      loss: meanSquaredError(),
      optimizer: sgd({ learningRate: 0.2 }),
      metrics: [sumMetric()],
      batchSize: rows,
      shuffle: false,
      epochs: 4,
      batchOperators: [resetStates()],
      validation: data,
    });
    logs.push((await lastValueFrom(epochs)).logs);
  }
  const [mine, known] = made;
  for (const [name, { value }] of known.weights) {
    if (name === "memory/states") continue;
    assertClose(mine.weights.get(name)!.value, value, 2e-5, name);
  }
  for (const name of ["loss", "val_loss", "val_sum"]) {
    assertClose([logs[0][name]], [logs[1][name]], 1e-4, name);
  }
  const states = mine.weights.get("memory/states")!;
  assert.deepEqual([states.shape, states.trainable], [[rows, 2 * units + 1], false]);
  const given = known.weights.get("memory/states")!.value;
  const h = Array.from(given, (_, at) => {
    const [row, unit] = [Math.floor(at / units), at % units];
    return states.value[row * (2 * units + 1) + unit];
  });
  assertClose(h, given, 2e-5, "states");
}

// The steps of a cell are as many kernels: on WebGPU they take seconds to compile.
for (const { name, options } of await devicesOf("reference", "cpu")) {
  Deno.test(
    `it learns as the layer with a kernel, and validation has states of its own [${name}]`,
    () => learns(options),
  );
}

Deno.test("a stateful cell is refused without a size of batches, and a weight of the states' name", async () => {
  assert.throws(
    () => rnn(cell(1), { stateful: true }),
    /rnn stateful as it keeps .*: give batchSize/,
  );
  assert.throws(() => rnn(cell(1), { batchSize: 2 }), /received 2 without stateful: true/);
  const clashing: RecurrentCell = {
    ...cell(1),
    parameters: () => [
      { name: "states", shape: [1], values: new Float32Array(1), trainable: true },
    ],
  };
  assert.throws(
    () => sequential([input([steps, 2]), rnn(clashing, stateful)]),
    /expected a cell without a weight "states"/,
  );
  const model = sequential([input([steps, 2]), own(1, stateful)]);
  await assert.rejects(
    predict(model, pieces.slice(0, 2), { ...cpu, batchSize: 2 }),
    /batches of 3/,
  );
});

Deno.test("a stateful model generates sequences of their own, and keeps its states for the next batch", async () => {
  const layers = (options: { stateful?: boolean; batchSize?: number }) => [
    input([4]),
    embedding(5, 3, { embeddingsInitializer: "glorotUniform" }),
    lstm(4, { returnSequences: true, ...options, name: "first" }),
    rnn(cell(0.5), { returnSequences: true, ...options, name: "memory" }),
    dense(5),
  ];
  const model = sequential(layers(stateful), { seed: 6 });
  await predict(model, [[1, 2, 3, 4], [4, 3, 2, 1], [0, 0, 1, 1]], { ...cpu, batchSize: rows });
  const plain = weighted(sequential(layers({}), { seed: 7 }), model);
  const kept = () =>
    ["first/states", "memory/states"].map((name) => [...model.weights.get(name)!.value]);
  const before = kept();
  assert(before.every((values) => values.some((value) => value !== 0)));
  for (const prompts of [[[1, 2]], [[1, 2], [3, 0], [4, 4]]]) {
    const told = (one: Model) =>
      lastValueFrom(
        generate(one, prompts, { temperature: 0, maxLength: 9, ...cpu }).pipe(toArray()),
      );
    assert.deepEqual(await told(model), await told(plain));
  }
  assert.deepEqual(kept(), before);
});

Deno.test("a run that shuffles what goes on from batch to batch warns, once", async () => {
  const warnings: string[] = [];
  const print = console.error;
  console.error = (line: string) => void warnings.push(line);
  try {
    for (const [shuffle, options] of [[true, stateful], [false, stateful], [true, {}]] as const) {
      const model = sequential([input([steps, 2]), own(0, options), dense(1)]);
      const loss = meanSquaredError();
      const given = { ...cpu, loss, optimizer: sgd(), batchSize: rows, epochs: 2, shuffle };
      await lastValueFrom(fit(model, data, given));
    }
  } finally {
    console.error = print;
  }
  assert.equal(warnings.length, 1);
  assert.match(warnings[0], /^Warning: memory keeps states .* shuffle: false/);
});
