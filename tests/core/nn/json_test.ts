// Models to JSON and back: every layer, and what a bad text is refused for.
import assert from "node:assert/strict";
import { DataError } from "../../../core/graph/errors.ts";
import { layerRegistry } from "../../../core/nn/json/layer_registry.ts";
import * as factories from "../../../core/nn/layers/mod.ts";
import type { Shape } from "../../../core/graph/shape.ts";
import { tensor } from "../../../core/ops/mod.ts";
import { valuesOf } from "./context.ts";
import {
  type AnyModel,
  connect,
  constant,
  type Constraint,
  frozen,
  functional,
  glorotNormal,
  heNormal,
  hyperparameter,
  identityInitializer,
  type Initializer,
  initializerNames,
  initializerOf,
  input,
  l1,
  l1L2,
  l2,
  type Layer,
  maxNorm,
  type MergeLayer,
  minMaxNorm,
  type Model,
  modelFromJson,
  modelToJson,
  nonNeg,
  orthogonal,
  orthogonalRegularizer,
  randomNormal,
  randomUniform,
  type Regularizer,
  sequential,
  summary,
  truncatedNormal,
  unitNorm,
  varianceScaling,
} from "../../../mod.ts";
import { attentionSamples } from "./attention_samples.ts";
import { augmentationSamples } from "./augmentation_samples.ts";

const {
  activation,
  activityRegularization,
  addLayer,
  alphaDropout,
  average,
  averagePooling1d,
  averagePooling2d,
  averagePooling3d,
  batchNormalization,
  categoryEncoding,
  concatenate,
  conv1d,
  conv2d,
  conv3d,
  convLstm2d,
  cropping1d,
  cropping2d,
  cropping3d,
  dense,
  discretization,
  dot,
  dropout,
  einsumDense,
  eluLayer,
  bidirectional,
  embedding,
  spectralNormalization,
  timeDistributed,
  flatten,
  gaussianDropout,
  gaussianNoise,
  globalAttentionPool,
  globalAveragePool,
  globalMaxPool,
  globalSumPool,
  graphAttention,
  graphConvolution,
  graphSage,
  groupNormalization,
  integerLookup,
  identity,
  lambda,
  layerNormalization,
  leakyReluLayer,
  gru,
  lstm,
  masking,
  maximumLayer,
  messagePassing,
  maxPooling1d,
  maxPooling2d,
  maxPooling3d,
  minimumLayer,
  multiply,
  normalization,
  permute,
  prelu,
  reluLayer,
  repeatVector,
  rescaling,
  residual,
  reshapeLayer,
  rmsNormalization,
  softmaxLayer,
  spatialDropout1d,
  spatialDropout2d,
  spatialDropout3d,
  simpleRnn,
  subtract,
  unitNormalization,
  upSampling1d,
  upSampling2d,
  upSampling3d,
  zeroPadding1d,
  zeroPadding2d,
  zeroPadding3d,
  adaptiveAveragePooling1d,
  adaptiveAveragePooling2d,
  adaptiveAveragePooling3d,
  adaptiveMaxPooling1d,
  adaptiveMaxPooling2d,
  adaptiveMaxPooling3d,
  conv1dTranspose,
  conv2dTranspose,
  conv3dTranspose,
  depthwiseConv1d,
  depthwiseConv2d,
  globalAveragePooling1d,
  globalAveragePooling2d,
  globalAveragePooling3d,
  globalMaxPooling1d,
  globalMaxPooling2d,
  globalMaxPooling3d,
  separableConv1d,
  separableConv2d,
} = factories;

const softer = (factor: number): Regularizer => ({
  name: "softer",
  config: { factor },
  apply: (x) => x.square().sum().mul(factor),
});
const positive: Constraint = { name: "positive", config: {}, apply: (x) => x.relu() };
const custom = {
  parts: {
    softer: ({ factor }: { factor: number }) => softer(factor),
    positive: () => positive,
  },
};

/** Every layer, with options that are not the defaults; shapes of what it takes. */
const samples: Record<string, [layer: Layer | MergeLayer, ...inputs: Shape[]]> = {
  activation: [activation("gelu"), [3]],
  activityRegularization: [activityRegularization({ l1: 0.1, l2: 0.2 }), [3]],
  addLayer: [addLayer(), [3], [3]],
  average: [average({ name: "mean" }), [3], [3]],
  averagePooling1d: [averagePooling1d(3, { strides: 2 }), [9, 2]],
  averagePooling2d: [averagePooling2d([2, 3], { padding: "same" }), [5, 6, 2]],
  averagePooling3d: [averagePooling3d(2), [4, 4, 4, 1]],
  batchNormalization: [
    batchNormalization({
      axis: 1,
      momentum: hyperparameter(0.9),
      epsilon: 0.01,
      center: false,
      movingVarianceInitializer: constant(2),
    }),
    [3, 2],
  ],
  concatenate: [concatenate({ axis: 1 }), [2, 3], [4, 3]],
  conv1d: [conv1d(4, 3, { padding: "causal", dilationRate: 2 }), [9, 2]],
  conv2d: [
    conv2d(4, [3, 2], {
      strides: [2, 1],
      padding: "same",
      groups: 2,
      activation: "relu",
      useBias: false,
      kernelRegularizer: softer(0.5),
    }),
    [6, 5, 2],
  ],
  conv3d: [conv3d(2, 2, { kernelInitializer: heNormal() }), [3, 4, 5, 1]],
  dense: [
    dense(4, {
      activation: "relu",
      useBias: false,
      trainable: false,
      kernelInitializer: varianceScaling({ scale: 2, mode: "fanOut", distribution: "uniform" }),
      biasInitializer: "ones",
      kernelRegularizer: softer(0.25),
      kernelConstraint: positive,
    }),
    [3],
  ],
  convLstm2d: [
    convLstm2d(2, [2, 3], {
      padding: "same",
      strides: 2,
      activation: "relu",
      recurrentActivation: "hardSigmoid",
      unitForgetBias: false,
      returnSequences: true,
      goBackwards: true,
      recurrentRegularizer: softer(0.5),
    }),
    [3, 4, 5, 1],
  ],
  einsumDense: [
    einsumDense("abc,cd->abd", [null, 5], {
      biasAxes: "bd",
      activation: "tanh",
      kernelRegularizer: softer(0.5),
    }),
    [4, 3],
  ],
  dot: [dot([1, 2], { normalize: true }), [3, 2], [2, 3]],
  dropout: [dropout(hyperparameter(0.25), { seed: 4 }), [3]],
  bidirectional: [
    bidirectional(lstm(3, { recurrentRegularizer: softer(0.5) }), { mergeMode: "sum" }),
    [4, 2],
  ],
  spectralNormalization: [
    spectralNormalization(conv2d(3, 2, { useBias: false }), { powerIterations: 3 }),
    [4, 4, 2],
  ],
  residual: [
    residual([dense(3, { kernelRegularizer: softer(0.5) }), residual([dense(3)])], {
      shortcut: [dense(3), flatten()],
      activation: "relu",
      trainable: false,
    }),
    [4],
  ],
  timeDistributed: [timeDistributed(dense(3, { useBias: false })), [4, 2]],
  embedding: [
    embedding(9, 4, { maskZero: true, embeddingsInitializer: randomUniform({ maximum: 1 }) }),
    [5],
  ],
  flatten: [flatten(), [3, 2]],
  globalAttentionPool: [globalAttentionPool({ kernelInitializer: "ones" }), [4, 3], [4]],
  globalAveragePool: [globalAveragePool({ name: "readout" }), [4, 3], [4]],
  globalMaxPool: [globalMaxPool(), [4, 3]],
  globalSumPool: [globalSumPool(), [4, 3], [4]],
  graphAttention: [
    graphAttention(2, {
      heads: 3,
      concat: false,
      dropout: hyperparameter(0.25),
      negativeSlope: 0.1,
      selfLoops: false,
      kernelRegularizer: softer(0.5),
    }),
    [4, 3],
    [6, 3],
  ],
  graphConvolution: [graphConvolution(2, { activation: "relu" }), [4, 3], [6, 3], [6]],
  graphSage: [
    graphSage(2, { aggregator: "max", project: true, normalize: true, useBias: false }),
    [4, 3],
    [6, 3],
  ],
  messagePassing: [
    messagePassing({ message: dense(3), update: frozen(dense(2)), aggregate: "mean" }),
    [4, 3],
    [6, 3],
    [6, 2],
  ],
  groupNormalization: [groupNormalization({ groups: 2, gammaInitializer: heNormal() }), [4]],
  gru: [
    gru(3, {
      recurrentActivation: "tanh",
      recurrentRegularizer: softer(0.5),
      recurrentDropout: hyperparameter(0.25),
      seed: 3,
    }),
    [4, 2],
  ],
  layerNormalization: [layerNormalization({ axis: [1, 2], scale: false }), [4, 3]],
  lstm: [
    lstm(3, {
      returnSequences: true,
      unitForgetBias: false,
      biasInitializer: "ones",
      dropout: 0.25,
      zeroOutputForMask: true,
    }),
    [4, 2],
  ],
  masking: [masking({ maskValue: -1 }), [4, 2]],
  maximumLayer: [maximumLayer(), [3], [3]],
  maxPooling1d: [maxPooling1d(2), [8, 3]],
  maxPooling2d: [maxPooling2d(3, { strides: [1, 2], padding: "same" }), [7, 6, 2]],
  maxPooling3d: [maxPooling3d(2, { name: "largest" }), [4, 4, 6, 2]],
  minimumLayer: [minimumLayer(), [3], [3]],
  multiply: [multiply(), [3], [3]],
  prelu: [prelu({ sharedAxes: [1], alphaInitializer: randomUniform({ maximum: 1 }) }), [4, 3]],
  reluLayer: [reluLayer({ maxValue: 6, negativeSlope: 0.25, threshold: 0.5 }), [3]],
  reshapeLayer: [reshapeLayer([2, -1]), [3, 4]],
  rmsNormalization: [rmsNormalization({ epsilon: 0.5 }), [3]],
  simpleRnn: [simpleRnn(3, { activation: "relu", goBackwards: true, useBias: false }), [4, 2]],
  subtract: [subtract(), [3], [3]],
  categoryEncoding: [categoryEncoding(5, { outputMode: "count" }), [3]],
  discretization: [discretization({ binBoundaries: [-1, 0.5], outputMode: "oneHot" }), [2]],
  integerLookup: [
    integerLookup({
      vocabulary: [5, 9],
      idfWeights: [0.5, 1.25],
      outputMode: "tfIdf",
      numOovIndices: 2,
      maskToken: 0,
      maxTokens: 6,
      padToMaxTokens: true,
    }),
    [4],
  ],
  normalization: [normalization({ axis: [1, 2], invert: true }).adapt([[[1, 5]], [[2, 9]]]), [
    1,
    2,
  ]],
  rescaling: [rescaling([0.5, 2], { offset: -1 }), [2]],
  unitNormalization: [unitNormalization({ axis: 1 }), [3, 2]],
  alphaDropout: [alphaDropout(0.25, { seed: 4, noiseShape: [null, 1] }), [3]],
  gaussianDropout: [gaussianDropout(hyperparameter(0.5)), [3]],
  gaussianNoise: [gaussianNoise(0.5, { seed: 2 }), [3]],
  spatialDropout1d: [spatialDropout1d(0.25), [4, 3]],
  spatialDropout2d: [spatialDropout2d(0.25), [4, 3, 2]],
  spatialDropout3d: [spatialDropout3d(0.25), [4, 3, 2, 2]],
  eluLayer: [eluLayer({ alpha: 2 }), [3]],
  leakyReluLayer: [leakyReluLayer({ negativeSlope: 0.1 }), [3]],
  softmaxLayer: [softmaxLayer({ axis: [1, 2] }), [3, 2]],
  cropping1d: [cropping1d([1, 0]), [4, 3]],
  cropping2d: [cropping2d([[1, 0], 2]), [4, 6, 3]],
  cropping3d: [cropping3d(), [4, 6, 3, 1]],
  identity: [identity(), [3]],
  permute: [permute([2, 1]), [3, 2]],
  repeatVector: [repeatVector(3), [2]],
  upSampling1d: [upSampling1d(3), [4, 2]],
  upSampling2d: [upSampling2d([2, 1], { interpolation: "bilinear" }), [4, 3, 2]],
  upSampling3d: [upSampling3d(), [2, 3, 2, 1]],
  zeroPadding1d: [zeroPadding1d([1, 0]), [4, 3]],
  zeroPadding2d: [zeroPadding2d([[1, 0], 2]), [4, 6, 3]],
  zeroPadding3d: [zeroPadding3d(2), [4, 6, 3, 1]],
  ...attentionSamples,
  ...augmentationSamples,
  conv1dTranspose: [
    conv1dTranspose(3, 2, { strides: 2, padding: "same", outputPadding: 1 }),
    [9, 4],
  ],
  globalMaxPooling1d: [globalMaxPooling1d({ keepDims: true }), [9, 4]],
  adaptiveMaxPooling1d: [adaptiveMaxPooling1d([2]), [9, 4]],
  globalAveragePooling1d: [globalAveragePooling1d({ keepDims: true }), [9, 4]],
  adaptiveAveragePooling1d: [adaptiveAveragePooling1d([2]), [9, 4]],
  depthwiseConv1d: [
    depthwiseConv1d(3, { depthMultiplier: 2, depthwiseInitializer: heNormal() }),
    [9, 4],
  ],
  separableConv1d: [
    separableConv1d(5, 3, { padding: "same", pointwiseRegularizer: softer(0.5) }),
    [9, 4],
  ],
  conv2dTranspose: [
    conv2dTranspose(3, 2, { strides: 2, padding: "same", outputPadding: 1 }),
    [7, 6, 4],
  ],
  globalMaxPooling2d: [globalMaxPooling2d({ keepDims: true }), [7, 6, 4]],
  adaptiveMaxPooling2d: [adaptiveMaxPooling2d([2, 3]), [7, 6, 4]],
  globalAveragePooling2d: [globalAveragePooling2d({ keepDims: true }), [7, 6, 4]],
  adaptiveAveragePooling2d: [adaptiveAveragePooling2d([2, 3]), [7, 6, 4]],
  depthwiseConv2d: [
    depthwiseConv2d(3, { depthMultiplier: 2, depthwiseInitializer: heNormal() }),
    [7, 6, 4],
  ],
  separableConv2d: [
    separableConv2d(5, 3, { padding: "same", pointwiseRegularizer: softer(0.5) }),
    [7, 6, 4],
  ],
  conv3dTranspose: [
    conv3dTranspose(3, 2, { strides: 2, padding: "same", outputPadding: 1 }),
    [4, 5, 6, 2],
  ],
  globalMaxPooling3d: [globalMaxPooling3d({ keepDims: true }), [4, 5, 6, 2]],
  adaptiveMaxPooling3d: [adaptiveMaxPooling3d([2, 3, 4]), [4, 5, 6, 2]],
  globalAveragePooling3d: [globalAveragePooling3d({ keepDims: true }), [4, 5, 6, 2]],
  adaptiveAveragePooling3d: [adaptiveAveragePooling3d([2, 3, 4]), [4, 5, 6, 2]],
};

Deno.test("every layer of Millrace can be written: it has a sample here, an entry and a config", () => {
  const made = Object.entries(factories).filter(([, value]) => typeof value === "function")
    .map(([name]) => name).filter((name) => !["input", "lambda"].includes(name));
  assert.deepEqual(Object.keys(samples).sort(), made.sort(), "a sample for each factory");
  const types = Object.values(samples).map(([{ type }]) => type);
  assert.deepEqual(types.sort(), Object.keys(layerRegistry).sort(), "an entry for each type");
});

/** A model of one layer. */
function around(layer: Layer | MergeLayer, shapes: readonly Shape[]): AnyModel {
  const inputs = Object.fromEntries(shapes.map((shape, place) => [`in${place}`, input(shape)]));
  const outputs = "merges" in layer
    ? connect(Object.values(inputs), layer)
    : connect(inputs.in0, layer);
  return functional({ inputs, outputs, seed: 3 }) as AnyModel;
}

for (const [name, [layer, ...shapes]] of Object.entries(samples)) {
  Deno.test(`${name} goes to JSON and back`, () => {
    assert(layer.config, "the factory records its options");
    const model = around(layer, shapes);
    const text = modelToJson(model);
    const again = modelFromJson(text, { custom }) as AnyModel;
    assert.equal(modelToJson(again), text);
    assert.equal(summary(again), summary(model));
    assert.deepEqual(again.inputShape, model.inputShape);
    model.parameters.forEach((parameter, place) => {
      const { name, value, trainable, shape } = again.parameters[place];
      assert.deepEqual([name, trainable, shape], [
        parameter.name,
        parameter.trainable,
        parameter.shape,
      ]);
      assert.deepEqual(value, parameter.value, "the same first weights");
    });
  });
}

const initializers: Initializer[] = [
  ...initializerNames.map((name) => initializerOf(name)),
  constant(0.5),
  identityInitializer(2),
  orthogonal(1.5),
  randomNormal({ mean: 1, standardDeviation: 0.5 }),
  truncatedNormal({ mean: -1 }),
  randomUniform({ minimum: 1, maximum: 2 }),
  varianceScaling({ scale: 3, mode: "fanAvg", distribution: "untruncatedNormal" }),
];
for (const kernelInitializer of initializers) {
  const { name, config } = kernelInitializer;
  Deno.test(`the initializer ${name} ${JSON.stringify(config)} goes to JSON and back`, () => {
    assert(config, "the factory records its options");
    const model = sequential([input([3]), dense(3, { kernelInitializer })], { seed: 6 });
    const again = modelFromJson(modelToJson(model));
    assert.deepEqual(again.parameters[0].value, model.parameters[0].value);
  });
}

Deno.test("graphs, shared layers and models within models go to JSON and back", () => {
  const shared = dense(2, { name: "shared", kernelInitializer: glorotNormal() });
  const [left, right] = [input([3]), input([3])];
  const encoder = functional({
    inputs: { left, right },
    outputs: { sum: connect([connect(left, shared), connect(right, shared)], addLayer()) },
    name: "encoder",
    seed: 5,
  });
  const x = input([3]);
  const { sum } = connect({ left: x, right: connect(x, dense(3)) }, frozen(encoder));
  const model = functional({
    inputs: { x },
    outputs: { a: connect(sum, frozen(dense(1))), b: sum },
    seed: 9,
    name: "whole",
  }) as AnyModel;
  const text = modelToJson(model);
  const again = modelFromJson(text) as AnyModel;
  assert.equal(modelToJson(again), text);
  assert.equal(summary(again), summary(model));
  assert.deepEqual([...again.weights.keys()], [...model.weights.keys()]);
  assert.deepEqual(
    again.trainableParameters.map(({ name }) => name),
    model.trainableParameters.map(({ name }) => name),
  );
  again.parameters.forEach(({ value }, place) =>
    assert.deepEqual(value, model.parameters[place].value)
  );
});

const small = modelToJson(sequential([input([4]), dense(3), dropout(0.2), dense(1)]));
// deno-lint-ignore no-explicit-any
type Any = any;
/** The text with a change. */
function changed(change: (model: Any, whole: Any) => void): string {
  const whole = JSON.parse(small);
  change(whole.model, whole);
  return JSON.stringify(whole);
}

const refused: [what: string, text: string, message: RegExp][] = [
  ["no JSON", "{", /^Cannot make a model of the JSON: /],
  ["a list", "[]", /it must be an object: received \[\]/],
  [
    "another format",
    changed((_, whole) => whole.format = "keras"),
    /format must be "millrace-model"/,
  ],
  [
    "a later version",
    changed((_, whole) => whole.version = 2),
    /version must be 1 \(was it written by a later Millrace\?\): received 2/,
  ],
  ["a thing too much", changed((model) => model.extra = 1), /model must be an object of .*"extra"/],
  ["a thing too few", changed((model) => delete model.calls), /model.calls must be there/],
  [
    "an unknown layer",
    changed((model) => model.layers[0].type = "Lambda"),
    /layers\[0\]\.type must be one of .*Activation, .*: received "Lambda"/,
  ],
  [
    "a layer that all objects have",
    changed((model) => model.layers[0].type = "toString"),
    /type must be one of .*received "toString"/,
  ],
  [
    "an unknown option",
    changed((model) => model.layers[0].config.unitz = 1),
    /config must be options among .*units.*: received "unitz"/,
  ],
  [
    "a number for a flag",
    changed((model) => model.layers[0].config.useBias = 1),
    /config\.useBias must be true or false: received 1/,
  ],
  [
    "text for a number",
    changed((model) => model.layers[0].config.units = "3"),
    /config\.units must be a number: received "3"/,
  ],
  [
    "a number out of range",
    changed((model) => model.layers[0].config.units = -3),
    /at model\.layers\[0\]: Cannot use the units of dense .*received -3/,
  ],
  [
    "an unknown activation",
    changed((model) => model.layers[0].config.activation = "constructor"),
    /config\.activation must be one of linear, /,
  ],
  [
    "an unknown initializer",
    changed((model) => model.layers[0].config.kernelInitializer = { name: "valueOf", config: {} }),
    /kernelInitializer\.name must be one of zeros, .*"valueOf"/,
  ],
  [
    "a prototype",
    small.replace('"seed"', '"__proto__": {"trainable": false}, "seed"'),
    /every name must be a plain one: received "__proto__"/,
  ],
  [
    "a circle",
    changed((model) => model.calls[0].inputs = [3]),
    /calls\[0\]\.inputs\[0\] must be a value made before, .*received 3/,
  ],
  [
    "a layer that is not there",
    changed((model) => model.calls[0].layer = 7),
    /calls\[0\]\.layer must be a layer, a whole number from 0 to below 3: received 7/,
  ],
  [
    "two inputs for a layer of one",
    changed((model) => model.calls[1].inputs = [0, 1]),
    /calls\[1\]\.inputs must be a list of 1: received 2/,
  ],
  ["no outputs", changed((model) => model.outputs = []), /outputs must be one without a name/],
  [
    "a name that breaks names of weights",
    changed((model) => model.layers[0].name = "a/b"),
    /Cannot name a Dense layer "a\/b"/,
  ],
  [
    "shapes that do not fit",
    changed((model) => model.layers[0].config.inputShape = [9]),
    /expected input of shape \[9\]/,
  ],
  [
    "one weight that is enormous",
    changed((model) => model.layers[0].config.units = 1e9),
    /expected a kernel of at most 268435456 numbers, got shape \[4, 1000000000\]/,
  ],
  [
    "deep nesting",
    changed((model) => model.seed = JSON.parse("[".repeat(200) + "]".repeat(200))),
    /nesting must be at most 100 deep/,
  ],
];
for (const [what, text, message] of refused) {
  Deno.test(`a text is refused for ${what}`, () => {
    assert.throws(() => modelFromJson(text), (error: Error) => {
      assert(error instanceof DataError, `${error}`);
      assert.match(error.message, message);
      return true;
    });
    assert.equal(({} as { trainable?: boolean }).trainable, undefined);
  });
}

Deno.test("limits of a text's length and of the model's weights can be set", () => {
  assert.throws(() => modelFromJson(small, { maxLength: 100 }), /at most 100 characters/);
  assert.throws(
    () => modelFromJson(small, { maxParameters: 15 }),
    /at most 15 weights: received 19 up to dense_2/,
  );
  assert.equal((modelFromJson(small, { maxParameters: 19 }) as Model).parameters.length, 4);
});

Deno.test("what cannot be written is refused with the layer's name", () => {
  const unknown: Layer = { ...dense(1), config: undefined, type: "Mine" };
  const cases: [Layer, RegExp][] = [
    [activation((x) => x), /activation_1: .* its activation is a function/],
    [dropout(() => 0.5), /dropout_1: .* its rate is a function/],
    [lambda((x) => x), /lambda_1: cannot be written as JSON as its compute is a function/],
    [unknown, /mine_1: .* its type Mine keeps no config/],
    [
      dense(1, { kernelRegularizer: { name: "own", apply: (x) => x.sum() } }),
      /dense_1: .* kernelRegularizer is an object that keeps no config/,
    ],
  ];
  for (const [layer, message] of cases) {
    assert.throws(() => modelToJson(sequential([input([2]), layer])), message);
  }
});

Deno.test("regularizers and constraints go with a model, and act as they did", () => {
  const regularizers = [
    l1(0.2),
    l2(0.3),
    l1L2({ l1: 0.1, l2: 0.4 }),
    orthogonalRegularizer({ factor: 0.5, mode: "columns" }),
  ];
  const constraints = [
    maxNorm({ maxValue: 1.5, axis: 1 }),
    minMaxNorm({ minValue: 0.5, maxValue: 0.75, rate: 0.5, axis: [0, 1] }),
    nonNeg(),
    unitNorm({ axis: 1 }),
  ];
  const weights = tensor([[0.5, -2, 1], [3, 0.25, -0.125]]);
  regularizers.forEach((kernelRegularizer, place) => {
    const kernelConstraint = constraints[place];
    const model = sequential([input([2]), dense(3, { kernelRegularizer, kernelConstraint })]);
    const text = modelToJson(model);
    const again = modelFromJson(text);
    assert.equal(modelToJson(again), text);
    const [kernel] = again.parameters;
    assert.deepEqual(
      valuesOf(kernel.regularizer!.apply(weights)),
      valuesOf(kernelRegularizer.apply(weights)),
    );
    assert.deepEqual(
      valuesOf(kernel.constraint!.apply(weights)),
      valuesOf(kernelConstraint.apply(weights)),
    );
  });
  const text = modelToJson(sequential([input([2]), dense(3, { kernelRegularizer: l2() })]));
  assert.throws(
    () => modelFromJson(text.replace("0.01", "-1")),
    /strength of l2 .* received -1/,
  );
});
