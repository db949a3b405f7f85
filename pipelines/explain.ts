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
  adam,
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
  jsonLines,
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
  takeFirst,
  weightImages,
  writePng,
} from "../mod.ts";
import { commandLine, file, oneOf, wholeNumber } from "./command_line.ts";
import { endOnSignal } from "./reporting.ts";
import { failed } from "./training_options.ts";

const options = commandLine(
  `
Explains the decisions of networks that were trained on the MNIST digits.

  deno run pipelines/explain.ts
  deno run -P pipelines/explain.ts --folder pictures`,
  {
    "epochs": { value: "N", help: "passes over the data", default: "2", parse: wholeNumber(1) },
    "digits": { value: "N", help: "test digits to explain", default: "8", parse: wholeNumber(1) },
    "seed": { value: "N", help: "of all that is random", default: "42", parse: wholeNumber(0) },
    "device": {
      value: "NAME",
      help: "auto, cpu, webgpu or reference",
      default: "auto",
      parse: oneOf("auto", "cpu", "webgpu", "reference"),
    },
    "threads": { value: "N", help: "of the CPU; all unless given", parse: wholeNumber(1) },
    "limit": {
      value: "N",
      help: "train on the first N digits",
      default: "10000",
      parse: wholeNumber(1),
    },
    "folder": { value: "FOLDER", help: "draw pictures into this folder", parse: file },
  },
);
const { seed, folder } = options;
const device = { device: options.device, threads: options.threads };
const square = { width: 28, height: 28 };

const train = takeFirst(mnist.train, options.limit);

/** Trains a network; its lines go to stdout. */
async function trained(model: Model): Promise<Model> {
  await lastValueFrom(
    fit(model, train, {
      loss: sparseCategoricalCrossentropy({ fromLogits: true }),
      optimizer: adam({ learningRate: 0.003 }),
      metrics: [accuracy()],
      batchSize: 64,
      epochs: options.epochs,
      seed,
      validation: mnist.test,
      stepOperators: [
        // What follows would explain a network that has not learnt.
        endOnSignal(),
      ],
      callbacks: [jsonLines(Deno.stdout)],
      ...device,
    }),
    { defaultValue: null },
  );
  if (Deno.exitCode !== 0) Deno.exit();
  return model;
}

/** Numbers of the pixels, those with the largest values first. */
function order(values: ArrayLike<number>): number[] {
  return Array.from(values, (_, pixel) => pixel).sort((a, b) => values[b] - values[a]);
}

try {
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
    console.log(JSON.stringify({
      event: "explanation",
      method,
      fall: await fallWithout(important),
      random_fall: randomFall,
      ...(complete && { completeness_error: Math.max(...errors) }),
    }));
  }

  const small = await trained(
    sequential([input([784]), dense(16, { activation: "relu" }), dense(10)], {
      name: "dense",
      seed,
    }),
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
    console.log(JSON.stringify({
      event: "favourite",
      target,
      output: scores[target],
      next: Math.max(...scores.filter((_, digit) => digit !== target)),
    }));
  }

  if (folder !== undefined) {
    const decisions = predicted.flatMap((_, row) => [
      greyImage(rowOf(digits, 784, row), square),
      ...Object.values(explanations).map(({ data }) => signedImage(rowOf(data, 784, row), square)),
    ]);
    await writePng(paths[0], imageGrid(decisions, { columns: 1 + methods.length }));
    await writePng(paths[1], imageGrid(weights, { columns: 8 }));
    await writePng(paths[2], imageGrid(favourites, { columns: 5 }));
    console.log(JSON.stringify({ event: "pictures", files: paths }));
  }
} catch (error) {
  Deno.exitCode = failed(error);
}
