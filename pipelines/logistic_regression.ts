/**
 * Logistic regression: is a handwritten digit a 0 or a 1? Three numbers learn it from 12,665 digits.
 *
 *     deno run pipelines/logistic_regression.ts
 *
 * Two features are computed from the pixels: how much ink there is, and how much of it lies in the
 * middle, where a 0 has its hole. Then z = w₁ · ink + w₂ · middle + b, and a = σ(z) is the
 * probability of a 1. Where z = 0 runs the line that parts the two.
 */
import { lastValueFrom } from "rxjs";
import { mnist } from "../data/mnist.ts";
import {
  arrays,
  backward,
  binaryAccuracy,
  binaryCrossentropy,
  type DataSet,
  dense,
  epochs,
  fitStandardisation,
  forward,
  input,
  jsonLines,
  loss,
  measure,
  miniBatches,
  sequential,
  sgd,
  standardise,
  update,
} from "../mod.ts";
import { commandLine, wholeNumber } from "./command_line.ts";

const { seed } = commandLine(
  "Tells 0 from 1 among the MNIST digits by two features and three weights.\n\n" +
    "  deno run pipelines/logistic_regression.ts",
  { seed: { value: "N", help: "of weights and shuffles", default: "42", parse: wholeNumber(0) } },
);

/** Ink in the whole image, and in the eight by eight pixels of its middle, both from 0 to 1. */
function inkOf(pixels: ArrayLike<number>): [ink: number, middle: number] {
  let [ink, middle] = [0, 0];
  for (let place = 0; place < 784; place++) {
    const [row, column] = [Math.floor(place / 28), place % 28];
    ink += pixels[place] / 255 / 784;
    if (row >= 10 && row < 18 && column >= 10 && column < 18) middle += pixels[place] / 255 / 64;
  }
  return [ink, middle];
}

/** The digits 0 and 1 of a data set, by their two features. */
function zerosAndOnes({ x, y }: DataSet): DataSet {
  const chosen = Array.from(y.data, (_, sample) => sample).filter((sample) => y.data[sample] <= 1);
  const features = chosen.map((sample) => inkOf(x.data.subarray(sample * 784, sample * 784 + 784)));
  return arrays(features, chosen.map((sample) => y.data[sample]), { name: "0 or 1" });
}

const [train, test] = [zerosAndOnes(mnist.train), zerosAndOnes(mnist.test)];
// Both features at mean 0 and deviation 1, by the training digits alone.
const scale = fitStandardisation(train.x);
const standard = (data: DataSet): DataSet => ({ ...data, x: standardise(data.x, scale) });

const model = sequential([input([2]), dense(1, { activation: "sigmoid" })], {
  name: "logistic",
  seed,
});
const source = { batchSize: 32, epochs: 5, seed, device: "cpu", threads: 1 } as const;
const steps = miniBatches(standard(train), source).pipe(
  forward(model), // a = σ(w · x + b)
  loss(binaryCrossentropy()), // −y ln a − (1 − y) ln(1 − a)
  backward(), // dz = a − y
  update(sgd({ learningRate: 0.1 })), // w ← w − 0.1 · dw
  measure(binaryAccuracy()),
);
await lastValueFrom(steps.pipe(epochs({ validation: standard(test) }), jsonLines(Deno.stdout)));

const [kernel, bias] = model.parameters;
const [ink, middle] = kernel.value;
console.log(JSON.stringify({ event: "weights", ink, middle, bias: bias.value[0] }));
