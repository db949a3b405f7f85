/**
 * Why a network needs activations: three linear layers are no more than one.
 *
 *     deno run pipelines/linear_collapse.ts
 *
 * Two networks of 784–30–30–10 learn the MNIST digits, one with relu between its layers and one with
 * nothing there. Then the kernels of each are multiplied, W = W₁ W₂ W₃ and b = (b₁ W₂ + b₂) W₃ + b₃,
 * and put into a single layer 784–10. Of 24,790 numbers 7,850 are left. For the linear network the
 * single layer gives the same outputs; for the one with relu it does not.
 */
import { lastValueFrom } from "rxjs";
import { mnist } from "../data/mnist.ts";
import {
  accuracy,
  dense,
  evaluate,
  evaluateTensors,
  fit,
  input,
  type Model,
  predict,
  sequential,
  sgd,
  sparseCategoricalCrossentropy,
  takeFirst,
  tensor,
} from "../mod.ts";
import { commandLine } from "./command_line.ts";
import { runOptions } from "./training_options.ts";

const { seed } = commandLine(
  "Shows that a deep network without activations is one linear layer.",
  { seed: { ...runOptions.seed, help: "of weights and shuffles" } },
);

const device = { device: "cpu", threads: 1 } as const;
const judged = { loss: sparseCategoricalCrossentropy({ fromLogits: true }), metrics: [accuracy()] };

/** The one layer that does what all layers would, if nothing stood between them. */
async function collapse(model: Model): Promise<Model> {
  const [k1, b1, k2, b2, k3, b3] = model.parameters.map(({ value, shape }) =>
    tensor(value, { shape })
  );
  const kernel = k1.matmul(k2).matmul(k3);
  const bias = b1.reshape([1, -1]).matmul(k2).add(b2).matmul(k3).add(b3);
  const single = sequential([input(model.inputShape), dense(bias.size)]);
  const values = await evaluateTensors([kernel, bias]);
  single.parameters.forEach((parameter, place) => parameter.set(values[place]));
  return single;
}

for (const activation of ["linear", "relu"] as const) {
  const deep = sequential([
    input([784]),
    dense(30, { activation }),
    dense(30, { activation }),
    dense(10),
  ], { seed });
  const optimizer = sgd({ learningRate: 0.05 });
  const source = { batchSize: 32, epochs: 2, seed, ...device };
  const digits = takeFirst(mnist.train, 20_000);
  await lastValueFrom(fit(deep, digits, { ...judged, optimizer, ...source }));

  const single = await collapse(deep);
  const [outputs, collapsed] = [
    await predict(deep, mnist.test.x, device),
    await predict(single, mnist.test.x, device),
  ];
  const distances = outputs.data.map((value, place) => Math.abs(value - collapsed.data[place]));
  console.log(JSON.stringify({
    event: "network",
    activation,
    deep_accuracy: (await evaluate(deep, mnist.test, { ...judged, ...device })).accuracy,
    single_accuracy: (await evaluate(single, mnist.test, { ...judged, ...device })).accuracy,
    largest_difference: distances.reduce((largest, distance) => Math.max(largest, distance)),
  }));
}
console.log(JSON.stringify({ event: "end", reason: "completed" }));
