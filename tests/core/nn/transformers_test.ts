/** Attention and transformers against PyTorch: shapes, outputs and gradients, on every device. */
import assert from "node:assert/strict";
import { gradients, greater, tensor } from "../../../core/ops/mod.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import * as nn from "../../../core/nn/mod.ts";
import golden from "../../golden/attention.json" with { type: "json" };
import { evaluateOn, testOnDevices } from "../../devices.ts";
import { assertClose } from "./close.ts";
import { TestContext, valuesOf } from "./context.ts";
import { goldenLeaf, type GoldenTensor } from "./golden.ts";

interface Case {
  layer: "multiHeadAttention";
  arguments: Parameters<typeof nn.multiHeadAttention>;
  inputs: GoldenTensor[];
  mask?: GoldenTensor & { input: number };
  weights: Record<string, GoldenTensor>;
  upstream: GoldenTensor;
  output: GoldenTensor;
  gradients: { inputs: GoldenTensor[]; weights: Record<string, GoldenTensor> };
}

type AnyLayer = nn.Layer | nn.MergeLayer;

const cases = Object.entries(golden.cases as unknown as Record<string, Case>).map(
  ([name, given]) => ({
    name,
    given,
    layer: nn[given.layer](...given.arguments) as AnyLayer,
  }),
);
const key = nn.namedKey(1, "layer");

function init(layer: AnyLayer, shapes: number[][]): nn.LayerInitialization {
  return "merges" in layer ? layer.init(shapes, key) : layer.init(shapes[0], key);
}

function apply(
  layer: AnyLayer,
  weights: Record<string, Tensor>,
  inputs: Tensor[],
  context: nn.ApplyContext,
): Tensor {
  return "merges" in layer
    ? layer.apply(weights, inputs, context)
    : layer.apply(weights, inputs[0], context);
}

for (const { name, given, layer } of cases) {
  Deno.test(`${name} makes outputs and weights of PyTorch's shapes`, () => {
    const made = init(layer, given.inputs.map(({ shape }) => shape.slice(1)));
    assert.deepEqual(made.outputShape, given.output.shape.slice(1));
    const shapes = Object.fromEntries(made.parameters.map(({ name, shape }) => [name, shape]));
    const expected = Object.entries(given.weights).map(([role, { shape }]) => [role, shape]);
    assert.deepEqual(shapes, Object.fromEntries(expected));
  });
}

await testOnDevices(
  "attention and transformers give PyTorch's outputs and gradients",
  async (device) => {
    // All in one plan, and on WebGPU a few: a software adapter compiles for minutes.
    const chosen = device.device === "webgpu"
      ? cases.filter(({ name }) => ["masked", "grouped", "decoder", "plain_concat"].includes(name))
      : cases;
    const made = chosen.map(({ name, given, layer }) => {
      const inputs = given.inputs.map(goldenLeaf);
      const weights = Object.fromEntries(
        Object.entries(given.weights).map(([role, value]) => [role, goldenLeaf(value)]),
      );
      const context = new TestContext(true);
      const { mask } = given;
      if (mask) {
        context.masks = inputs.map((_, at) =>
          at === mask.input ? greater(goldenLeaf(mask), 0) : undefined
        );
      }
      const y = apply(layer, weights, inputs, context);
      const wanted = [
        ...given.gradients.inputs.map((value, at) => [`input ${at}`, inputs[at], value] as const),
        ...Object.entries(given.gradients.weights).map(([role, value]) =>
          [role, weights[role], value] as const
        ),
      ];
      const slopes = gradients(y, wanted.map(([, source]) => source), goldenLeaf(given.upstream));
      return { name, given, wanted, tensors: [y, ...slopes] };
    });
    const found = await evaluateOn(device, made.flatMap(({ tensors }) => tensors));
    for (const { name, given, wanted, tensors } of made) {
      const [output, ...slopes] = found.splice(0, tensors.length);
      assertClose(output, given.output.data, 2e-5, `${name}, output`);
      wanted.forEach(([role, , { data }], place) =>
        assertClose(slopes[place], data, 1e-4, `${name}, gradient of ${role}`)
      );
    }
  },
);

Deno.test("attention's weights are dropped in training alone, and shared out among the rest", () => {
  const layer = nn.multiHeadAttention(2, 3, { dropout: 0.5 });
  const made = layer.init([[40, 4]], key);
  const weights = Object.fromEntries(
    made.parameters.map(({ name, shape, values }) => [name, tensor(values, { shape })]),
  );
  const x = tensor(Float32Array.from({ length: 160 }, (_, i) => Math.sin(i * i)), {
    shape: [1, 40, 4],
  });
  const outputs = (training: boolean, options = {}) => {
    const context = new TestContext(training);
    const attention = nn.multiHeadAttention(2, 3, { dropout: 0.5, ...options });
    return valuesOf(attention.apply(weights, [x], context), context.bindings(3));
  };
  assert.deepEqual(outputs(false), outputs(false, { dropout: 0 }));
  const [dropped, kept] = [outputs(true), outputs(false)];
  assert(dropped.some((value, at) => Math.abs(value - kept[at]) > 0.01));
  assert.deepEqual(outputs(true), dropped, "the same step drops the same weights");
  assert.notDeepEqual(outputs(true, { seed: 5 }), dropped);
  assert.deepEqual(outputs(true, { dropout: 1 }), new Array(160).fill(0));
});

Deno.test("self-attention and decoders stand in sequential, and share no weights there", () => {
  const attention = nn.multiHeadAttention(2, 4);
  const model = nn.sequential([
    nn.input([5, 6]),
    attention,
    attention,
    nn.transformerDecoder(7, 2),
    nn.dense(3),
  ]);
  assert.deepEqual(model.outputShape, [5, 3]);
  assert.equal(model.getLayer("multi_head_attention_2").weights.size, 8);
  assert.notDeepEqual(
    model.getLayer("multi_head_attention_1").weights.get("query_kernel")!.value,
    model.getLayer("multi_head_attention_2").weights.get("query_kernel")!.value,
  );
});

Deno.test("layers of attention refuse what does not fit, and say why", () => {
  const attention = nn.multiHeadAttention(2, 4);
  assert.throws(
    () => attention.init([[5]], key),
    /expected queries \[queries, features\].*got \[5\]/,
  );
  assert.throws(() => attention.init([[5, 3], [6, 3], [7, 3]], key), /\[6, 3\], \[7, 3\]/);
  assert.throws(() => attention.init([[5, 3], [6, 3], [6, 3], [6, 5]], key), /a mask/);
  assert.throws(() => nn.multiHeadAttention(0, 4), /the numHeads of multiHeadAttention/);
  assert.throws(() => nn.multiHeadAttention(1, 4, { dropout: 2 }), /the dropout.*0 to 1/);
  assert.throws(() => nn.multiHeadAttention(1, 4, { outputShape: [0] }), /the outputShape/);
  assert.throws(() => nn.multiHeadAttention(1, 4, { seed: 1.5 }), /seed.*received 1.5/);
  assert.throws(() => nn.attention({ seed: NaN }), /seed.*received NaN/);
  assert.throws(() => nn.groupedQueryAttention(4, 6, 4), /multiple of numKeyValueHeads.*6 and 4/);
  assert.throws(() => nn.positionEmbedding(4).init([5, 2], key), /at most 4 steps.*\[5, 2\]/);
  assert.throws(() => nn.rotaryEmbedding().init([5, 3], key), /an even number of features/);
  assert.throws(() => nn.transformerEncoder(8, 4).init([5, 3], key), /at least 4 features/);
  assert.throws(() => nn.transformerEncoder(8, 0), /the numHeads of transformerEncoder/);
  assert.throws(() => nn.transformerDecoder(8, 2, { activation: "rely" as "relu" }), /rely/);
  assert.throws(() => nn.transformerDecoder(8, 2).init([[5], [5, 2]], key), /those of an encoder/);
});
