/** Activation layers and layers that move places, against PyTorch, and what they refuse. */
import assert from "node:assert/strict";
import { evaluateReference } from "../../../core/cpu/reference.ts";
import { ShapeError } from "../../../core/graph/errors.ts";
import * as nn from "../../../core/nn/mod.ts";
import { glu, softmax, sum, tensor } from "../../../core/ops/mod.ts";
import golden from "../../golden/reshaping.json" with { type: "json" };
import { TestContext } from "./context.ts";
import { testLayerCases } from "./layer_cases.ts";

await testLayerCases(
  "activation layers and layers that move places give PyTorch's outputs and gradients",
  golden.cases,
);

Deno.test("a lambda's output shape follows from its function", () => {
  const layer = nn.lambda((x) => x.sum(2));
  assert.deepEqual(layer.init([4, 3], nn.namedKey(1, "layer")).outputShape, [4]);
});

Deno.test("outputs have the shape that glu gives them, half of the sums", () => {
  const sums: [shape: number[], layers: (nn.Layer | nn.LoneMergeLayer)[]][] = [
    [[4], [nn.activation("glu"), nn.dense(4, { activation: "glu" })]],
    [[5, 4], [nn.dense(6, { activation: "glu" }), nn.conv1d(4, 2, { activation: "glu" })]],
    [[5, 4], [nn.einsumDense("abc,cd->abd", [null, 8], { activation: "glu" })]],
    [[5, 4], [nn.separableConv1d(2, 3, { activation: "glu" })]],
    [[5, 4], [nn.conv1dTranspose(6, 2, { activation: "glu" })]],
    [[5, 5, 3], [nn.depthwiseConv2d(2, { activation: (x) => glu(x, 1) })]],
    [[5, 4], [nn.residual([nn.dense(8, { activation: "glu" })], { activation: "glu" })]],
    [[5, 4], [nn.transformerEncoder(6, 2, { activation: "glu" })]],
    [[5, 4], [nn.transformerDecoder(6, 2, { activation: (x) => glu(x).square() })]],
  ];
  for (const [shape, layers] of sums) {
    for (const layer of layers) {
      const model = nn.sequential([nn.input(shape), layer]);
      const size = 2 * shape.reduce((product, one) => product * one);
      const x = tensor(Float32Array.from({ length: size }, (_, at) => Math.sin(at)), {
        shape: [2, ...shape],
      });
      const values = new Map(model.parameters.map((made) => [made, tensor(made.value, made)]));
      const y = model.apply(values, x, new TestContext(false));
      assert.deepEqual(y.shape, [2, ...model.outputShape], layer.type);
    }
  }
});

Deno.test("of a gated transformer the second dense layer has half as many inputs", () => {
  const { weights } = nn.sequential([
    nn.input([5, 4]),
    nn.transformerEncoder(6, 2, { activation: "glu", name: "block" }),
  ]);
  const shapeOf = (part: string) => weights.get(`block/feedforward_${part}_dense_kernel`)!.shape;
  assert.deepEqual([shapeOf("intermediate"), shapeOf("output")], [[4, 6], [3, 4]]);
});

Deno.test("dense gives a function of its own the axes that its outputs have", () => {
  const layer = nn.dense(3, { activation: (y) => softmax(y, 1) });
  const { parameters } = layer.init([5, 4], nn.namedKey(1, "layer"));
  const weights = Object.fromEntries(
    parameters.map(({ name, values, shape }) => [name, tensor(values, { shape })]),
  );
  const x = tensor(Float32Array.from({ length: 40 }, (_, at) => Math.sin(at)), {
    shape: [2, 5, 4],
  });
  const y = layer.apply(weights, x, new TestContext(false));
  const [{ data }] = evaluateReference([sum(y, 1)]);
  for (const total of data) assert.ok(Math.abs(total - 1) < 1e-6, `${total}`);
});

const key = nn.namedKey(1, "layer");
const refused: [what: string, make: () => unknown, message: RegExp][] = [
  ["a bound below 0", () => nn.reluLayer({ maxValue: -1 }), /maxValue of reluLayer .*received -1/],
  ["a slope of NaN", () => nn.leakyReluLayer({ negativeSlope: NaN }), /negativeSlope .* NaN/],
  ["an infinite alpha", () => nn.eluLayer({ alpha: Infinity }), /alpha of eluLayer .*Infinity/],
  ["the batch as softmax's axis", () => nn.softmaxLayer({ axis: 0 }).init([3], key), /got 0/],
  ["dims from 0", () => nn.permute([0, 1]), /axes from 1, each once: received \[0, 1\]/],
  ["a dim twice", () => nn.permute([1, 1]), /each once: received \[1, 1\]/],
  ["too few dims", () => nn.permute([2, 1]).init([3, 2, 1], key), /expected input of 2 axes/],
  ["no factor", () => nn.pixelShuffle(0), /upscaleFactor of pixelShuffle .*received 0/],
  [
    "too few channels",
    () => nn.pixelShuffle(2).init([3, 3, 6], key),
    /the channels a multiple of 4, got \[3, 3, 6\]/,
  ],
  [
    "a gated activation of states",
    () => nn.convLstm2d(4, 3, { activation: "glu" }).init([3, 8, 8, 1], key),
    /keep the shape of the states, \[6, 6, 4\], got one that makes it \[6, 6, 2\]/,
  ],
  ["no repeats", () => nn.repeatVector(0), /the n of repeatVector .*received 0/],
  ["a matrix to repeat", () => nn.repeatVector(2).init([3, 2], key), /got shape \[3, 2\]/],
  ["negative zeros", () => nn.zeroPadding2d(-1), /border of zeroPadding2d .*received -1/],
  ["sides of three axes", () => nn.cropping2d([1, 2, 3]), /each of 2 axes one or two: .*\[1,2,3\]/],
  ["three sides", () => nn.zeroPadding2d([[1, 2, 3] as never, 1]), /received \[\[1,2,3\],1\]/],
  ["a frame as large as the input", () => nn.cropping1d(2).init([4, 1], key), /larger than what/],
  ["a picture without channels", () => nn.zeroPadding2d().init([4, 4], key), /channels missing/],
  ["half a place", () => nn.upSampling2d(1.5), /size of upSampling2d .*received 1.5/],
  [
    "an unknown interpolation",
    () => nn.upSampling2d(2, { interpolation: "cubic" as "nearest" }),
    /one of nearest, bilinear, bicubic, lanczos3, lanczos5: received "cubic"/,
  ],
  ["no function", () => nn.lambda(3 as never), /needs a function of a tensor: received number/],
  ["a function that loses the batch", () => nn.lambda((x) => x.sum()).init([3], key), /keeps the/],
];
for (const [what, make, message] of refused) {
  Deno.test(`layers that move places, and activations, refuse ${what}`, () => {
    assert.throws(make, (error: Error) => {
      assert(
        error instanceof RangeError || error instanceof ShapeError || error instanceof TypeError,
      );
      assert.match(error.message, message);
      return true;
    });
  });
}
