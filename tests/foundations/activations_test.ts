// F8: the activations by their numbers, and why a deep network needs one that is not linear.
import assert from "node:assert/strict";
import {
  activationOf,
  arrays,
  dense,
  evaluateTensors,
  gradients,
  input,
  leakyRelu,
  predict,
  relu,
  sequential,
  type Tensor,
  tensor,
} from "../../mod.ts";
import { assertClose } from "../core/nn/close.ts";
import { evaluateOn, testOnDevices } from "../devices.ts";
import { network, seededNumbers } from "./networks.ts";

// From tables of eˣ: σ(2) = 1/(1 + 0.135335), tanh 2 = (1 − 0.018316)/(1 + 0.018316).
const cases: [
  name: string,
  activation: (x: Tensor) => Tensor,
  values: number[],
  slopes: number[],
][] = [
  ["linear", activationOf("linear"), [-3, -0.5, 0.5, 2], [1, 1, 1, 1]],
  [
    "sigmoid",
    activationOf("sigmoid"),
    [0.047426, 0.377541, 0.622459, 0.880797],
    [0.045177, 0.235004, 0.235004, 0.104994],
  ],
  [
    "tanh",
    activationOf("tanh"),
    [-0.995055, -0.462117, 0.462117, 0.964028],
    [0.009866, 0.786448, 0.786448, 0.070651],
  ],
  ["relu", activationOf("relu"), [0, 0, 0.5, 2], [0, 0, 1, 1]],
  // The notes' slope is 0.01; the name alone means Keras's layer, whose slope is 0.3.
  ["leaky relu of 0.01", (z) => leakyRelu(z, 0.01), [-0.03, -0.005, 0.5, 2], [0.01, 0.01, 1, 1]],
  ["leakyRelu by name", activationOf("leakyRelu"), [-0.9, -0.15, 0.5, 2], [0.3, 0.3, 1, 1]],
];

for (const [name, activation, values, slopes] of cases) {
  await testOnDevices(`F8: ${name} and its slope at −3, −½, ½ and 2`, async (options) => {
    const z = tensor([-3, -0.5, 0.5, 2]);
    const output = activation(z);
    const computed = await evaluateOn(options, [output, ...gradients(output, [z])]);
    assertClose(computed[0], values, 2e-6, name);
    assertClose(computed[1], slopes, 2e-6, `${name}'`);
  });
}

await testOnDevices("F8: leaky relu is max(0.01 z, z)", async (options) => {
  const z = tensor(seededNumbers(101, 3));
  const [leaky, larger] = await evaluateOn(options, [leakyRelu(z, 0.01), z.mul(0.01).maximum(z)]);
  assertClose(leaky, larger, 1e-7);
});

await testOnDevices("F8: softmax of 1, 2, 3 is a distribution in the ratio e", async (options) => {
  const [values] = await evaluateOn(options, [tensor([[1, 2, 3], [1001, 1002, 1003]]).softmax()]);
  // 1, e and e² over 11.107338; the same when 1,000 is added everywhere.
  const row = [0.0900306, 0.2447285, 0.6652410];
  assertClose(values, [...row, ...row], 1e-6);
});

const sizes = [6, 9, 4, 7, 3];
const rows = Array.from({ length: 20 }, (_, row) => seededNumbers(sizes[0], row + 1));

/** One dense layer with the product of all kernels, and the bias that goes through them. */
async function composed(model: ReturnType<typeof network>) {
  const weights = model.parameters.map(({ value, shape }) => tensor(value, { shape }));
  let [kernel, bias] = [weights[0], weights[1].reshape([1, -1])];
  for (let place = 2; place < weights.length; place += 2) {
    kernel = kernel.matmul(weights[place]);
    bias = bias.matmul(weights[place]).add(weights[place + 1]);
  }
  const values = await evaluateTensors([kernel, bias]);
  const single = sequential([input([sizes[0]]), dense(sizes[sizes.length - 1])]);
  single.parameters.forEach((parameter, place) => parameter.set(values[place]));
  return single;
}

function withBiases(hidden: "linear" | "relu") {
  const model = network(sizes, { hidden, last: "linear" });
  model.parameters.forEach((parameter, place) => {
    if (parameter.name.endsWith("bias")) parameter.set(seededNumbers(parameter.size, place + 70));
  });
  return model;
}

await testOnDevices("F8: four linear layers are one linear map", async (options) => {
  const deep = withBiases("linear");
  const { x } = arrays(rows, rows.map(() => 0));
  const outputs = await predict(deep, x, options);
  assertClose((await predict(await composed(deep), x, options)).data, outputs.data, 1e-5);
});

await testOnDevices("F8: with relu between them they are not", async (options) => {
  const deep = withBiases("relu");
  const { x } = arrays(rows, rows.map(() => 0));
  const [outputs, single] = [
    await predict(deep, x, options),
    await predict(await composed(deep), x, options),
  ];
  const difference = outputs.data.map((value, place) => Math.abs(value - single.data[place]));
  assert(Math.max(...difference) > 0.1, `${Math.max(...difference)}`);
});

Deno.test("F8: no linear map is relu, which bends at 0", async () => {
  const [at] = await evaluateTensors([relu(tensor([-1, 0, 1]))]);
  assert.notEqual(at[0] + at[2], 2 * at[1]);
});
