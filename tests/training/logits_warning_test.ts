// Losses that take outputs for what they are not: said once, and only where it is certain.
import assert from "node:assert/strict";
import { lastValueFrom, map } from "rxjs";
import {
  accuracy,
  activation,
  arrays,
  auc,
  backward,
  binaryAccuracy,
  binaryCrossentropy,
  binaryCrossentropyMetric,
  binaryFocalCrossentropy,
  categoricalCrossentropy,
  categoricalFocalCrossentropy,
  connect,
  dense,
  forward,
  Forwarded,
  functional,
  input,
  lambda,
  type Layer,
  type Loss,
  loss,
  meanSquaredError,
  measure,
  type Metric,
  miniBatches,
  type Model,
  perplexity,
  precision,
  recall,
  sequential,
  sgd,
  softmax,
  softmaxLayer,
  sparseCategoricalCrossentropy,
  update,
} from "../../mod.ts";
import { warningsOf } from "../warnings.ts";

const cpu = { device: "cpu", threads: 1, batchSize: 2, epochs: 2 } as const;
const x = [[1, 2], [3, 4], [5, 6]];
const labels = arrays(x, [0, 1, 0], { classes: 2 });
const rows = arrays(x, [[0, 1], [1, 0], [0, 1]]);

/** The warnings of some steps, the last of them of a smaller batch. */
function warnings(model: Model, given: Loss, data = rows): Promise<string[]> {
  return warningsOf(() =>
    lastValueFrom(
      miniBatches(data, cpu).pipe(forward(model), loss(given), backward(), update(sgd())),
    )
  );
}

const ending = (...layers: Layer[]) => sequential([input([2]), dense(2), ...layers]);

for (const fromLogits of [true, false]) {
  const losses = [
    binaryCrossentropy({ fromLogits }),
    binaryFocalCrossentropy({ fromLogits }),
    categoricalCrossentropy({ fromLogits }),
    categoricalFocalCrossentropy({ fromLogits }),
    sparseCategoricalCrossentropy({ fromLogits }),
  ];
  for (const given of losses) {
    Deno.test(`${given.name} with fromLogits: ${fromLogits} is told from what it is given`, async () => {
      const data = given.classIds ? labels : rows;
      const [logits, squashed] = [ending(), ending(dense(2, { activation: "softmax" }))];
      assert.deepEqual(await warnings(fromLogits ? logits : squashed, given, data), []);
      assert.deepEqual(
        await warnings(fromLogits ? squashed : logits, given, data),
        fromLogits
          ? [
            `Warning: ${given.name} takes logits, while dense_2 makes probabilities by its softmax: ` +
            `leave out that, or fromLogits.`,
          ]
          : [
            `Warning: ${given.name} takes probabilities, while dense_1 gives numbers of any size: ` +
            `give it { fromLogits: true }.`,
          ],
      );
    });
  }
}

Deno.test("activations of their own are seen, and what is uncertain is not spoken of", async () => {
  const [logits, probabilities] = [
    categoricalCrossentropy({ fromLogits: true }),
    categoricalCrossentropy(),
  ];
  assert.equal((await warnings(ending(softmaxLayer()), logits)).length, 1);
  assert.equal((await warnings(ending(activation("sigmoid")), logits)).length, 1);
  assert.equal((await warnings(ending(activation("linear")), probabilities)).length, 1);
  const uncertain = [
    activation("relu"),
    activation((x) => softmax(x)),
    lambda((x) => softmax(x)),
    dense(2, { activation: (x) => softmax(x) }),
  ];
  for (const layer of uncertain) {
    assert.deepEqual(await warnings(ending(layer), probabilities), [], layer.type);
  }
  assert.deepEqual(await warnings(ending(), meanSquaredError()), []);
});

Deno.test("metrics are looked at, too", async () => {
  const yes = arrays(x, [0, 1, 0]);
  const measured = (activation: "linear" | "sigmoid", ...metrics: Metric[]) => {
    const model = sequential([input([2]), dense(1, { activation })]);
    const fromLogits = activation === "linear";
    return warningsOf(() =>
      lastValueFrom(
        miniBatches(yes, cpu).pipe(
          forward(model),
          loss(binaryCrossentropy({ fromLogits })),
          measure(...metrics),
        ),
      )
    );
  };
  const ofProbabilities = {
    "use binaryAccuracy({ threshold: 0 })": accuracy(),
    "give it { threshold: 0 }": binaryAccuracy(),
    "give it { fromLogits: true }": auc(),
  };
  for (const [advice, metric] of Object.entries(ofProbabilities)) {
    assert.deepEqual(await measured("sigmoid", metric), []);
    assert.deepEqual(await measured("linear", metric), [
      `Warning: ${metric.name} takes probabilities, while dense_1 gives numbers of any size: ` +
      `${advice}.`,
    ]);
  }
  for (const metric of [precision(), binaryCrossentropyMetric()]) {
    assert.equal((await measured("linear", metric)).length, 1, metric.name);
  }
  const ofLogits = [
    binaryAccuracy({ threshold: 0 }),
    precision({ thresholds: [-1, 0] }),
    recall({ topK: 1 }),
    auc({ fromLogits: true }),
    binaryCrossentropyMetric({ fromLogits: true }),
  ];
  assert.deepEqual(await measured("linear", ...ofLogits), []);
  assert.equal((await measured("sigmoid", ...ofLogits.slice(3))).length, 2);
});

Deno.test("the largest of several outputs is the same one of logits and of probabilities", async () => {
  const said = (metric: Metric, given: Loss) =>
    warningsOf(() =>
      lastValueFrom(
        miniBatches(labels, cpu).pipe(forward(ending()), loss(given), measure(metric)),
      )
    );
  const logits = sparseCategoricalCrossentropy({ fromLogits: true });
  assert.deepEqual(await said(accuracy(), logits), []);
  assert.equal((await said(perplexity(), logits)).length, 1);
});

Deno.test("thresholds of what is fitted by squares are not spoken of", async () => {
  const steps = miniBatches(arrays(x, [0, 1, 0]), cpu).pipe(
    forward(sequential([input([2]), dense(1)])),
    loss(meanSquaredError()),
    measure(accuracy(), binaryAccuracy(), auc()),
  );
  assert.deepEqual(await warningsOf(() => lastValueFrom(steps)), []);
});

Deno.test("what an operator makes of outputs is its own affair", async () => {
  const steps = miniBatches(rows, cpu).pipe(
    forward(ending()),
    map((step) => new Forwarded(step, step.model, softmax(step.outputs))),
    loss(categoricalCrossentropy()),
  );
  assert.deepEqual(await warningsOf(() => lastValueFrom(steps)), []);
});

Deno.test("of several outputs each is looked at", async () => {
  const start = input([2]);
  const outputs = {
    sure: connect(start, dense(2, { activation: "softmax", name: "sure" })),
    any: connect(start, dense(2, { name: "any" })),
  };
  const model = functional({ inputs: start, outputs });
  const data = arrays(x, { sure: [[0, 1], [1, 0], [0, 1]], any: [[0, 1], [1, 0], [0, 1]] });
  const given = categoricalCrossentropy();
  const steps = miniBatches(data, cpu).pipe(forward(model), loss({ sure: given, any: given }));
  const [said, ...others] = await warningsOf(() => lastValueFrom(steps));
  assert.match(said, /^Warning: categorical_crossentropy takes probabilities, while any gives/);
  assert.deepEqual(others, []);
});
