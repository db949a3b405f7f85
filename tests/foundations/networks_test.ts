// F5 and F6: two-layer networks by their shapes and numbers, and networks of any list of sizes.
import assert from "node:assert/strict";
import {
  arrays,
  dense,
  evaluate,
  fit,
  input,
  meanSquaredError,
  predict,
  sequential,
  sgd,
  tensor,
} from "../../mod.ts";
import { assertClose } from "../core/nn/close.ts";
import { evaluateOn, testOnDevices } from "../devices.ts";
import {
  layerByLoops,
  network,
  parameterCount,
  seededNumbers,
  setWeights,
  sigmoidOf,
  train,
} from "./networks.ts";

Deno.test("F5: 8–4–1, 3–4–1 and 2–3–1 have 41, 21 and 9 + 4 = 13 parameters", () => {
  assert.equal(parameterCount(network([8, 4, 1])), 41);
  assert.equal(parameterCount(network([3, 4, 1])), 21);
  const small = network([2, 3, 1]);
  assert.equal(parameterCount(small), 13);
  const sizes = (role: string) =>
    small.parameters.filter(({ name }) => name.endsWith(role)).map(({ size }) => size);
  assert.deepEqual(sizes("/kernel"), [6, 3]);
  assert.deepEqual(sizes("/bias"), [3, 1]);
});

Deno.test("F5: the Sequential 8 → 4 relu → 2 relu → 1 has 36 + 10 + 3 parameters", () => {
  const model = sequential([
    input([8]),
    dense(4, { activation: "relu" }),
    dense(2, { activation: "relu" }),
    dense(1),
  ]);
  assert.deepEqual(model.structure.map(({ outputShape }) => outputShape), [[4], [2], [1]]);
  const counts = model.structure.map(({ parameters }) =>
    parameters.reduce((count, { size }) => count + size, 0)
  );
  assert.deepEqual(counts, [36, 10, 3]);
});

// The 3–4–1 network: three units pass one input on, the fourth adds all and takes 1 away.
const kernel1 = [[1, 0, 0, 1], [0, 1, 0, 1], [0, 0, 1, 1]];
const bias1 = [0, 0, 0, -1];
const kernel2 = [[1], [2], [3], [4]];
const samples = [[1, 2, 3], [-1, 1, 0]];

await testOnDevices("F5: 3–4–1 over two samples gives 2 × 4, then 2 × 1", async (options) => {
  const model = network([3, 4, 1], { hidden: "relu", last: "linear" });
  setWeights(model, [kernel1.flat(), bias1, kernel2.flat(), [0.5]]);
  const hidden = sequential([input([3]), dense(4, { activation: "relu" })]);
  setWeights(hidden, [kernel1.flat(), bias1]);
  const { x } = arrays(samples, [0, 0]);

  const first = await predict(hidden, x, options);
  assert.deepEqual(first.shape, [2, 4]);
  assert.deepEqual([...first.data], [1, 2, 3, 5, 0, 1, 0, 0]);
  // 1·1 + 2·2 + 3·3 + 4·5 + ½, and 2·1 + ½.
  const second = await predict(model, x, options);
  assert.deepEqual(second.shape, [2, 1]);
  assert.deepEqual([...second.data], [34.5, 2.5]);
});

await testOnDevices("F5: the notes' columns, W¹ 4×3 and b¹ 4×1, say the same", async (options) => {
  const [w1, b1] = [tensor(kernel1).transpose(), tensor(bias1.map((value) => [value]))];
  const columns = tensor(samples).transpose();
  assert.deepEqual([w1.shape, b1.shape, columns.shape], [[4, 3], [4, 1], [3, 2]]);
  const a1 = w1.matmul(columns).add(b1).relu();
  const a2 = tensor(kernel2).transpose().matmul(a1).add(0.5);
  assert.deepEqual([a1.shape, a2.shape], [[4, 2], [1, 2]]);
  const [hidden, output] = await evaluateOn(options, [a1, a2]);
  assert.deepEqual([...hidden], [1, 0, 2, 1, 3, 0, 5, 0]);
  assert.deepEqual([...output], [34.5, 2.5]);
});

for (const sizes of [[1, 1], [4, 5, 2], [3, 7, 1, 6, 2]]) {
  await testOnDevices(`F6: the network ${sizes} by its list of sizes`, async (options) => {
    const model = network(sizes);
    const kernels = sizes.slice(1).map((units, place) => [sizes[place], units]);
    const shapes = model.parameters.map(({ shape }) => shape);
    assert.deepEqual(shapes, kernels.flatMap(([inputs, units]) => [[inputs, units], [units]]));

    const count = 9;
    const [width, outputs] = [sizes[0], sizes[sizes.length - 1]];
    const rows = Array.from({ length: count }, (_, row) => seededNumbers(width, row + 1));
    const wanted = Array.from({ length: count }, (_, row) => seededNumbers(outputs, row + 50));
    let expected: number[][] = rows;
    for (let place = 0; place < model.parameters.length; place += 2) {
      const [kernel, bias] = model.parameters.slice(place, place + 2);
      expected = layerByLoops(expected, kernel.value, bias.value, sigmoidOf);
    }
    const errors = expected.flatMap((row, place) =>
      row.map((value, output) => (value - wanted[place][output]) ** 2)
    );
    const cost = errors.reduce((sum, error) => sum + error) / errors.length;

    const data = arrays(rows, wanted);
    assertClose((await predict(model, data.x, options)).data, expected.flat(), 1e-6);
    const loss = meanSquaredError();
    assertClose([(await evaluate(model, data, { loss, ...options })).loss], [cost], 1e-6);

    const optimizer = sgd({ learningRate: 0.5 });
    await train(model, fit(model, data, { loss, optimizer, epochs: 3, batchSize: 3, ...options }));
    const { loss: after } = await evaluate(model, data, { loss, ...options });
    assert(after < cost, `${after} after training, ${cost} before`);
  });
}
