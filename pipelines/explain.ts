/**
 * Explanations: which pixels made a network say "seven"?
 *
 *     deno run pipelines/explain.ts
 *     mkdir pictures; deno run -P pipelines/explain.ts --folder pictures
 *
 * A convolutional network learns the MNIST digits. Seven methods then say, pixel by pixel, why it
 * decides as it does about digits that it has not seen. Each is put to the proof: the 50 pixels
 * that it holds for the most important ones are erased, and the output of the predicted digit must
 * fall further than when 50 other pixels with ink are. Integrated gradients and Shapley values also
 * add up to the output itself; the line says how far they are from it.
 *
 * A small dense network is looked at from within: what each unit of its first layer looks for, and
 * which picture each of its outputs would like best. With `--folder` all of it is drawn:
 * `decisions.png` (a row a digit: the digit, then the methods in the order of the lines),
 * `weights.png` and `favourites.png`.
 */
import { lastValueFrom } from "rxjs";
import { mnist } from "../data/mnist.ts";
import {
  accuracy,
  activationMaximisation,
  checkWritable,
  conv2d,
  dense,
  explain,
  fit,
  flatten,
  gradCam,
  greyImage,
  type Image,
  imageGrid,
  input,
  inputTimesGradient,
  integratedGradients,
  type Model,
  occlusion,
  permutation,
  predict,
  predictions,
  reshapeLayer,
  saliency,
  sequential,
  shapleySampling,
  signedImage,
  smoothGrad,
  sparseCategoricalCrossentropy,
  weightImages,
  writePng,
} from "../mod.ts";
import { commandLine, file, wholeNumber } from "./command_line.ts";
import { completed, failed, fitBy, print } from "./reporting.ts";
import { checkTraining } from "./resuming.ts";
import { commonRecipe, limited, trainingOptions } from "./training_options.ts";

const options = commandLine(
  `
Explains the decisions of networks that were trained on the MNIST digits.

  deno run pipelines/explain.ts
  deno run -P pipelines/explain.ts --folder pictures`,
  {
    "digits": { value: "N", help: "test digits to explain", default: "8", parse: wholeNumber(1) },
    ...trainingOptions(
      { ...commonRecipe, epochs: 2, batchSize: 64, learningRate: 0.003 },
      { samples: "digits", limit: 10_000, several: true },
    ),
    "folder": { value: "FOLDER", help: "draw pictures into this folder", parse: file },
  },
);
const { seed, folder } = options;
const device = { device: options.device, threads: options.threads };
const square = { width: 28, height: 28 };

/** Trains a network; its lines go to stdout. */
async function trained(model: Model, name?: string): Promise<Model> {
  const train = limited(mnist.train, options);
  const training = fit(model, train, {
    loss: sparseCategoricalCrossentropy({ fromLogits: true }),
    ...await fitBy(options, train, { name, free: ["digits", "folder"] }),
    metrics: [accuracy()],
    validation: mnist.test,
  });
  // What follows would explain a network that has not learnt.
  if (!await completed(training)) Deno.exit();
  return model;
}

/** Numbers of the pixels, those with the largest values first. */
function order(values: ArrayLike<number>): number[] {
  return Array.from(values, (_, pixel) => pixel).sort((a, b) => values[b] - values[a]);
}

try {
  checkTraining(options, ["dense"]);
  const paths = ["decisions", "weights", "favourites"].map((name) => `${folder}/${name}.png`);
  if (folder !== undefined) paths.forEach(checkWritable);

  const network = await trained(sequential([
    input([784]),
    reshapeLayer([28, 28, 1]),
    conv2d(8, 5, { strides: 2, activation: "relu", name: "strokes" }),
    conv2d(16, 3, { strides: 2, activation: "relu", name: "shapes" }),
    flatten(),
    dense(10),
  ], { name: "convolutional", seed }));

  // Digits that it was not trained on, as numbers from 0 to 1.
  const samples = options.digits;
  const digits = Float32Array.from(
    mnist.test.x.data.subarray(0, samples * 784),
    (value) => value / 255,
  );
  const inputs = { data: digits, shape: [samples, 784] };
  const outputs = await predict(network, inputs, device);
  const rowOf = (data: Float32Array, size: number, row: number) =>
    data.subarray(row * size, (row + 1) * size);
  const predicted = Array.from(
    { length: samples },
    (_, row) => order(rowOf(outputs.data, 10, row))[0],
  );
  /** How far the outputs of the predicted digits fall when pixels are erased, on average. */
  const fallWithout = async (erased: readonly (readonly number[])[]): Promise<number> => {
    const data = digits.slice();
    erased.forEach((pixels, row) => pixels.forEach((pixel) => data[row * 784 + pixel] = 0));
    const without = await predict(network, { data, shape: inputs.shape }, device);
    const falls = predicted.map((digit, row) =>
      outputs.data[row * 10 + digit] - without.data[row * 10 + digit]
    );
    return falls.reduce((sum, fall) => sum + fall, 0) / samples;
  };

  const inked = predicted.map((_, row) => {
    const pixels = rowOf(digits, 784, row);
    const shuffled = [...permutation(784, seed, row)];
    return shuffled.filter((pixel) => pixels[pixel] > 0).slice(0, 50);
  });
  const randomFall = await fallWithout(inked);

  // Shapley values of 49 patches, four by four pixels each: 784 players would be too many.
  const patches = Array.from(
    { length: 784 },
    (_, pixel) => 7 * Math.floor(pixel / 112) + Math.floor(pixel % 28 / 4),
  );
  const methods = [
    saliency(),
    inputTimesGradient(),
    integratedGradients({ steps: 64 }),
    smoothGrad({ seed }),
    gradCam({ layer: "shapes", size: [28, 28] }),
    occlusion({ size: [28, 28] }),
    shapleySampling({ groups: patches, seed }),
  ];
  const empty = { data: new Float32Array(784), shape: [1, 784] };
  const ground = (await predict(network, empty, device)).data;
  const explained = methods.reduce(
    (stream, method) => stream.pipe(explain(method, { target: predicted })),
    predictions(network, inputs, { batchSize: samples, ...device }),
  );
  const { explanations } = await lastValueFrom(explained);
  for (const [method, found] of Object.entries(explanations)) {
    // What has no ink cannot be erased.
    const important = predicted.map((_, row) => {
      const pixels = rowOf(digits, 784, row);
      return order(rowOf(found.data, 784, row)).filter((pixel) => pixels[pixel] > 0).slice(0, 50);
    });
    const complete = ["integratedGradients", "shapleySampling"].includes(method);
    const errors = predicted.map((digit, row) => {
      const whole = found.scores[row] - ground[digit];
      const sum = rowOf(found.data, 784, row).reduce((all, part) => all + part, 0);
      return Math.abs((sum - whole) / whole);
    });
    print("explanation", {
      method,
      fall: await fallWithout(important),
      random_fall: randomFall,
      ...(complete && { completeness_error: Math.max(...errors) }),
    });
  }

  const small = await trained(
    sequential([input([784]), dense(16, { activation: "relu" }), dense(10)], {
      name: "dense",
      seed,
    }),
    "dense",
  );
  const weights = weightImages(small);
  const favourites: Image[] = [];
  for (let target = 0; target < 10; target++) {
    const { data } = await activationMaximisation(small, {
      target,
      decay: 0.05,
      seed,
      ...device,
    });
    favourites.push(greyImage(data, square));
    const scores = (await predict(small, { data, shape: [1, 784] }, device)).data;
    print("favourite", {
      target,
      output: scores[target],
      next: Math.max(...scores.filter((_, digit) => digit !== target)),
    });
  }

  if (folder !== undefined) {
    const decisions = predicted.flatMap((_, row) => [
      greyImage(rowOf(digits, 784, row), square),
      ...Object.values(explanations).map(({ data }) => signedImage(rowOf(data, 784, row), square)),
    ]);
    await writePng(paths[0], imageGrid(decisions, { columns: 1 + methods.length }));
    await writePng(paths[1], imageGrid(weights, { columns: 8 }));
    await writePng(paths[2], imageGrid(favourites, { columns: 5 }));
    print("pictures", { files: paths });
  }
} catch (error) {
  Deno.exitCode = failed(error);
}
