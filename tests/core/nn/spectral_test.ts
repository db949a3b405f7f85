/** Spectral normalisation against PyTorch, and against what it is for. */
import assert from "node:assert/strict";
import { lastValueFrom } from "rxjs";
import golden from "../../golden/spectral.json" with { type: "json" };
import {
  arrays,
  conv2d,
  dense,
  dropout,
  fit,
  flatten,
  gradients,
  input,
  meanSquaredError,
  predict,
  sequential,
  sgd,
  spectralNormalization,
} from "../../../mod.ts";
import { evaluateOn, testOnDevices } from "../../devices.ts";
import { mulberry32 } from "../ops/generator.ts";
import { assertClose } from "./close.ts";
import { TestContext } from "./context.ts";
import { goldenLeaf } from "./golden.ts";

await testOnDevices("outputs, gradients and the next vector are PyTorch's", async (device) => {
  for (const given of golden.cases) {
    const layer = spectralNormalization(dense(4), { powerIterations: given.powerIterations });
    const weights = Object.fromEntries(
      Object.entries(given.weights).map(([name, value]) => [name, goldenLeaf(value)]),
    );
    const assigned: Parameters<TestContext["assign"]>[] = [];
    const context = Object.assign(new TestContext(), {
      assign: (...values: typeof assigned[0]) => void assigned.push(values),
    });
    const x = goldenLeaf(given.input);
    const output = layer.apply(weights, x, context);
    const sources = [x, weights.kernel, weights.bias];
    const slopes = gradients(output.mul(goldenLeaf(given.upstream)).sum(), sources);
    assert.deepEqual(assigned.map(([name]) => name), ["vector_u"]);
    const found = await evaluateOn(device, [output, assigned[0][1], ...slopes]);
    const { input, kernel, bias } = given.gradients;
    [given.output, given.vector, input, kernel, bias].forEach((expected, place) =>
      assertClose(found[place], expected.data, 2e-5, `${given.powerIterations}, ${place}`)
    );
  }
});

/** The largest singular value of a matrix, by many steps of power iteration in float64. */
function largestOf(rows: readonly (readonly number[])[]): number {
  let vector = rows[0].map((_, at) => 1 + at / 10);
  let length = 0;
  for (let step = 0; step < 500; step++) {
    const image = rows.map((row) => row.reduce((sum, value, at) => sum + value * vector[at], 0));
    const next = vector.map((_, at) => rows.reduce((sum, row, i) => sum + row[at] * image[i], 0));
    length = Math.sqrt(Math.hypot(...next));
    vector = next.map((value) => value / Math.hypot(...next));
  }
  return length;
}

Deno.test("after training no difference of inputs becomes larger", async () => {
  const random = mulberry32(5);
  const x = Array.from({ length: 64 }, () => [random() - 0.5, random() - 0.5, random() - 0.5]);
  const data = arrays(x, x.map(([a, b, c]) => [5 * a - c, 0.2 * b]));
  const model = sequential([input([3]), spectralNormalization(dense(2))], { seed: 2 });
  const cpu = { device: "cpu", threads: 1 } as const;
  const options = { loss: meanSquaredError(), optimizer: sgd({ learningRate: 0.1 }), epochs: 60 };
  await lastValueFrom(fit(model, data, { ...options, ...cpu }));
  const points = [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]];
  const made = await predict(model, arrays(points, points.map(() => 0)).x, cpu);
  const rows = [1, 2, 3].map((at) => [0, 1].map((out) => made.data[at * 2 + out] - made.data[out]));
  assert(Math.abs(largestOf(rows) - 1) < 1e-3, `${largestOf(rows)}`);
  // The kernel itself goes where the data want it.
  const { value } = model.weights.get("spectral_normalization_1/kernel")!;
  const kernel = [0, 1, 2].map((at) => [...value.subarray(at * 2, at * 2 + 2)]);
  assert(largestOf(kernel) > 1.05, `${largestOf(kernel)}`);
});

Deno.test("a kernel of zeros stays, a layer without one is refused", async () => {
  const zeros = dense(2, { kernelInitializer: "zeros" });
  const model = sequential([input([3]), spectralNormalization(zeros)]);
  const cpu = { device: "cpu", threads: 1 } as const;
  const { data } = await predict(model, { data: Float32Array.of(1, 2, 3), shape: [1, 3] }, cpu);
  assert.deepEqual([...data], [0, 0]);
  assert.throws(
    () => sequential([input([3]), spectralNormalization(dropout(0.5))]),
    /expected a layer with a weight kernel or embeddings, got Dropout with none/,
  );
  assert.throws(() => spectralNormalization(zeros, { powerIterations: 0 }), /from 1: received 0/);
  const images = sequential([input([4, 4, 2]), spectralNormalization(conv2d(3, 2)), flatten()]);
  assert.deepEqual(images.weights.get("spectral_normalization_1/vector_u")!.shape, [1, 3]);
});
