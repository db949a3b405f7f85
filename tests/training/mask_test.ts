/** Masks in training and validation: what they leave out of losses, metrics and gradients. */
import assert from "node:assert/strict";
import { lastValueFrom, toArray } from "rxjs";
import {
  accuracy,
  adam,
  arrays,
  connect,
  type DataSet,
  dense,
  embedding,
  evaluate,
  fit,
  functional,
  globalAveragePooling1d,
  gru,
  input,
  type Loss,
  lstm,
  masking,
  meanAbsoluteErrorMetric,
  meanSquaredError,
  type Metric,
  type Model,
  predict,
  type Reduction,
  sequential,
  sgd,
  sparseCategoricalCrossentropy,
} from "../../mod.ts";
import { assertClose } from "../core/nn/close.ts";
import { mulberry32 } from "../core/ops/generator.ts";
import { testOnDevices } from "../devices.ts";

const random = mulberry32(11);
const samples = 9;
const steps = 5;
const lengths = [5, 3, 1, 0, 4, 2, 5, 1, 3];
const classes = 3;
const inputs = new Float32Array(samples * steps * 2);
lengths.forEach((length, row) => {
  for (let at = 0; at < 2 * length; at++) inputs[row * steps * 2 + at] = random() * 2 - 1;
});
/** Labels that are nobody's where there is padding. */
const labels = lengths.map((length) =>
  Array.from({ length: steps }, (_, step) => step < length ? Math.floor(random() * classes) : 77)
);
const weights = lengths.map((_, row) => 0.25 + row / 4);
const data = arrays(inputs, labels, { inputShape: [steps, 2], sampleWeight: weights });

const network = () =>
  sequential([
    input([steps, 2]),
    masking(),
    dense(classes, { activation: "softmax", kernelInitializer: "randomNormal" }),
  ], { seed: 3 });

/** Of each step that counts: its sample's weight, its loss, and whether it is a hit. */
async function judgedSteps(model: Model) {
  const { data: rows } = await predict(model, data.x, { device: "reference" });
  return lengths.flatMap((length, row) =>
    Array.from({ length }, (_, step) => {
      const at = (row * steps + step) * classes;
      const probabilities = [...rows.subarray(at, at + classes)];
      const label = labels[row][step];
      return {
        weight: weights[row],
        loss: -Math.log(probabilities[label]),
        hit: Number(probabilities.indexOf(Math.max(...probabilities)) === label),
      };
    })
  );
}

const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);

await testOnDevices("losses and metrics are Keras's over the steps that count", async (options) => {
  const model = network();
  const judged = await judgedSteps(model);
  const weighted = sum(judged.map(({ weight, loss }) => weight * loss));
  const expected: Record<Reduction, number> = {
    sumOverBatchSize: weighted / judged.length,
    sum: weighted,
    meanWithSampleWeight: weighted / sum(judged.map(({ weight }) => weight)),
  };
  for (const [reduction, loss] of Object.entries(expected)) {
    // Software adapters compile for seconds.
    if (options.device === "webgpu" && reduction === "sum") continue;
    const logs = await evaluate(model, data, {
      ...options,
      loss: sparseCategoricalCrossentropy(),
      reduction: reduction as Reduction,
      metrics: [accuracy()],
      weightedMetrics: [accuracy()],
    });
    assertClose([logs.loss], [loss], 1e-5, reduction);
    assertClose([logs.accuracy], [sum(judged.map(({ hit }) => hit)) / judged.length], 1e-6);
    const hits = sum(judged.map(({ weight, hit }) => weight * hit));
    const all = sum(judged.map(({ weight }) => weight));
    assertClose([logs.weighted_accuracy], [hits / all], 1e-6, "weighted accuracy");
  }
});

await testOnDevices(
  "training goes the same way, however much padding there is",
  async (options) => {
    const padded = (width: number, before = 0): DataSet => {
      const ids = lengths.map((length, row) =>
        Array.from({ length: width }, (_, place) => {
          const step = place - before;
          return step >= 0 && step < length ? 1 + (row * 5 + step * 3) % 8 : 0;
        })
      );
      const y = lengths.map((length, row) =>
        Array.from({ length: width }, (_, place) => {
          const step = place - before;
          return step >= 0 && step < length ? (row + step) % classes : -1;
        })
      );
      return arrays(ids, y);
    };
    const train = async (width: number, before = 0) => {
      const model = sequential([
        input([width]),
        embedding(9, 4, { maskZero: true }),
        lstm(5, { returnSequences: true }),
        gru(4, { returnSequences: true }),
        dense(classes, { activation: "softmax" }),
      ], { seed: 5 });
      const epochs = await lastValueFrom(
        fit(model, padded(width, before), {
          ...options,
          loss: sparseCategoricalCrossentropy(),
          metrics: [accuracy()],
          optimizer: adam({ learningRate: 0.05 }),
          batchSize: samples,
          epochs: 15,
          seed: 2,
        }).pipe(toArray()),
      );
      return epochs.flatMap(({ logs }) => [logs.loss, logs.accuracy]);
    };
    const losses = await train(5);
    assert(losses.every(Number.isFinite));
    assert(losses.at(-2)! < losses[0] - 0.05, "it learns");
    assertClose(await train(8, 2), losses, 2e-5, "padding before and behind");
  },
);

Deno.test("what is not finite where a mask is leaves loss and gradient alone", async () => {
  const wild = data.y.data.slice();
  labels.flat().forEach((label, place) => label === 77 && (wild[place] = NaN));
  const targets = { ...data, y: { data: wild, shape: [samples, steps] } } as DataSet;
  const model = sequential([input([steps, 2]), masking(), dense(1)], { seed: 4 });
  const squared: Loss = {
    name: "squared",
    apply: (targets, outputs) => targets.reshape(outputs.shape).sub(outputs).square().mean(-1),
  };
  const { logs } = await lastValueFrom(fit(model, targets, {
    loss: squared,
    optimizer: sgd(),
    epochs: 2,
    device: "reference",
  }));
  assert(Number.isFinite(logs.loss));
  assert(model.parameters.every(({ value }) => value.every(Number.isFinite)));
});

Deno.test("an output with a mask and one without: each loss is right, and the whole is their sum", async () => {
  const x = input([steps, 2]);
  const masked = connect(x, masking());
  const model = functional({
    inputs: x,
    outputs: {
      tags: connect(masked, dense(classes, { activation: "softmax" })),
      mean: connect(masked, globalAveragePooling1d(), dense(1)),
    },
    seed: 6,
  });
  const both = arrays(inputs, { tags: labels, mean: lengths.map((length) => [length]) }, {
    inputShape: [steps, 2] as never,
  });
  const losses = { tags: sparseCategoricalCrossentropy(), mean: meanSquaredError() };
  const metrics = { mean: meanAbsoluteErrorMetric() };
  const logs = await evaluate(model, both, { loss: losses, metrics, device: "cpu", threads: 1 });
  assertClose([logs.loss], [logs.tags_loss + logs.mean_loss], 1e-6);
  const alone = await evaluate(model, both, {
    loss: { tags: losses.tags },
    device: "cpu",
    threads: 1,
  });
  assertClose([logs.tags_loss], [alone.loss], 1e-6);
});

Deno.test("targets that do not have a place for each step are refused", async () => {
  const wrong = arrays(inputs, lengths.map((length) => [length]), { inputShape: [steps, 2] });
  await assert.rejects(
    evaluate(network(), wrong, { loss: sparseCategoricalCrossentropy(), device: "reference" }),
    /masked steps as targets must begin with the axes of the mask, \[9, 5\].*received \[9, 1\]/,
  );
});

Deno.test("a loss and a metric that support masking are given the mask", async () => {
  const seen: (readonly number[] | undefined)[] = [];
  const loss: Loss = {
    name: "own",
    supportsMasking: true,
    apply(_targets, outputs, mask) {
      seen.push(mask?.shape);
      return outputs.mean([1, 2]);
    },
  };
  const metric: Metric = {
    name: "steps",
    direction: "max",
    supportsMasking: true,
    apply(_targets, _outputs, _weight, mask) {
      seen.push(mask?.shape);
      return [mask!.cast("f32").sum()];
    },
    result: ([total]) => total,
  };
  const logs = await evaluate(network(), data, { loss, metrics: [metric], device: "reference" });
  assert.deepEqual(seen, [[samples, steps], [samples, steps]]);
  assert.equal(logs.steps, sum(lengths));
});
