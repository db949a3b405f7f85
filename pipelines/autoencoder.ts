/**
 * Autoencoders: networks that squeeze a digit through a few numbers and draw it again.
 *
 *     deno run pipelines/autoencoder.ts
 *     deno run pipelines/autoencoder.ts --kind convolutional
 *     deno run -P pipelines/autoencoder.ts --kind denoising --picture restored.png
 *     deno run -P pipelines/autoencoder.ts --kind variational --picture imagined.png
 *
 * Nobody tells the network which digit it sees: its targets are its own inputs. The denoising one is
 * shown a digit under noise and must draw the clean one, which it can only by knowing what digits
 * look like. The variational one keeps its codes near the standard normal distribution, so that a
 * code drawn from it, which no digit ever had, gives a new digit.
 *
 * With `--picture` a PNG file shows digits that the network was not trained on: what it was given,
 * what it made of it, and the truth; for the variational network a last row of new digits.
 */
import { mnist } from "../data/mnist.ts";
import {
  backward,
  binaryCrossentropy,
  checkWritable,
  type DataSet,
  epochs,
  evaluateTensors,
  foldKey,
  forward,
  greyImage,
  imageGrid,
  type Loss,
  loss,
  meanSquaredErrorMetric,
  measure,
  type Metric,
  miniBatches,
  normal,
  predict,
  type StoredInputs,
  tensor,
  update,
  writePng,
} from "../mod.ts";
import { autoencoder, autoencoderKinds, noisy } from "./autoencoder_models.ts";
import { commandLine, file, oneOf, wholeNumber } from "./command_line.ts";
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
  `
Trains an autoencoder on the MNIST digits.

  deno run pipelines/autoencoder.ts --kind convolutional
  deno run -P pipelines/autoencoder.ts --kind denoising --picture restored.png`,
  {
    "kind": {
      value: "NAME",
      help: autoencoderKinds.join(", "),
      default: "dense",
      parse: oneOf(...autoencoderKinds),
    },
    "code": { value: "N", help: "numbers in a code", default: "32", parse: wholeNumber(1) },
    ...trainingOptions(
      { ...commonRecipe, epochs: 5, batchSize: 128, learningRate: 0.002 },
      { samples: "digits" },
    ),
    "picture": { value: "FILE", help: "draw digits into this PNG file", parse: file },
  },
);
const network = { free: ["picture"] };
const device = { device: options.device, threads: options.threads };

/** A data set whose targets are its digits: bytes, as the inputs. */
function withoutLabels({ x }: DataSet, inputs: StoredInputs = x): DataSet {
  return { x: inputs, y: { data: x.data as Uint8Array, shape: x.shape }, name: "digits" };
}

/** A loss or metric of targets that are bytes, which it takes as numbers from 0 to 1. */
function ofBytes<Judge extends Loss | Metric>(judge: Judge): Judge {
  const { apply } = judge as Metric;
  const scaled: Metric["apply"] = (targets, outputs, ...rest) =>
    apply(targets.cast("f32").div(255), outputs, ...rest);
  return { ...judge, apply: scaled };
}

/** Digits under noise: the same in each run of one seed. */
async function underNoise(x: StoredInputs): Promise<StoredInputs> {
  const [key0, key1] = foldKey(options.seed, "noise on the test digits");
  const pixels = tensor(Float32Array.from(x.data, (value) => value / 255), { shape: [...x.shape] });
  const [data] = await evaluateTensors([noisy(pixels, { key0, key1 }, 0)]);
  return { data: data as Float32Array, shape: x.shape };
}

/** The mean squared distance of pixels, each from 0 to 1, from those of true digits. */
function errorOf(pixels: ArrayLike<number>, truth: StoredInputs): number {
  let sum = 0;
  for (let at = 0; at < pixels.length; at++) sum += (pixels[at] - truth.data[at] / 255) ** 2;
  return sum / pixels.length;
}

/** Rows of digits, as one picture. */
async function draw(path: string, rows: readonly ArrayLike<number>[], columns: number) {
  const images = rows.flatMap((row) =>
    Array.from(
      { length: columns },
      (_, digit) =>
        greyImage(Array.from({ length: 784 }, (_, at) => row[digit * 784 + at]), {
          width: 28,
          height: 28,
        }),
    )
  );
  await writePng(path, imageGrid(images, { columns }));
}

try {
  checkTraining(options);
  // A file that may not be written is told before the training, not after it.
  if (options.picture !== undefined) checkWritable(options.picture);
  const { kind, code, seed } = options;
  const train = limited(mnist.train, options);
  const truth = mnist.test.x;
  const given = kind === "denoising" ? await underNoise(truth) : truth;
  const { model, decoder } = autoencoder(kind, { code, seed });

  const steps = miniBatches(withoutLabels(train), await batchesBy(options, network)).pipe(
    forward(model),
    loss(ofBytes(binaryCrossentropy())),
    backward(),
    update(optimizerBy(options, train)),
    measure(ofBytes(meanSquaredErrorMetric())),
    watchSteps(options, network),
  );
  const training = steps.pipe(
    epochs({ validation: withoutLabels(mnist.test, given) }),
    keepBest(options, network),
  );
  // What follows would judge a network that has not learnt.
  if (!await completed(training)) Deno.exit();

  const restored = await predict(model, given, device);
  const error = errorOf(restored.data, truth);
  const noisyError = kind === "denoising" ? errorOf(given.data, truth) : undefined;
  print("restored", {
    error,
    ...(noisyError && { noisy_error: noisyError, share_left: error / noisyError }),
  });

  if (options.picture !== undefined) {
    const columns = 12;
    const rows = [restored.data, Float32Array.from(truth.data, (value) => value / 255)];
    if (kind === "denoising") rows.unshift(given.data as Float32Array);
    if (kind === "variational") {
      const [key0, key1] = foldKey(seed, "codes of new digits");
      const [codes] = await evaluateTensors([normal({ key0, key1 }, [columns, code], 0)]);
      const inputs = { data: codes as Float32Array, shape: [columns, code] };
      rows.push((await predict(decoder, inputs, device)).data);
    }
    await draw(options.picture, rows, columns);
    print("picture", { file: options.picture });
  }
} catch (error) {
  Deno.exitCode = failed(error);
}
