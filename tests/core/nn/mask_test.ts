/** Masks: who makes them, who passes them on, who ends them, and what they do to layers. */
import assert from "node:assert/strict";
import type { Tensor } from "../../../core/graph/tensor.ts";
import { gradients, tensor } from "../../../core/ops/mod.ts";
import * as nn from "../../../core/nn/mod.ts";
import { evaluateOn, testOnDevices } from "../../devices.ts";
import { mulberry32 } from "../ops/generator.ts";
import { assertClose } from "./close.ts";
import { TestContext, valuesOf } from "./context.ts";

const { connect, input } = nn;

/** Numbers of words, with padding at the end, in the middle and all over. */
const words = tensor([[3, 1, 0, 0], [2, 0, 4, 1], [0, 0, 0, 0]]);
const counted = [1, 1, 0, 0, 1, 0, 1, 1, 0, 0, 0, 0];

const weightsOf = (model: nn.Model) =>
  new Map(model.parameters.map((each) => [each, tensor(each.value, { shape: each.shape })]));

/** The mask that goes with what layers make of masked words. */
function maskBehind(...layers: nn.Layer[]): Tensor | undefined {
  const model = nn.sequential([input([4]), nn.embedding(5, 3, { maskZero: true }), ...layers]);
  return model.applyMasked(weightsOf(model), words, new TestContext()).masks.get(null);
}

function warningsOf(body: () => void): string[] {
  const said: string[] = [];
  const write = console.error;
  console.error = (text: string) => void said.push(text);
  try {
    body();
  } finally {
    console.error = write;
  }
  return said;
}

const random = mulberry32(7);
const numbers = (...shape: number[]) =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random() * 2 - 1),
    { shape },
  );

Deno.test("layers that keep steps where they are pass a mask on, without a word", () => {
  const passing: nn.Layer[] = [
    nn.dense(2),
    nn.activation("tanh"),
    nn.reluLayer(),
    nn.leakyReluLayer(),
    nn.eluLayer(),
    nn.prelu(),
    nn.softmaxLayer(),
    nn.dropout(0.5),
    nn.alphaDropout(0.1),
    nn.gaussianDropout(0.1),
    nn.gaussianNoise(0.1),
    nn.spatialDropout1d(0.5),
    nn.activityRegularization({ l2: 0.1 }),
    nn.batchNormalization(),
    nn.layerNormalization(),
    nn.groupNormalization({ groups: 3 }),
    nn.rmsNormalization(),
    nn.unitNormalization(),
    nn.identity(),
    nn.timeDistributed(nn.dense(4)),
    nn.frozen(nn.dense(2)),
    nn.simpleRnn(2, { returnSequences: true }),
    nn.lstm(2, { returnSequences: true }),
    nn.gru(2, { returnSequences: true }),
    nn.bidirectional(nn.gru(2, { returnSequences: true })),
  ];
  const said = warningsOf(() => {
    for (const layer of passing) {
      const mask = maskBehind(layer);
      assert(mask, `${layer.type} loses the mask`);
      assert.deepEqual(valuesOf(mask), counted);
    }
  });
  assert.deepEqual(said, []);
});

Deno.test("a mask ends where there are no steps any more, without a word", () => {
  const ending = [nn.lstm(2), nn.bidirectional(nn.gru(2)), nn.globalAveragePooling1d()];
  const said = warningsOf(() =>
    ending.forEach((layer) => assert.equal(maskBehind(layer), undefined))
  );
  assert.deepEqual(said, []);
  const plain = nn.sequential([input([4]), nn.embedding(5, 3)]);
  assert.equal(plain.applyMasked(weightsOf(plain), words, new TestContext()).masks.size, 0);
});

Deno.test("a layer that does not know of masks loses it, and the model says so once", () => {
  const model = nn.sequential([
    input([4]),
    nn.embedding(5, 3, { maskZero: true }),
    nn.conv1d(2, 3),
    nn.flatten(),
    nn.dense(2),
  ]);
  const said = warningsOf(() => {
    for (let time = 0; time < 2; time++) {
      const { masks } = model.applyMasked(weightsOf(model), words, new TestContext());
      assert.equal(masks.size, 0);
    }
  });
  assert.equal(said.length, 1);
  assert.match(
    said[0],
    /the mask of the inputs of conv1d_1 ends there, as Conv1D does not support/,
  );
});

Deno.test("one masked input of several is enough for the warning", () => {
  const merge = { ...nn.addLayer({ name: "merge" }), computeMask: undefined };
  const tokens = input([4]);
  const masked = nn.connect(tokens, nn.embedding(5, 3, { maskZero: true }));
  const plain = nn.connect(tokens, nn.embedding(5, 3));
  const model = nn.functional({ inputs: tokens, outputs: nn.connect([plain, masked], merge) });
  const said = warningsOf(() => model.applyMasked(weightsOf(model), words, new TestContext()));
  assert.match(said.join(), /^Warning: the mask of the inputs of merge ends there, as Add /);
});

Deno.test("a mask of a wrong shape or type is refused, with the layer's name", () => {
  const strange = (mask: (x: Tensor) => Tensor): nn.Layer => ({
    ...nn.identity({ name: "strange" }),
    computeMask: mask,
  });
  const apply = (layer: nn.Layer) => () =>
    nn.sequential([input([4, 2]), layer]).apply(new Map(), numbers(3, 4, 2), new TestContext());
  assert.throws(
    apply(strange((x) => x.sum(-1))),
    /strange: expected a mask of bool, and of the first axes of the outputs \[3, 4, 2\], got .*f32/,
  );
  assert.throws(apply(strange((x) => x.sum(1).greater(0))), /strange: expected a mask .*\[3, 2\]/);
});

Deno.test("masking: padding is where all features are the value, and becomes zeros", () => {
  const x = tensor([[[5, 5], [5, 1], [2, 3]], [[1, 1], [5, 5], [5, 5]]]);
  const layer = nn.masking({ maskValue: 5 });
  assert.deepEqual(valuesOf(layer.computeMask!(x, undefined)!), [0, 1, 1, 1, 0, 0]);
  assert.deepEqual(
    valuesOf(layer.apply({}, x, new TestContext())),
    [0, 0, 5, 1, 2, 3, 1, 1, 0, 0, 0, 0],
  );
});

Deno.test("masks of several inputs: padding is what is padding in all; joined steps keep their own", () => {
  const both = (second: boolean, merge: nn.MergeLayer) => {
    const [a, b] = [input([4]), input([4])];
    const first = connect(a, nn.embedding(5, 3, { maskZero: true }));
    const other = connect(b, nn.embedding(5, 3, { maskZero: second }));
    const model = nn.functional({ inputs: { a, b }, outputs: connect([first, other], merge) });
    const values = new Map(
      model.parameters.map((each) => [each, tensor(each.value, { shape: each.shape })]),
    );
    const y = tensor([[1, 0, 1, 0], [0, 0, 0, 2], [3, 3, 0, 0]]);
    const { masks } = model.applyMasked(values, { a: words, b: y }, new TestContext());
    const mask = masks.get(null);
    return mask && valuesOf(mask);
  };
  const either = [1, 1, 1, 0, 1, 0, 1, 1, 1, 1, 0, 0];
  for (const merge of [nn.addLayer, nn.subtract, nn.multiply, nn.average, nn.maximumLayer]) {
    assert.deepEqual(both(true, merge()), either);
    assert.equal(both(false, merge()), undefined);
  }
  assert.deepEqual(both(true, nn.concatenate()), either);
  assert.deepEqual(both(false, nn.concatenate()), new Array(12).fill(1));
  const other = [1, 0, 1, 0, 0, 0, 0, 1, 1, 1, 0, 0];
  const rows = (mask: number[], row: number) => mask.slice(4 * row, 4 * row + 4);
  const sideBySide = [0, 1, 2].flatMap((row) => [...rows(counted, row), ...rows(other, row)]);
  assert.deepEqual(both(true, nn.concatenate({ axis: 1 })), sideBySide);
  const open = [0, 1, 2].flatMap((row) => [...rows(counted, row), 1, 1, 1, 1]);
  assert.deepEqual(both(false, nn.concatenate({ axis: 1 })), open);
  assert.equal(both(true, nn.dot(1)), undefined);
});

Deno.test("a model within a model passes masks in and out", () => {
  const inner = nn.sequential([input([4, 3]), nn.dense(2)]);
  const model = nn.sequential([input([4]), nn.embedding(5, 3, { maskZero: true }), inner]);
  const { masks } = model.applyMasked(weightsOf(model), words, new TestContext());
  assert.deepEqual(valuesOf(masks.get(null)!), counted);
});

await testOnDevices(
  "globalAveragePooling1d and batchNormalization take the steps that count",
  async (device) => {
    const x = numbers(3, 4, 2);
    const rows = (await x.data()) as Float32Array;
    const context = new TestContext();
    context.masks = [tensor(counted, { shape: [3, 4] }).greater(0)];
    const pooled = nn.globalAveragePooling1d().apply({}, x, context);
    const normalization = nn.batchNormalization({ momentum: 0 });
    const weights = Object.fromEntries(
      normalization.init([4, 2], nn.namedKey(1, "x")).parameters.map(({ name, shape, values }) => [
        name,
        tensor(values, { shape }),
      ]),
    );
    const normalized = normalization.apply(weights, x, context);
    const slopes = gradients(pooled.square().sum(), [x]);
    const found = await evaluateOn(device, [pooled, normalized, ...slopes]);
    const live = (row: number) => [0, 1, 2, 3].filter((step) => counted[4 * row + step]);
    const at = (row: number, step: number, feature: number) => rows[8 * row + 2 * step + feature];
    const means = [0, 1, 2].flatMap((row) =>
      [0, 1].map((feature) =>
        live(row).reduce((sum, step) => sum + at(row, step, feature), 0) /
        Math.max(live(row).length, 1)
      )
    );
    assertClose(found[0], means, 1e-6, "means");
    const all = [0, 1, 2].flatMap((row) => live(row).map((step) => [row, step]));
    const ofFeature = [0, 1].map((feature) => {
      const values = all.map(([row, step]) => at(row, step, feature));
      const mean = values.reduce((a, b) => a + b) / values.length;
      const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
      return { mean, variance };
    });
    const expected = rows.map((value, place) => {
      const { mean, variance } = ofFeature[place % 2];
      return (value - mean) / Math.sqrt(variance + 1e-3);
    });
    assertClose(found[1], expected, 1e-5, "normalized");
    const slope = rows.map((_, place) => {
      const [row, step, feature] = [Math.floor(place / 8), Math.floor(place % 8 / 2), place % 2];
      return counted[4 * row + step] ? 2 * means[2 * row + feature] / live(row).length : 0;
    });
    const moving = valuesOf(context.assigned.get("moving_mean")!, context.bindings());
    assertClose(moving, ofFeature.map(({ mean }) => mean), 1e-9, "moving mean");
    assertClose(found[2], slope, 1e-6, "gradient");
  },
);
