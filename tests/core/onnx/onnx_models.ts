/** Models that are exported, with inputs for them; tests/golden/onnx.json has what ONNX Runtime makes. */
import * as m from "../../../mod.ts";
import { changed, type ExportedModel, noise } from "./exported_model.ts";
import { graphModel } from "./graph_models.ts";
import { activationModel, elementwiseModel } from "./op_models.ts";

/** Batch sizes for which each file is run. */
export const batchSizes = [1, 3];

const stack = (shape: number[], ...layers: Parameters<typeof m.sequential>[0]) =>
  changed(m.sequential([m.input(shape), ...layers]));
const relu = { activation: "relu" } as const;
const same = { padding: "same" } as const;
const sequences = { returnSequences: true };

/** Ids of words, with padding behind them. */
const words = (random: number, place: number) =>
  place > 3 ? 0 : 1 + Math.floor(Math.abs(random) * 7.99);

function merged(): m.AnyModel {
  const [a, b] = [m.input([4]), m.input([4])];
  const hidden = m.dense(4, { name: "shared" });
  const [left, right] = [m.connect(a, hidden), m.connect(b, hidden)];
  return changed(m.functional({
    inputs: { a, b },
    outputs: {
      sum: m.connect([left, b], m.addLayer()),
      row: m.connect([left, right], m.concatenate(), m.dense(3)),
      product: m.connect([left, right], m.dot(1)),
      largest: m.connect([left, b], m.maximumLayer()),
    },
  }));
}

function attended(layer: m.MergeLayer, keys: number): m.AnyModel {
  const [query, value] = [m.input([6, 8]), m.input([keys, 8])];
  return changed(
    m.functional({ inputs: { query, value }, outputs: m.connect([query, value], layer) }),
  );
}

/** Makes each model, by name. */
export const onnxModels: Record<string, () => ExportedModel> = {
  activations: () => ({ model: activationModel(), value: (random) => 4 * random }),
  adaptivePooling: () => ({
    model: stack([9, 7, 2], m.adaptiveAveragePooling2d([5, 4]), m.adaptiveMaxPooling2d([2, 3])),
  }),
  attentionScores: () => {
    const x = m.input([5, 8]);
    const layer = m.multiHeadAttention(2, 4, { returnAttentionScores: true, useCausalMask: true });
    const outputs = m.connect([x, x], layer);
    return { model: changed(m.functional({ inputs: { x }, outputs: { ...outputs } })) };
  },
  attention: () => ({ model: attended(m.multiHeadAttention(2, 4), 5) }),
  augmentation: () => ({
    model: stack(
      [8, 8, 3],
      ...[m.randomFlip(), m.randomRotation(0.1), m.randomCrop(6, 5), m.randomContrast(0.2)],
      ...[m.gaussianNoise(1), m.flatten(), m.dropout(0.5), m.dense(2)],
    ),
  }),
  bidirectional: () => ({
    model: stack(
      [6],
      m.embedding(9, 4, { maskZero: true }),
      ...[m.bidirectional(m.lstm(5, sequences)), m.bidirectional(m.gru(3)), m.dense(2)],
    ),
    value: words,
  }),
  convolution: () => ({
    model: stack(
      [12, 10, 3],
      ...[m.conv2d(8, 3, relu), m.maxPooling2d(2), m.conv2d(6, 3, { ...same, strides: 2 })],
      ...[m.batchNormalization(), m.flatten(), m.dense(4, { activation: "softmax" })],
    ),
  }),
  convolution1d: () => ({
    model: stack(
      [16, 4],
      m.conv1d(8, 3, { padding: "causal", dilationRate: 2, ...relu }),
      ...[m.averagePooling1d(2), m.conv1d(3, 2), m.globalMaxPooling1d()],
    ),
  }),
  convolution3d: () => ({
    model: stack(
      [5, 6, 7, 2],
      ...[m.conv3d(4, 3, same), m.maxPooling3d(2), m.averagePooling3d(2, same)],
      m.globalAveragePooling3d(),
    ),
  }),
  convLstm: () => ({ model: stack([3, 6, 6, 2], m.convLstm2d(3, 3, same)) }),
  deep: () => ({
    model: stack(
      [4],
      ...Array.from({ length: 60 }, () => m.residual([m.dense(4, { activation: "tanh" })])),
    ),
  }),
  depthwise: () => ({
    model: stack(
      [9, 9, 4],
      ...[m.depthwiseConv2d(3, { ...same, depthMultiplier: 2 }), m.separableConv2d(4, 3)],
      ...[m.conv2d(8, 3, { groups: 2, dilationRate: 2 }), m.averagePooling2d(2, same)],
    ),
  }),
  einsum: () => ({
    model: stack([5, 6], m.einsumDense("abc,cd->abd", [null, 7], { biasAxes: "d" })),
  }),
  elementwise: elementwiseModel,
  encoder: () => ({
    model: stack(
      [6, 8],
      m.transformerEncoder(16, 2),
      m.transformerEncoder(16, 4, { normalizeFirst: true, activation: "gelu" }),
      m.globalAveragePooling1d(),
    ),
  }),
  graphAttention: () => graphModel(m.graphAttention(4, { heads: 2 }), m.globalAttentionPool()),
  graphConvolution: () => graphModel(m.graphConvolution(4), m.globalAveragePool()),
  graphMessages: () =>
    graphModel(
      m.messagePassing({ message: m.dense(4, { activation: "tanh" }), update: m.dense(4) }),
      ...[m.globalMaxPool(), true],
    ),
  graphSage: () => graphModel(m.graphSage(4), m.globalSumPool()),
  groupedQueries: () => ({ model: attended(m.groupedQueryAttention(4, 4, 2), 6) }),
  gru: () => ({
    model: stack([6, 4], m.gru(5, sequences), m.gru(3, { resetAfter: false, ...relu })),
  }),
  language: () => ({
    model: stack(
      [6],
      ...[m.tokenAndPositionEmbedding(9, 6, 8), m.sinePositionEncoding()],
      ...[m.transformerDecoder(16, 2, { normalizeFirst: true }), m.dense(9)],
    ),
    value: words,
  }),
  lambda: () => ({
    model: stack(
      [6],
      m.lambda((x) =>
        m.cumsum(x.mul(2)).add(m.logSumExp(x, -1, { keepDims: true })).add(m.flip(x))
          .add(m.takeAlongAxis(x, m.argMax(x, -1).reshape([x.shape[0], 1])))
      ),
    ),
  }),
  lstm: () => ({ model: stack([6, 4], m.lstm(5, sequences), m.lstm(3)) }),
  lstmStates: () => {
    const [x, h, c] = [m.input([6, 4]), m.input([5]), m.input([5])];
    const states = m.connect([x, h, c], m.lstm(5, { returnState: true }));
    return { model: changed(m.functional({ inputs: { x, h, c }, outputs: { ...states } })) };
  },
  masked: () => ({
    model: stack(
      [6],
      m.embedding(9, 8, { maskZero: true }),
      ...[m.transformerEncoder(16, 2), m.globalAveragePooling1d()],
    ),
    value: words,
  }),
  merged: () => ({ model: merged() }),
  normalizations: () => ({
    model: stack(
      [6, 8],
      ...[m.layerNormalization(), m.rmsNormalization(), m.groupNormalization({ groups: 4 })],
      ...[m.unitNormalization(), m.spectralNormalization(m.dense(4))],
    ),
  }),
  pictures: () => ({
    model: stack(
      [6, 8, 3],
      ...[m.zeroPadding2d(1), m.cropping2d([1, 2]), m.upSampling2d(2), m.resizing(5, 7)],
      ...[m.centerCrop(4, 4), m.rescaling(1 / 255, { offset: 0.5 }), m.prelu()],
    ),
  }),
  preparation: () => ({
    model: stack(
      [4],
      m.normalization().adapt([[1, 2, 3, 4], [3, 3, 1, 9]]),
      m.discretization({ binBoundaries: [-0.5, 0, 0.5] }),
    ),
  }),
  recurrent: () => ({
    model: stack(
      [6, 4],
      m.simpleRnn(5, { ...sequences, goBackwards: true }),
      m.simpleRnn(3, relu),
    ),
  }),
  reshaping: () => ({
    model: stack(
      [6, 4],
      ...[m.permute([2, 1]), m.reshapeLayer([3, 8]), m.zeroPadding1d(2), m.cropping1d(1)],
      ...[m.upSampling1d(2), m.flatten(), m.repeatVector(3)],
    ),
  }),
  residual: () => ({
    model: stack(
      [8, 8, 4],
      m.residual([m.conv2d(6, 3, { ...same, strides: 2 }), m.batchNormalization()]),
      m.globalAveragePooling2d(),
    ),
  }),
  rows: () => {
    // Two rows are out of range, and one segment is empty.
    const ids = m.tensor([0, 0, 2, -1, 2, 9]).cast("i32");
    const rising = m.tensor([-1, 0, 0, 2, 2, 9]).cast("i32");
    return {
      model: stack(
        [6],
        m.lambda((x) =>
          m.concat([
            m.transpose(m.scatterAdd(m.transpose(x), ids, 4)),
            m.transpose(m.segmentMax(m.transpose(x), rising, 4, { empty: 7 })),
            m.transpose(m.take(m.transpose(x), m.tensor([5, 0, 3]).cast("i32"))),
          ], 1)
        ),
      ),
    };
  },
  spectrogram: () => ({
    model: stack(
      [64],
      m.melSpectrogramLayer({
        numMelBins: 6,
        sequenceStride: 16,
        fftLength: 32,
        samplingRate: 100,
      }),
    ),
  }),
  steps: () => ({
    model: stack(
      [5, 6, 3],
      ...[m.timeDistributed(m.dense(4, relu)), m.timeDistributed(m.conv1d(2, 3)), m.flatten()],
    ),
  }),
  transposed: () => ({
    model: stack(
      [2, 3, 3],
      m.conv2dTranspose(4, 3, { strides: 2, ...same }),
      ...[m.conv2dTranspose(1, 4, { strides: 3 }), m.conv2dTranspose(2, 3, { dilationRate: 2 })],
    ),
  }),
  transposed1d: () => ({
    model: stack([5, 3], m.conv1dTranspose(4, 2, { strides: 3 }), m.conv1dTranspose(2, 3, same)),
  }),
  windows: () => ({
    model: stack(
      [7, 8, 2],
      m.lambda((x) => {
        const images = x.reshape([x.shape[0], 1, 7, 8, 2]);
        const kernel = m.tensor([...noise(36, 5)]).reshape([1, 3, 3, 2, 2]);
        const window: m.Window = {
          size: [1, 3, 3],
          strides: [1, 1, 2],
          dilation: [1, 1, 1],
          inputDilation: [1, 1, 1],
          before: [0, -1, 1],
          after: [0, 1, -2],
        };
        return m.convolution(images, kernel, { ...window, groups: 1 })
          .add(m.maxPool(images.sub(5), window)).add(m.sumPool(images, window));
      }),
    ),
  }),
};

/** A batch of inputs by name. */
export function onnxInputs({ model, value = (random) => random }: ExportedModel, batch: number) {
  const shapes = Array.isArray(model.inputShape) ? { input: model.inputShape } : model.inputShape;
  return Object.fromEntries(
    Object.entries(shapes as Record<string, number[]>).map(([name, shape], seed) => {
      const size = shape.reduce((product, length) => product * length, 1);
      // Graphs lie one behind the other in their data set, other samples have places of their own.
      const place = (at: number) => name in graphInputs ? at : at % size;
      const random = noise(batch * size, seed + 7);
      const data = random.map((number, at) => value(number, place(at), name));
      return [name, { data, shape: [batch, ...shape] }];
    }),
  );
}

const graphInputs = { nodes: true, edges: true, mask: true, edgeFeatures: true };
