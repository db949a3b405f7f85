import assert from "node:assert/strict";
import { modelToOnnx, predict, type Predictions } from "../../../mod.ts";
import { sha256 } from "./exported_model.ts";
import { batchSizes, onnxInputs, onnxModels } from "./onnx_models.ts";

interface Golden {
  readonly sha256: string;
  readonly outputs: readonly Record<
    string,
    { readonly shape: readonly number[]; readonly data: readonly (number | string)[] }
  >[];
}

const golden: Record<string, Golden> = JSON.parse(
  Deno.readTextFileSync(new URL("../../golden/onnx.json", import.meta.url)),
);

Deno.test("every exported model has been run by ONNX Runtime", () => {
  assert.deepEqual(Object.keys(golden), Object.keys(onnxModels));
});

for (const [name, make] of Object.entries(onnxModels)) {
  Deno.test(`ONNX Runtime predicts what Millrace does: ${name}`, async () => {
    const exported = make();
    assert.equal(
      await sha256(await modelToOnnx(exported.model)),
      golden[name].sha256,
      "the file is not the one that was run: run tests/golden/make_onnx_golden.ts",
    );
    for (const [place, batchSize] of batchSizes.entries()) {
      const inputs = onnxInputs(exported, batchSize);
      const isOne = Array.isArray(exported.model.inputShape);
      const expected = await predict(exported.model, isOne ? inputs.input : inputs as never, {
        device: "reference",
        batchSize,
      });
      const byName =
        (expected.data instanceof Float32Array ? { output: expected } : expected) as Record<
          string,
          Predictions
        >;
      for (const [output, { data, shape }] of Object.entries(byName)) {
        const found = golden[name].outputs[place];
        const { shape: foundShape, data: foundData } = found[`${output}_output`] ?? found[output];
        assert.deepEqual(foundShape, shape, output);
        assertClose(foundData.map(Number), data, output);
      }
    }
  });
}

/** Differences of float32's rounding at most, as parts of the largest number, or of what adds up to 0. */
function assertClose(found: readonly number[], expected: Float32Array, what: string) {
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0.1);
  const wrong = found.findIndex((value, at) => !(Math.abs(value - expected[at]) <= 3e-6 * largest));
  assert.equal(wrong, -1, `${what}: ${found[wrong]} at ${wrong} for ${expected[wrong]}`);
}
