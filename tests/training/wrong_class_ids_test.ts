/** Labels that are no class are refused by every loss and every metric that takes class ids. */
import assert from "node:assert/strict";
import { lastValueFrom } from "rxjs";
import { DataError } from "../../core/graph/errors.ts";
import {
  accuracy,
  arrays,
  binaryIoU,
  categoricalGeneralizedCrossEntropy,
  categoricalHinge,
  categoricalHingeMetric,
  confusionMatrix,
  cosineSimilarity,
  cosineSimilarityMetric,
  dense,
  evaluate,
  evaluateTables,
  fit,
  huber,
  input,
  iou,
  klDivergence,
  logCosh,
  type Loss,
  meanAbsoluteError,
  meanIoU,
  meanSquaredError,
  meanSquaredErrorMetric,
  type Metric,
  poisson,
  sequential,
  sgd,
  sparseCategoricalAccuracy,
  sparseCategoricalCrossentropy,
  sparseCategoricalCrossentropyMetric,
  sparseTopKCategoricalAccuracy,
} from "../../mod.ts";
import { testOnDevices } from "../devices.ts";

const cpu = { device: "cpu", threads: 1 } as const;
const inputs = Array.from({ length: 6 }, (_, at) => [Math.sin(at), Math.cos(3 * at)]);
/** As data sets of other makers have them: `arrays` refuses ids below 0 by itself. */
const labelled = (ids: readonly number[]) => ({
  ...arrays(inputs, ids.map(() => 0)),
  y: { data: Int32Array.from(ids), shape: [ids.length] },
});
const model = (units = 3) =>
  sequential([input([2]), dense(units, { activation: "sigmoid" })], { seed: 1 });

/** A loss that has no opinion of targets. */
const indifferent: Loss = { name: "small", apply: (_, outputs) => outputs.square().mean(-1) };

const oneHot = { oneHot: true };
const losses: readonly Loss[] = [
  meanSquaredError(oneHot),
  meanAbsoluteError(oneHot),
  huber(oneHot),
  logCosh(oneHot),
  poisson(oneHot),
  klDivergence(oneHot),
  categoricalHinge(oneHot),
  cosineSimilarity(oneHot),
  categoricalGeneralizedCrossEntropy(),
  sparseCategoricalCrossentropy(),
];

const metrics: readonly Metric[] = [
  accuracy(),
  sparseCategoricalAccuracy(),
  sparseTopKCategoricalAccuracy({ k: 2 }),
  sparseCategoricalCrossentropyMetric(),
  confusionMatrix(3),
  meanIoU(3),
  iou(3, [1]),
  meanSquaredErrorMetric(oneHot),
  categoricalHingeMetric(oneHot),
  cosineSimilarityMetric(oneHot),
];

function refused(by: string, id: number, sample: number, range = "0 to 2") {
  return (error: unknown) => {
    assert(error instanceof DataError, String(error));
    const message =
      `${by} as labels must be whole numbers from ${range}: received ${id} at sample ` +
      `${sample} (number the classes from 0`;
    assert(error.message.includes(message), error.message);
    assert.equal(error.row, sample + 1);
    return true;
  };
}

for (const id of [-1, 3, 99]) {
  const data = labelled([0, 1, 2, id, 1, 0]);

  Deno.test(`each loss of class ids refuses ${id}, in training before a step and in evaluation`, async () => {
    for (const loss of losses) {
      const network = model();
      const before = network.parameters.map(({ value }) => [...value]);
      const training = fit(network, data, { ...cpu, loss, optimizer: sgd() });
      await assert.rejects(lastValueFrom(training), refused(loss.name, id, 3));
      assert.deepEqual(network.parameters.map(({ value }) => [...value]), before, loss.name);
      await assert.rejects(evaluate(model(), data, { ...cpu, loss }), refused(loss.name, id, 3));
    }
  });

  Deno.test(`each metric of class ids refuses ${id}, in training and in evaluation`, async () => {
    for (const metric of metrics) {
      const options = { ...cpu, loss: indifferent, metrics: [metric] };
      const training = fit(model(), data, { ...options, optimizer: sgd() });
      await assert.rejects(lastValueFrom(training), refused(metric.name, id, 3));
      await assert.rejects(evaluate(model(), data, options), refused(metric.name, id, 3));
    }
  });
}

await testOnDevices("labels are refused", async (device) => {
  const data = labelled([0, 1, 2, 2, 1, -1]);
  const options = { ...device, loss: indifferent, metrics: [meanIoU(3)] };
  await assert.rejects(evaluate(model(), data, options), refused("mean_io_u", -1, 5));
});

Deno.test("with one output there are two classes", async () => {
  const data = arrays(inputs, [0, 1, 1, 2, 0, 0]);
  for (const metric of [confusionMatrix(2), binaryIoU()]) {
    const options = { ...cpu, loss: indifferent, metrics: [metric] };
    await assert.rejects(
      evaluate(model(1), data, options),
      refused(metric.name, 2, 3, "0 to 1"),
    );
  }
  // Of numbers, and of rows, nothing is asked.
  const numbers = { ...cpu, loss: meanSquaredError(), metrics: [meanSquaredErrorMetric()] };
  await evaluate(model(1), data, numbers);
  const rows = arrays(inputs, inputs.map((_, at) => [0, 1, 2].map((id) => Number(at % 3 === id))));
  await evaluate(model(), rows, { ...cpu, loss: meanSquaredError(), metrics: [accuracy()] });
});

Deno.test("what the loss ignores, metrics pass over; what a metric ignores, the loss does not", async () => {
  const partly = labelled([0, 1, -1, 2, -1, 0]);
  const loss = sparseCategoricalCrossentropy({ ignoreClass: -1 });
  const kept = { ...cpu, loss, metrics: [accuracy(), confusionMatrix(3)] };
  await lastValueFrom(fit(model(), partly, { ...kept, optimizer: sgd() }));
  const { confusion_matrix: table } = await evaluateTables(model(), partly, kept);
  assert.equal(table.flat().reduce((sum, count) => sum + count), 4);
  const strict = {
    ...cpu,
    loss: sparseCategoricalCrossentropy(),
    metrics: [sparseCategoricalAccuracy({ ignoreClass: -1 })],
  };
  await assert.rejects(
    evaluate(model(), partly, strict),
    refused("sparse_categorical_crossentropy", -1, 2),
  );
  await evaluate(model(), partly, { ...strict, loss: indifferent });
  const other = { ...kept, loss: sparseCategoricalCrossentropy({ ignoreClass: 7 }) };
  await assert.rejects(
    evaluate(model(), partly, other),
    refused("sparse_categorical_crossentropy", -1, 2, "0 to 2 or 7"),
  );
});
