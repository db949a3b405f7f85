/**
 * Logistic regression: is a handwritten digit a 0 or a 1? Three numbers learn it from 12,665 digits.
 *
 *     deno run pipelines/logistic_regression.ts
 *
 * Two features are computed from the pixels: how much ink there is, and how much of it lies in the
 * middle, where a 0 has its hole. Then z = w₁ · ink + w₂ · middle + b, and a = σ(z) is the
 * probability of a 1. Where z = 0 runs the line that parts the two.
 */
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
  loss,
  measure,
  miniBatches,
  sequential,
  standardise,
  update,
} from "../mod.ts";
import { commandLine } from "./command_line.ts";
import {
  batchesBy,
  completed,
  failed,
  keepBest,
  optimizerBy,
  print,
  watchSteps,
} from "./reporting.ts";
import { checkTraining } from "./resuming.ts";
import { commonRecipe, limited, trainingOptions } from "./training_options.ts";

const options = commandLine(
  "Tells 0 from 1 among the MNIST digits by two features and three weights.\n\n" +
    "  deno run pipelines/logistic_regression.ts",
  trainingOptions(
    { ...commonRecipe, epochs: 5, optimizer: "sgd", learningRate: 0.1 },
    { samples: "digits", device: "cpu" },
  ),
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

try {
  checkTraining(options);
  const train = limited(zerosAndOnes(mnist.train), options);
  // Both features at mean 0 and deviation 1, by the training digits alone.
  const scale = fitStandardisation(train.x);
  const standard = (data: DataSet): DataSet => ({ ...data, x: standardise(data.x, scale) });

  const model = sequential([input([2]), dense(1, { activation: "sigmoid" })], {
    name: "logistic",
    seed: options.seed,
  });
  const steps = miniBatches(standard(train), await batchesBy(options)).pipe(
    forward(model), // a = σ(w · x + b)
    loss(binaryCrossentropy()), // −y ln a − (1 − y) ln(1 − a)
    backward(), // dz = a − y
    update(optimizerBy(options, train)), // w ← w − 0.1 · dw
    measure(binaryAccuracy()),
    watchSteps(options),
  );
  const training = steps.pipe(
    epochs({ validation: standard(zerosAndOnes(mnist.test)) }),
    keepBest(options),
  );
  if (await completed(training)) {
    const [kernel, bias] = model.parameters;
    const [ink, middle] = kernel.value;
    print("weights", { ink, middle, bias: bias.value[0] });
  }
} catch (error) {
  Deno.exitCode = failed(error);
}
