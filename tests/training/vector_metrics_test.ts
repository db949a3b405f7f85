/** Metrics with vectors and tables in a run: over an epoch, in validation, in logs. */
import assert from "node:assert/strict";
import { lastValueFrom, toArray } from "rxjs";
import {
  accuracy,
  arrays,
  auc,
  confusionMatrix,
  dense,
  evaluate,
  evaluateTables,
  f1Score,
  fit,
  input,
  jsonLines,
  type Metric,
  metricValue,
  predict,
  r2Score,
  recall,
  sequential,
  sgd,
  sparseCategoricalCrossentropy,
  tensor,
} from "../../mod.ts";
import { mulberry32 } from "../core/ops/generator.ts";
import { testOnDevices } from "../devices.ts";

const random = mulberry32(21);
const labels = Array.from({ length: 90 }, () => Math.floor(random() * 3));
const x = labels.map((label) => [label + random() * 2, random() * 3 - label]);
const sampleWeight = labels.map(() => Math.round(random() * 8) / 4);
const data = arrays(x, labels, { classes: 3, sampleWeight });
const still = sgd({ learningRate: 0 });
const loss = sparseCategoricalCrossentropy();

const network = () => sequential([input([2]), dense(3, { activation: "softmax" })], { seed: 4 });

/** The true class of each sample and the largest output. */
async function answers(): Promise<[number, number][]> {
  const { data: outputs } = await predict(network(), data.x, { device: "cpu", threads: 1 });
  return labels.map((label, place) => {
    const row = Array.from(outputs.subarray(place * 3, place * 3 + 3));
    return [label, row.indexOf(Math.max(...row))];
  });
}

function tableOf(pairs: readonly [number, number][], weights?: readonly number[]): number[][] {
  const table = [[0, 0, 0], [0, 0, 0], [0, 0, 0]];
  pairs.forEach(([row, column], place) => table[row][column] += weights?.[place] ?? 1);
  return table;
}

await testOnDevices(
  "a confusion matrix is exact over an epoch and in validation",
  async (device) => {
    const pairs = await answers();
    const [epoch] = await lastValueFrom(
      fit(network(), data, {
        loss,
        optimizer: still,
        batchSize: 20,
        metrics: [accuracy(), confusionMatrix(3)],
        weightedMetrics: [confusionMatrix(3), accuracy()],
        validation: data,
        ...device,
      }).pipe(toArray()),
    );
    const [plain, weighted] = [tableOf(pairs), tableOf(pairs, sampleWeight)];
    assert.deepEqual(epoch.tables, {
      confusion_matrix: plain,
      weighted_confusion_matrix: weighted,
      val_confusion_matrix: plain,
      val_weighted_confusion_matrix: weighted,
    });
    assert.ok(Object.values(epoch.logs).every((value) => typeof value === "number"));
    assert.equal(epoch.logs.accuracy, (plain[0][0] + plain[1][1] + plain[2][2]) / 90);
    const right = weighted[0][0] + weighted[1][1] + weighted[2][2];
    const all = sampleWeight.reduce((sum, weight) => sum + weight, 0);
    assert.ok(Math.abs(epoch.logs.weighted_accuracy - right / all) < 1e-12);
  },
);

const binary = arrays(x, labels.map((label) => label === 2 ? 1 : 0));
const unit = () => sequential([input([2]), dense(1, { activation: "sigmoid" })], { seed: 6 });

await testOnDevices(
  "the metric of an epoch is that of all samples, not a mean over batches",
  async (device) => {
    const metrics: Metric[] = [auc(), auc({ curve: "PR", name: "pr_auc" }), recall(), r2Score()];
    const table = recall({ thresholds: [0.3, 0.7], name: "recalls" });
    const { data: outputs } = await predict(unit(), binary.x, { device: "cpu", threads: 1 });
    const expected = await Promise.all(
      metrics.map((metric) => metricValue(metric, tensor(binary.y.data), tensor(outputs))),
    );
    const [{ logs, tables }] = await lastValueFrom(
      fit(unit(), binary, {
        loss: { name: "none", apply: (_targets, given) => given.reshape([given.size]) },
        optimizer: still,
        batchSize: 7,
        metrics: [...metrics, table],
        validation: binary,
        ...device,
      }).pipe(toArray()),
    );
    assert.deepEqual(Object.keys(tables!), ["recalls", "val_recalls"]);
    const rows = await metricValue(table, tensor(binary.y.data), tensor(outputs));
    assert.deepEqual([tables!.recalls, tables!.val_recalls], [rows, rows]);
    ["auc", "pr_auc", "recall", "r2_score"].forEach((name, place) => {
      assert.ok(Math.abs(logs[name] - Number(expected[place])) < 1e-5, name);
      assert.ok(Math.abs(logs[`val_${name}`] - Number(expected[place])) < 1e-5, `val_${name}`);
    });
    assert.ok(logs.auc > 0 && logs.auc < 1 && logs.pr_auc > 0);
  },
);

Deno.test("tables are printed with an epoch, and begin anew with each", async () => {
  const lines: string[] = [];
  const writer = {
    writeSync: (bytes: Uint8Array) => {
      lines.push(new TextDecoder().decode(bytes));
      return bytes.length;
    },
  };
  const events = await lastValueFrom(
    fit(network(), data, {
      loss,
      optimizer: still,
      batchSize: 32,
      epochs: 2,
      metrics: [confusionMatrix(3)],
      device: "cpu",
      threads: 1,
      callbacks: [jsonLines(writer)],
    }).pipe(toArray()),
  );
  assert.deepEqual(events[1].tables, events[0].tables);
  const printed = lines.join("").trim().split("\n").map((line) => JSON.parse(line));
  const epochs = printed.filter(({ event }) => event === "epoch");
  assert.deepEqual(epochs.map((epoch) => epoch.confusion_matrix), [
    events[0].tables!.confusion_matrix,
    events[0].tables!.confusion_matrix,
  ]);
});

Deno.test("without tables an epoch has none; evaluate gives the numbers, evaluateTables the tables", async () => {
  const device = { device: "cpu", threads: 1 } as const;
  const training = fit(network(), data, { loss, optimizer: still, ...device });
  assert.equal("tables" in await lastValueFrom(training), false);
  const metrics = [confusionMatrix(3), f1Score(), accuracy()];
  const rows = arrays(x, labels.map((label) => [0, 1, 2].map((k) => k === label ? 1 : 0)));
  const logs = await evaluate(network(), rows, {
    loss: { name: "none", apply: (targets) => targets.sum(1) },
    metrics,
    ...device,
  });
  assert.deepEqual(Object.keys(logs), ["loss", "accuracy"]);
  const pairs = await answers();
  const tables = await evaluateTables(network(), data, {
    loss,
    metrics: [confusionMatrix(3), accuracy()],
    weightedMetrics: [confusionMatrix(3)],
    batchSize: 40,
    ...device,
  });
  assert.deepEqual(tables, {
    confusion_matrix: tableOf(pairs),
    weighted_confusion_matrix: tableOf(pairs, sampleWeight),
  });
});

Deno.test("a table of very many classes does not pile up: rows are brought to the host in time", async () => {
  const classes = 600;
  const ids = Array.from({ length: 40 }, (_, place) => (place * 37) % classes);
  const many = arrays(ids.map((id) => [id / classes]), ids, { classes });
  const model = sequential([input([1]), dense(classes, { kernelInitializer: "zeros" })]);
  const { tables } = await lastValueFrom(
    fit(model, many, {
      loss: sparseCategoricalCrossentropy({ fromLogits: true }),
      optimizer: still,
      batchSize: 2,
      metrics: [confusionMatrix(classes)],
      validation: many,
      device: "cpu",
      threads: 1,
    }),
  );
  for (const table of Object.values(tables!)) {
    // All outputs are equal: the first class is the answer.
    ids.forEach((id) => assert.equal(table[id][0], 1));
    assert.equal(table.flat().reduce((sum, count) => sum + count, 0), 40);
  }
});

Deno.test("wrong options of these metrics are refused", () => {
  assert.throws(() => confusionMatrix(1), /whole number from 2: received 1/);
  assert.throws(
    () => auc({ curve: "PRC" as "PR" }),
    /curve must be one of ROC, PR: received "PRC"/,
  );
  assert.throws(() => auc({ numThresholds: 1 }), /numThresholds of auc .* from 2: received 1/);
  assert.throws(() => auc({ thresholds: [2] }), /a threshold of auc .* received 2/);
  assert.throws(
    () => auc({ multiLabel: true, labelWeights: [1, -1] }),
    /a label weight of auc .* received -1/,
  );
  assert.throws(() => f1Score({ average: "mean" as "macro" }), /average must be one of/);
  assert.throws(() => recall({ classId: -1 }), /classId of recall .* received -1/);
  assert.throws(() => recall({ topK: 0 }), /topK of recall .* from 1: received 0/);
  assert.throws(() => recall({ thresholds: [] }), /there must be a threshold/);
  assert.throws(() => recall({ thresholds: [0.5, NaN] }), /a threshold of recall .* received NaN/);
  assert.throws(
    () => auc({ classId: 1, multiLabel: true, labelWeights: [1] }),
    /one class or at all labels: received classId and multiLabel, labelWeights/,
  );
  assert.throws(() => auc({ labelWeights: [1, -1] }), /a label weight of auc .* received -1/);
  assert.throws(
    () => auc({ labelWeights: [1] }).apply(tensor([[0, 1]]), tensor([[0.5, 1]])),
    /an output for each label of labelWeights: received 2 for 1/,
  );
  assert.throws(
    () => recall({ topK: 3 }).apply(tensor([[0, 1]]), tensor([[0.5, 1]])),
    /topK must be at most the number of outputs: received 3 for 2/,
  );
  const outputs = tensor([[0.1, 0.9]]);
  assert.throws(
    () => recall({ classId: 2 }).apply(outputs, outputs),
    /classId must be below the number of outputs: received 2 for 2/,
  );
  assert.throws(
    () => confusionMatrix(3).apply(tensor([1]), outputs),
    /outputs must be of 3 classes: received 2/,
  );
});
