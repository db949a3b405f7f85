/** Models that are too large are refused before their weights and tables are made. */
import assert from "node:assert/strict";
import {
  augMix,
  bidirectional,
  connect,
  dense,
  functional,
  type Initializer,
  input,
  integerLookup,
  type Layer,
  lstm,
  melSpectrogramLayer,
  modelFromJson,
  modelToJson,
  residual,
  sequential,
  spectralNormalization,
  timeDistributed,
  transformerEncoder,
  withInputShape,
} from "../../../mod.ts";

let drawn = 0;
const counted: Initializer = {
  name: "counted",
  config: {},
  values(shape) {
    drawn++;
    return new Float32Array(shape.reduce((product, size) => product * size, 1));
  },
};
const kernels = { kernelInitializer: counted };

/** Layers after a first one, whose weights are few enough. */
const tooLarge: Record<string, Layer> = {
  dense: dense(9, kernels),
  lstm: lstm(2, { ...kernels, recurrentInitializer: counted }),
  transformerEncoder: transformerEncoder(3, 2, kernels),
  residual: residual([dense(4, kernels), dense(4, kernels)]),
  bidirectional: bidirectional(lstm(2, kernels)) as Layer,
  timeDistributed: timeDistributed(dense(9, kernels)),
  spectralNormalization: spectralNormalization(dense(9, kernels)),
};

for (const [name, layer] of Object.entries(tooLarge)) {
  Deno.test(`of a model with too many weights none is drawn: ${name}`, () => {
    const text = modelToJson(sequential([input([5, 4]), dense(4, kernels), layer]));
    const custom = { parts: { counted: () => counted } };
    drawn = 0;
    assert.throws(
      () => modelFromJson(text, { custom, maxParameters: 25 }),
      { name: "DataError", message: /may have at most 25 weights: received/ },
    );
    assert.equal(drawn, 0);
    modelFromJson(text, { custom });
    assert.ok(drawn >= 2);
  });
}

Deno.test("further uses of a layer draw no weights", () => {
  const shared = dense(3, kernels);
  const [long, short] = [input([9, 2]), input([5, 2])];
  drawn = 0;
  const outputs = { a: connect(long, shared), b: connect(short, shared) };
  const model = functional({ inputs: { long, short }, outputs });
  withInputShape(model, { long: [7, 2], short: [1, 2] });
  assert.equal(drawn, 1);
});

Deno.test("sizes of tables that a layer makes by itself are refused before it does", () => {
  const terms = { vocabulary: [1, 2], outputMode: "tfIdf", idfWeights: [1, 1] } as const;
  const pad = { ...terms, padToMaxTokens: true };
  assert.throws(
    () => integerLookup({ ...pad, maxTokens: 2 ** 40 }),
    /its ids, whole numbers in float32, must be below 16777216: received 1099511627776 by maxTok/,
  );
  assert.deepEqual(integerLookup({ ...pad, maxTokens: 5 }).init([1], null!).outputShape, [5]);
  assert.throws(
    () => melSpectrogramLayer({ numMelBins: 2 ** 16 }),
    /at most 4194304 pairs of numMelBins and frequencies.*received 65536 and 1025/,
  );
  assert.throws(
    () => melSpectrogramLayer({ fftLength: 2 ** 14 }),
    /at most 67108864, the numbers of its waves: received 16384 and 16384/,
  );
  assert.equal(augMix({ numChains: 2 ** 40 }).type, "AugMix");
});
