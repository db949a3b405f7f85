/** Labels for which the outputs have no class are refused, wherever they come from. */
import assert from "node:assert/strict";
import { lastValueFrom, map } from "rxjs";
import { DataError } from "../../core/graph/errors.ts";
import {
  accuracy,
  type AnyDataSet,
  arrays,
  backward,
  Batch,
  connect,
  ctc,
  type DataSet,
  dense,
  embedding,
  evaluate,
  fit,
  forward,
  functional,
  input,
  loss,
  masking,
  meanMetric,
  meanSquaredError,
  measure,
  miniBatches,
  perplexity,
  predict,
  sequential,
  sgd,
  sparseCategoricalAccuracy,
  sparseCategoricalCrossentropy,
  sparseCategoricalCrossentropyMetric,
  sparseTopKCategoricalAccuracy,
  streamedDataSet,
  update,
} from "../../mod.ts";
import { assertClose } from "../core/nn/close.ts";

const cpu = { device: "cpu", threads: 1 } as const;
const crossentropy = sparseCategoricalCrossentropy({ fromLogits: true });
const inputs = Array.from({ length: 6 }, (_, at) => [Math.sin(at)]);
const labelled = (ids: readonly number[] | Int32Array) => arrays(inputs, ids);
const model = () => sequential([input([1]), dense(3)], { seed: 1 });
const train = (data: DataSet, more: { loss?: typeof crossentropy; validation?: AnyDataSet } = {}) =>
  lastValueFrom(
    fit(model(), data, { ...cpu, batchSize: 4, loss: crossentropy, optimizer: sgd(), ...more }),
  );

const refused = (id: number, sample: number, range = "0 to 2") => (error: unknown) => {
  assert(error instanceof DataError, String(error));
  const message =
    `sparse_categorical_crossentropy as labels must be whole numbers from ${range}: ` +
    `received ${id} at sample ${sample} (number the classes from 0`;
  assert(error.message.includes(message), error.message);
  assert.equal(error.row, sample + 1);
  return true;
};

Deno.test("labels from 1, too large, or between two classes end training before a step", async () => {
  await train(labelled(Int32Array.of(0, 1, 2, 2, 1, 0)));
  await assert.rejects(train(labelled(Int32Array.of(1, 2, 3, 1, 2, 3))), refused(3, 2));
  await assert.rejects(train(labelled(Int32Array.of(0, 0, 0, 0, 0, 2 ** 30))), refused(2 ** 30, 5));
  await assert.rejects(train(labelled([0, 1, 0.5, 1, 2, 0])), refused(0.5, 2));
  const weights = model();
  const before = weights.parameters.map(({ value }) => [...value]);
  const training = fit(weights, labelled([0, 3, 0, 1, 2, 0]), {
    ...cpu,
    loss: crossentropy,
    optimizer: sgd(),
  });
  await assert.rejects(lastValueFrom(training), refused(3, 1));
  assert.deepEqual(weights.parameters.map(({ value }) => [...value]), before);
});

Deno.test("in evaluation, in validation and for outputs by name, too", async () => {
  const wrong = labelled(Int32Array.of(0, 1, 2, 3, 1, 0));
  await assert.rejects(evaluate(model(), wrong, { ...cpu, loss: crossentropy }), refused(3, 3));
  const validated = train(labelled(Int32Array.of(0, 1, 2, 2, 1, 0)), { validation: wrong });
  await assert.rejects(validated, (error) => {
    assert.match((error as Error).message, /^In validation: Cannot compare/);
    return refused(3, 3)(error);
  });
  const x = input([1]);
  const two = functional({
    inputs: { x },
    outputs: { few: connect(x, dense(2)), many: connect(x, dense(5)) },
  });
  const ids = Int32Array.of(0, 1, 4, 4, 1, 0);
  const data = arrays({ x: inputs }, { few: ids, many: ids });
  const options = { ...cpu, loss: { few: crossentropy, many: crossentropy }, optimizer: sgd() };
  await assert.rejects(lastValueFrom(fit(two, data, options)), refused(4, 2, "0 to 1"));
});

Deno.test("the ignored class, targets that an operator made, and masked steps are let through", async () => {
  const ignoring = sparseCategoricalCrossentropy({ fromLogits: true, ignoreClass: -1 });
  const ids = Int32Array.of(0, -1, 2, -1, 1, 0);
  const data = { ...labelled([0, 0, 0, 0, 0, 0]), y: { data: ids, shape: [6] } };
  await train(data, { loss: ignoring });
  await assert.rejects(train(data), refused(-1, 1));
  const strange = { ...data, y: { data: ids.map((id) => id < 0 ? -2 : id), shape: [6] } };
  await assert.rejects(train(strange, { loss: ignoring }), refused(-2, 1, "0 to 2 or -1"));

  const steps = miniBatches(labelled([1, 2, 3, 3, 2, 1]), cpu).pipe(
    map(({ frame, x, y }) => new Batch(frame, x, y.sub(1))),
    forward(model()),
    loss(crossentropy),
    backward(),
    update(sgd()),
  );
  await lastValueFrom(steps);

  const tagger = sequential([input([3]), embedding(5, 4, { maskZero: true }), dense(2)]);
  const padded = arrays([[1, 2, 0], [3, 0, 0]], {
    data: Float32Array.of(0, 1, -1, 1, -1, -1),
    shape: [2, 3],
  });
  const { logs } = await lastValueFrom(
    fit(tagger, padded, { ...cpu, loss: crossentropy, optimizer: sgd() }),
  );
  assert(logs.loss > 0);
});

Deno.test("a loss is the mean over all labels that are not ignored, in batches of any size, behind a mask", async () => {
  const tokens = [[1, 2, 0, 0], [3, 0, 0, 0], [2, 4, 1, 3], [4, 4, 2, 0], [1, 0, 0, 0]];
  for (const ignoreClass of [0, -1]) {
    // What is behind the end is ignored, as is each other two.
    const tags = tokens.map((row) =>
      row.map((token) => token === 0 || token === 2 ? ignoreClass : token % 2 + 1)
    );
    const tagger = sequential([
      input([4]),
      embedding(5, 4, { maskZero: true, embeddingsInitializer: "glorotNormal" }),
      dense(3),
    ]);
    const y = { data: Int32Array.from(tags.flat()), shape: [5, 4] };
    const data = { x: arrays(tokens, tokens).x, y };
    const outputs = await predict(tagger, data.x, cpu);
    const losses = tags.flat().flatMap((tag, at) => {
      const row = Array.from(outputs.data.slice(3 * at, 3 * at + 3), Math.exp);
      return tag === ignoreClass ? [] : [Math.log(row[0] + row[1] + row[2]) - Math.log(row[tag])];
    });
    const expected = losses.reduce((sum, one) => sum + one / losses.length, 0);
    const ignoring = sparseCategoricalCrossentropy({ fromLogits: true, ignoreClass });
    for (const batchSize of [1, 2, 3, 5]) {
      const { loss: found } = await evaluate(tagger, data, { ...cpu, loss: ignoring, batchSize });
      assertClose([found], [expected], 1e-6, `${ignoreClass} in batches of ${batchSize}`);
    }
    const options = { ...cpu, loss: ignoring, optimizer: sgd({ learningRate: 0 }), batchSize: 2 };
    const { logs } = await lastValueFrom(fit(tagger, data, options));
    assertClose([logs.loss], [expected], 1e-6, `${ignoreClass} in training`);
  }
});

Deno.test("metrics of probabilities leave out what the loss ignores, which has none", async () => {
  const model = sequential([input([2]), dense(3, { activation: "softmax" })]);
  const data = arrays([[1, 2], [3, -1], [0.5, 2], [2, 2]], [0, -1, 2, -1]);
  const { data: shares } = await predict(model, data.x, cpu);
  const expected = -(Math.log(shares[0]) + Math.log(shares[8])) / 2;
  const ignoring = sparseCategoricalCrossentropy({ ignoreClass: -1 });
  const metrics = [perplexity(), sparseCategoricalCrossentropyMetric()];
  for (const batchSize of [1, 3, 4]) {
    const logs = await evaluate(model, data, { ...cpu, loss: ignoring, metrics, batchSize });
    const found = [logs.loss, logs.sparse_categorical_crossentropy, Math.log(logs.perplexity)];
    assertClose(found, [expected, expected, expected], 1e-6, `batches of ${batchSize}`);
  }
});

Deno.test("metrics leave out what the loss ignores, and count labels, not batches", async () => {
  const tokens = [[1, 2, 3, 1], [3, 0, 0, 0], [2, 4, 1, 3], [4, 4, 2, 0], [1, 0, 0, 0]];
  const ignoring = sparseCategoricalCrossentropy({ fromLogits: true, ignoreClass: -1 });
  // Of the first sample one label is known, of the third all: batches weigh differently.
  const tags = tokens.map((row, sample) =>
    row.map((token, at) => token === 0 || sample === 0 && at > 0 ? -1 : token % 3)
  );
  const data = {
    x: arrays(tokens, tokens).x,
    y: { data: Int32Array.from(tags.flat()), shape: [5, 4] },
  };
  const metrics = [
    accuracy(),
    sparseTopKCategoricalAccuracy({ k: 2 }),
    meanMetric(ignoring),
    sparseCategoricalCrossentropyMetric({ fromLogits: true, ignoreClass: -1 }),
  ].map((metric, place) => ({ ...metric, name: `metric_${place}` }));
  for (const maskZero of [false, true]) {
    const tagger = sequential([
      input([4]),
      embedding(5, 4, { maskZero, embeddingsInitializer: "glorotNormal" }),
      dense(3),
    ]);
    const outputs = await predict(tagger, data.x, cpu);
    const known = tags.flat().flatMap((tag, at) => {
      if (tag < 0) return [];
      const row = [...outputs.data.slice(3 * at, 3 * at + 3)];
      const larger = row.filter((one) => one > row[tag]).length;
      const total = row.reduce((sum, one) => sum + Math.exp(one), 0);
      const loss = Math.log(total) - row[tag];
      return [[larger < 1 ? 1 : 0, larger < 2 ? 1 : 0, loss, loss]];
    });
    const expected = metrics.map((_, place) =>
      known.reduce((sum, row) => sum + row[place] / known.length, 0)
    );
    const surprise = perplexity({ fromLogits: true });
    const given = { ...cpu, loss: ignoring, metrics: [...metrics, surprise] };
    for (const batchSize of [1, 2, 5]) {
      const logs = await evaluate(tagger, data, { ...given, batchSize });
      const found = metrics.map(({ name }) => logs[name]);
      assertClose(found, expected, 1e-6, `batches of ${batchSize}, mask ${maskZero}`);
      assertClose([logs.perplexity], [Math.exp(expected[2])], 1e-6, "perplexity");
    }
    const options = { ...given, optimizer: sgd({ learningRate: 0 }), validation: data };
    const { logs } = await lastValueFrom(fit(tagger, data, { ...options, batchSize: 2 }));
    for (const prefix of ["", "val_"]) {
      assertClose(metrics.map(({ name }) => logs[`${prefix}${name}`]), expected, 1e-6, prefix);
    }
  }
  // What the metric itself ignores is left out, too.
  const other = sequential([input([4]), embedding(5, 4), dense(3)]);
  const own = sparseCategoricalAccuracy({ ignoreClass: 0 });
  const given = { ...cpu, loss: ignoring, metrics: [own], batchSize: 2 };
  const { sparse_categorical_accuracy: found } = await evaluate(other, data, given);
  const { data: all } = await predict(other, data.x, cpu);
  const counted = tags.flat().flatMap((tag, at) => {
    const row = [...all.slice(3 * at, 3 * at + 3)];
    return tag < 1 ? [] : [row.indexOf(Math.max(...row)) === tag ? 1 : 0];
  });
  assertClose([found], [counted.reduce<number>((sum, one) => sum + one, 0) / counted.length], 1e-6);
  // A metric of a pipe that does not know the loss yet cannot leave out what that ignores.
  const early = miniBatches(data, cpu).pipe(
    forward(sequential([input([4]), embedding(5, 4), dense(3)])),
    measure(accuracy()),
    loss(ignoring),
  );
  await assert.rejects(lastValueFrom(early), /by accuracy .*received -1/);
});

Deno.test("the mean of a loss that goes by the mask is taken behind the mask", async () => {
  const frames = [[[1, 1], [2, 1], [0, 0], [0, 0]], [[1, 2], [0, 3], [2, 2], [1, 1]]];
  const model = sequential([input([4, 2]), masking(), dense(3)]);
  const data = arrays(frames, [[1, 0], [2, 1]]);
  const logs = await evaluate(model, data, { ...cpu, loss: ctc(), metrics: [meanMetric(ctc())] });
  assertClose([logs.ctc], [logs.loss], 1e-6);
});

Deno.test("the loss of several outputs is the sum of theirs, whatever counts in each batch", async () => {
  const x = input([1]);
  const outputs = { kind: connect(x, dense(3)), price: connect(x, dense(1)) };
  const two = functional({ inputs: { x }, outputs, seed: 2 });
  const data = arrays({ x: inputs }, { kind: [0, 0, 1, 0, 2, 1], price: inputs });
  const ignoring = sparseCategoricalCrossentropy({ fromLogits: true, ignoreClass: 0 });
  for (const batchSize of [1, 2, 4, 6]) {
    const logs = await evaluate(two, data, {
      ...cpu,
      loss: { kind: ignoring, price: meanSquaredError() },
      lossWeights: { kind: 0.25 },
      batchSize,
    });
    assertClose([logs.loss], [0.25 * logs.kind_loss + logs.price_loss], 1e-6, `${batchSize}`);
  }
});

/** A million samples, of which one has a label too much, in some windows of a few megabytes. */
const stream = (wrong: number) =>
  streamedDataSet({
    samples: 1_000_000,
    x: { shape: [1], type: "float32" },
    y: { shape: [], type: "uint8" },
    read(rows, { x, y }) {
      rows.forEach((row, place) => {
        x.data[place] = row / 1e6;
        y.data[place] = row === wrong ? 3 : row % 3;
      });
    },
  });

for (const wrong of [0, 999_999]) {
  Deno.test(`streamed labels are looked at as they come: sample ${wrong}`, async () => {
    const options = { ...cpu, loss: crossentropy, optimizer: sgd(), batchSize: 100_000 };
    await assert.rejects(lastValueFrom(fit(model(), stream(wrong), options)), refused(3, wrong));
    const judged = evaluate(model(), stream(wrong), options);
    await assert.rejects(judged, refused(3, wrong));
  });
}
