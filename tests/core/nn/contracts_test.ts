// What every layer, loss, metric, initializer and activation must keep: one line each.
import assert from "node:assert/strict";
import { evaluateReference } from "../../../core/cpu/reference.ts";
import { ShapeError } from "../../../core/graph/errors.ts";
import { inputLeaf } from "../../../core/graph/leaf.ts";
import { type Shape, sizeOf } from "../../../core/graph/shape.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import * as nn from "../../../core/nn/mod.ts";
import { gradients, tensor } from "../../../core/ops/mod.ts";
import { array, TestContext, valuesOf } from "./context.ts";

const key = nn.namedKey(7, "contract");

const layers: [layer: nn.Layer, inputShape: Shape, outputShape: Shape][] = [
  [nn.input([3]), [3], [3]],
  [nn.dense(4), [3], [4]],
  [nn.dense(4, { activation: "gelu", useBias: false }), [3], [4]],
  [nn.dense(2), [5, 3], [5, 2]],
  [nn.einsumDense("abc,cde->abde", [null, 2, 4], { biasAxes: "e" }), [5, 3], [5, 2, 4]],
  [nn.activation("softmax"), [3], [3]],
  [nn.activation((x) => x.square()), [2, 3], [2, 3]],
  [nn.dropout(0.5), [3], [3]],
  [nn.dropout(nn.hyperparameter(0.5), { seed: 3 }), [2, 3], [2, 3]],
  [nn.batchNormalization(), [3], [3]],
  [nn.batchNormalization({ axis: 1, center: false }), [4, 3], [4, 3]],
  [nn.layerNormalization(), [2, 3], [2, 3]],
  [nn.layerNormalization({ axis: [1, 2], scale: false }), [2, 3], [2, 3]],
  [nn.groupNormalization({ groups: 3 }), [2, 6], [2, 6]],
  [nn.rmsNormalization(), [4], [4]],
  [nn.unitNormalization(), [2, 3], [2, 3]],
  [nn.activityRegularization({ l1: 0.1, l2: 0.2 }), [3], [3]],
  [nn.prelu({ alphaInitializer: "ones" }), [2, 3], [2, 3]],
  [nn.prelu({ sharedAxes: [1] }), [2, 3], [2, 3]],
  [nn.simpleRnn(4), [2, 3], [4]],
  [nn.lstm(4), [3, 2], [4]],
  [nn.lstm(4, { recurrentDropout: 0.5 }), [3, 2], [4]],
  [nn.gru(4, { returnSequences: true, goBackwards: true }), [3, 2], [3, 4]],
  [nn.convLstm2d(2, 3, { padding: "same", recurrentDropout: 0.5 }), [2, 3, 4, 1], [3, 4, 2]],
  [nn.convLstm1d(2, 3, { dropout: 0.5, returnSequences: true }), [2, 4, 1], [2, 2, 2]],
  [nn.convLstm3d(2, 2), [2, 3, 3, 2, 1], [2, 2, 1, 2]],
  [nn.bidirectional(nn.gru(4)), [3, 2], [8]],
  [nn.spectralNormalization(nn.dense(4)), [3], [4]],
  [nn.timeDistributed(nn.dense(4)), [5, 2, 3], [5, 2, 4]],
  [nn.residual([nn.dense(4), nn.dropout(0.5)], { activation: "relu" }), [5, 3], [5, 4]],
  [nn.transformerEncoder(5, 2, { dropout: 0.5 }), [3, 4], [3, 4]],
  [nn.positionEmbedding(6), [5, 3], [5, 3]],
  [nn.rotaryEmbedding(), [5, 4], [5, 4]],
  [nn.flatten(), [2, 3], [6]],
  [nn.flatten(), [], [1]],
  [nn.alphaDropout(0.5), [3], [3]],
  [nn.gaussianDropout(0.5), [3], [3]],
  [nn.gaussianNoise(nn.hyperparameter(0.5)), [3], [3]],
  [nn.spatialDropout1d(0.5), [2, 3], [2, 3]],
  [nn.spatialDropout2d(0.5), [2, 3, 1], [2, 3, 1]],
  [nn.spatialDropout3d(0.5), [2, 1, 2, 3], [2, 1, 2, 3]],
  [nn.reluLayer({ maxValue: 1, negativeSlope: 0.5 }), [3], [3]],
  [nn.leakyReluLayer(), [3], [3]],
  [nn.eluLayer(), [3], [3]],
  [nn.softmaxLayer({ axis: [1, 2] }), [2, 3], [2, 3]],
  [nn.identity(), [3], [3]],
  [nn.lambda((x) => x.mul(2)), [3], [3]],
  [nn.permute([2, 1]), [2, 3], [3, 2]],
  [nn.repeatVector(4), [3], [4, 3]],
  [nn.pixelShuffle(2), [2, 3, 8], [4, 6, 2]],
  [nn.zeroPadding1d(), [2, 3], [4, 3]],
  [nn.zeroPadding2d([0, [1, 2]]), [2, 1, 2], [2, 4, 2]],
  [nn.zeroPadding3d(), [1, 2, 1, 2], [3, 4, 3, 2]],
  [nn.cropping1d(), [3, 2], [1, 2]],
  [nn.cropping2d([0, 1]), [2, 3, 2], [2, 1, 2]],
  [nn.cropping3d(), [3, 3, 3, 2], [1, 1, 1, 2]],
  [nn.upSampling1d(), [3, 2], [6, 2]],
  [nn.upSampling2d(2, { interpolation: "bilinear" }), [1, 2, 2], [2, 4, 2]],
  [nn.upSampling3d([1, 2, 3]), [2, 2, 1, 2], [2, 4, 3, 2]],
  [nn.randomAffine({ zoomFactor: 0.2, rotationFactor: 0.1 }), [3, 2, 2], [3, 2, 2]],
  [nn.randomTranslation(0.2, 0.1, { interpolation: "nearest" }), [3, 2, 2], [3, 2, 2]],
  [nn.randomRotation(0.2), [3, 2, 2], [3, 2, 2]],
  [nn.randomZoom(0.2), [3, 2, 2], [3, 2, 2]],
  [nn.randomFlip(), [3, 2, 2], [3, 2, 2]],
  [nn.randomCrop(2, 2), [3, 4, 1], [2, 2, 1]],
  [nn.centerCrop(2, 3), [3, 4, 1], [2, 3, 1]],
  [nn.resizing(4, 3), [2, 5, 2], [4, 3, 2]],
  [nn.stftSpectrogram({ frameLength: 4 }), [8, 2], [3, 6]],
  [nn.melSpectrogramLayer({ fftLength: 8, sequenceStride: 4, numMelBins: 2 }), [9], [3, 2]],
  [nn.randAugment(), [3, 2, 2], [3, 2, 2]],
  [nn.randomContrast(0.5), [3, 2, 2], [3, 2, 2]],
  [nn.randomBrightness(0.5), [3, 2, 2], [3, 2, 2]],
  [nn.randomErasing(), [3, 2, 2], [3, 2, 2]],
  [nn.randomElasticTransform(), [20, 21, 1], [20, 21, 1]],
];

for (const [layer, inputShape, outputShape] of layers) {
  Deno.test(`layer ${layer.type} from [${inputShape}] keeps the contract`, () => {
    const made = layer.init(inputShape, key);
    assert.deepEqual(made.outputShape, outputShape);
    assert.deepEqual(layer.init(inputShape, key).parameters, made.parameters, "same key");
    for (const { name, shape, values } of made.parameters) {
      assert.match(name, /^[a-z]\w*(\/[a-z]\w*)*$/);
      assert.equal(values.length, sizeOf(shape));
      assert(values.every(Number.isFinite));
    }
    for (const training of [true, false]) {
      for (const batch of [1, 5]) {
        const context = new TestContext(training);
        const x = inputLeaf("x", [batch, ...inputShape], "f32");
        const weights = made.parameters.map(({ shape, values }) => tensor(values, { shape }));
        const named = Object.fromEntries(made.parameters.map(({ name }, i) => [name, weights[i]]));
        const y = layer.apply(named, x, context);
        assert.deepEqual(y.shape, [batch, ...outputShape]);
        assert.equal(y.dtype, "f32");
        assert.equal(layer.apply(named, x, context), y, "applied again it is the same node");
        const bindings = context.bindings();
        bindings.set(x, array(x.shape, Array.from({ length: x.size }, (_, i) => i - 2)));
        const results = evaluateReference([y, ...gradients(y, [x, ...weights])], bindings);
        for (const { data } of results) assert(data.every(Number.isFinite));
      }
    }
  });
}

for (const name of nn.activationNames) {
  Deno.test(`activation ${name} keeps the shape and is finite`, () => {
    const x = tensor([[-90, -1, 0, 3], [1, 1e-8, 80, -3]]);
    const y = nn.activationOf(name)(x);
    assert.deepEqual(y.shape, name === "glu" ? [2, 2] : x.shape);
    assert(
      evaluateReference([y, ...gradients(y, [x])]).every((r) => r.data.every(Number.isFinite)),
    );
  });
}

const real = [[0.5, -1, 2], [0, 3, 1]];
const bits = [[0, 1, 1], [1, 0, 0]];
const rows = [[0, 1, 0], [1, 0, 0]];
const logits = { fromLogits: true };
const signs = bits.map((row) => row.map((bit) => bit * 2 - 1));
const certain = rows.map((row) => row.map((bit) => bit * 50));
// Outputs that make the loss nearly as small as it can be, for these targets: 0 or `least`.
const losses: [
  loss: nn.Loss,
  targets: number[] | number[][],
  perfect: number[][],
  least?: number,
][] = [
  [nn.meanSquaredError(), real, real],
  [nn.meanSquaredError({ oneHot: true }), [1, 0], rows],
  [nn.halfMeanSquaredError(), real, real],
  [nn.halfMeanSquaredError({ sumOutputs: true }), real, real],
  [nn.meanAbsoluteError(), real, real],
  [nn.huber({ delta: 0.5 }), real, real],
  [nn.binaryCrossentropy(), bits, bits],
  [nn.binaryCrossentropy(logits), bits, bits.map((row) => row.map((bit) => bit * 100 - 50))],
  [nn.categoricalCrossentropy(), rows, rows],
  [nn.categoricalCrossentropy(logits), rows, rows.map((row) => row.map((bit) => bit * 50))],
  [nn.sparseCategoricalCrossentropy(), [1, 0], rows],
  [nn.sparseCategoricalCrossentropy(logits), [1, 0], rows.map((r) => r.map((bit) => bit * 50))],
  [nn.sparseCategoricalCrossentropy({ ignoreClass: 7 }), [1, 0], rows],
  [nn.meanAbsolutePercentageError(), [[0.5, -1, 2], [4, 3, 1]], [[0.5, -1, 2], [4, 3, 1]]],
  [nn.meanSquaredLogarithmicError(), [[0.5, 1, 2], [4, 3, 1]], [[0.5, 1, 2], [4, 3, 1]]],
  [nn.logCosh(), real, real],
  [nn.cosineSimilarity(), real, real, -1],
  [nn.hinge(), signs, signs],
  [nn.squaredHinge({ oneHot: true }), [1, 0], rows.map((row) => row.map((bit) => bit * 2 - 1))],
  [nn.categoricalHinge(), rows, certain],
  [nn.klDivergence(), rows, rows],
  [nn.poisson(), [[1, 1, 1], [1, 1, 1]], [[1, 1, 1], [1, 1, 1]], 1],
  [nn.binaryFocalCrossentropy(), bits, bits],
  [nn.binaryFocalCrossentropy(logits), bits, bits.map((row) => row.map((bit) => bit * 100 - 50))],
  [nn.categoricalFocalCrossentropy(), rows, rows],
  [nn.categoricalFocalCrossentropy(logits), rows, certain],
  [nn.categoricalGeneralizedCrossEntropy(), [1, 0], rows],
  [nn.dice(), bits, bits],
  [nn.dice({ axes: 1 }), bits, bits],
  [nn.tversky({ alpha: 0.2, beta: 0.8 }), bits, bits],
];

for (const [loss, given, perfect, least = 0] of losses) {
  Deno.test(`loss ${loss.name} of [${given}] keeps the contract`, () => {
    assert.match(loss.name, /^[a-z]+(_[a-z]+)*$/);
    const targets = tensor(given);
    const best = loss.apply(targets, tensor(perfect));
    assert.deepEqual(best.shape, [2], "one number a sample");
    const near = valuesOf(best).every((value) => value > least - 1e-6 && value < least + 1e-6);
    assert(near, `${valuesOf(best)}`);
    const outputs = tensor([[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]]);
    const worse = loss.apply(targets, outputs);
    assert.equal(loss.apply(targets, outputs), worse, "applied again it is the same node");
    assert(valuesOf(worse).every((value) => value > least && Number.isFinite(value)));
    const [slope] = gradients(worse, [outputs]);
    assert(valuesOf(slope).some((value) => value !== 0));
    for (const shape of [[3], [2, 4], [2, 3, 1]]) {
      const wrong = inputLeaf("targets", shape, "f32");
      assert.throws(() => loss.apply(wrong, outputs), (error: Error) => {
        assert(error instanceof ShapeError);
        assert(error.message.includes(`received [${shape.join(", ")}]`), error.message);
        return true;
      });
    }
  });
}

const metrics: [metric: nn.Metric, targets: number[] | number[][], perfect: number[][]][] = [
  [nn.accuracy(), [1, 0], rows],
  [nn.accuracy(), rows, rows],
  [nn.accuracy(), [1, 0], [[0.9], [0.2]]],
  [nn.binaryAccuracy(), bits, bits],
  [nn.binaryAccuracy({ threshold: 0 }), bits, bits.map((row) => row.map((bit) => bit * 2 - 1))],
  [nn.categoricalAccuracy(), rows, rows],
  [nn.sparseCategoricalAccuracy(), [1, 0], rows],
  [nn.sparseCategoricalAccuracy({ ignoreClass: -1 }), [1, 0], rows],
  [nn.meanSquaredErrorMetric(), real, real],
  [nn.meanAbsoluteErrorMetric(), real, real],
  [nn.meanAbsolutePercentageErrorMetric(), real, real],
  [nn.hingeMetric(), signs, signs],
  [nn.squaredHingeMetric(), signs, signs],
  [nn.categoricalHingeMetric(), rows, certain],
  [nn.klDivergenceMetric(), rows, rows],
  [nn.meanMetric(nn.huber()), real, real],
];

for (const [metric, given, perfect] of metrics) {
  Deno.test(`metric ${metric.name} of [${given}] keeps the contract`, () => {
    const outputs = tensor(perfect);
    const totalsOf = (weight?: Tensor) =>
      metric.apply(tensor(given), outputs, weight).map((total) => {
        if (typeof total === "number") return Float64Array.of(total);
        assert(["f32", "i32", "u32"].includes(total.dtype));
        return Float64Array.from(valuesOf(total));
      });
    const best = metric.result(...totalsOf());
    assert.equal(best, metric.direction === "max" ? 1 : 0);
    assert.equal(metric.result(...totalsOf(tensor([0.5, 3]))), best);
    // As if there had been no samples: the sums of no batches are zeros.
    const none = totalsOf().map((total) => total.fill(0));
    assert(Number.isNaN(metric.result(...none)));
    assert.throws(
      () => metric.apply(inputLeaf("targets", [2, 7], "f32"), outputs),
      (error: Error) => error instanceof ShapeError && error.message.includes("received [2, 7]"),
    );
  });
}

for (const name of nn.initializerNames) {
  Deno.test(`initializer ${name} keeps the contract`, () => {
    const initializer = nn.initializerOf(name);
    assert.equal(initializer.name, name);
    const shapes = [[], [3], [4, 5], [3, 3, 2, 4], [0, 3]];
    // Some need a matrix.
    const fits = ({ length }: number[]) =>
      name === "identity" ? length === 2 : name === "orthogonal" ? length > 1 : true;
    for (const shape of shapes) {
      if (!fits(shape)) {
        assert.throws(() => initializer.values(shape, key), ShapeError);
        continue;
      }
      const values = initializer.values(shape, key);
      assert.equal(values.length, sizeOf(shape));
      assert(values.every(Number.isFinite));
      assert.deepEqual(initializer.values(shape, key), values, "same key, same values");
    }
    const random = !["zeros", "ones", "identity"].includes(name);
    const [a, b] = [key, nn.namedKey(8, "contract")].map((k) => initializer.values([3, 3], k));
    assert.equal(a.some((value, index) => value !== b[index]), random, "another key, other values");
  });
}
