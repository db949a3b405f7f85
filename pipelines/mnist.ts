/**
 * Trains a network on the MNIST digits, as one stream: this file is the example of the framework.
 *
 *     deno run pipelines/mnist.ts --epochs 20 --dropout 0.1 --patience 3
 *     deno run pipelines/mnist.ts --model deep --augment
 */
import { mnist } from "../data/mnist.ts";
import {
  accuracy,
  backward,
  epochs,
  forward,
  loadIdxDataSet,
  loadWeights,
  loss,
  lossScaling,
  meanSquaredError,
  measure,
  miniBatches,
  sparseCategoricalCrossentropy,
  update,
} from "../mod.ts";
import {
  commandLine,
  file,
  flag,
  number,
  oneOf,
  UsageError,
  wholeNumbers,
} from "./command_line.ts";
import { byModel, digitModel, digitModels } from "./digit_models.ts";
import { batchesBy, completed, failed, keepBest, optimizerBy, watchSteps } from "./reporting.ts";
import { checkTraining } from "./resuming.ts";
import { limited, trainingOptions } from "./training_options.ts";

const files = {
  "weights": { value: "FILE", help: "begin with these weights", parse: file },
  "train-images": { value: "FILE", help: "other data, in IDX form, plain or gzip", parse: file },
  "train-labels": { value: "FILE", help: "their labels", parse: file },
  "test-images": { value: "FILE", help: "images to validate on", parse: file },
  "test-labels": { value: "FILE", help: "their labels", parse: file },
};

const options = commandLine(
  `
Trains a network on the MNIST digits; metrics go to stdout as JSON lines.

  deno run pipelines/mnist.ts
  deno run pipelines/mnist.ts --model sigmoid --epochs 30
  deno run pipelines/mnist.ts --model deep --augment
  deno run pipelines/mnist.ts --hidden 128,64 --dropout 0.2 --optimizer adam --learning-rate 0.001`,
  {
    "model": {
      value: "NAME",
      help: "mlp, sigmoid (16, 16; squared error), cnn, deep or lstm",
      default: "mlp",
      parse: oneOf(...digitModels),
    },
    "hidden": { value: "N,N", help: "units of the hidden layers", parse: wholeNumbers },
    "augment": {
      value: "",
      help: "shift, turn, lean and zoom the digits, anew in each step",
      parse: flag,
    },
    "dropout": {
      value: "X",
      help: "rate after each hidden layer",
      default: byModel("dropout"),
      parse: number(0, 1),
    },
    ...trainingOptions(byModel, { samples: "digits" }),
    "dtype-policy": {
      value: "NAME",
      help: "float32, or mixed_float16 with --device webgpu",
      default: "float32",
      parse: oneOf("float32", "mixed_float16"),
    },
    ...files,
  },
);
/** The best epoch is the most accurate one; the data may have been moved when a run goes on. */
const network = { kept: "val_accuracy", free: Object.keys(files) };

async function loadData() {
  const train = await loadPart("train");
  const validation = await loadPart("test");
  return { train: limited(train, options), validation };
}

async function loadPart(part: "train" | "test") {
  const [images, labels] = [options[`${part}-images`], options[`${part}-labels`]];
  if (images === undefined && labels === undefined) return mnist[part];
  if (images !== undefined && labels !== undefined) return await loadIdxDataSet({ images, labels });
  throw new UsageError(
    `Options --${part}-images and --${part}-labels go together: received only one, give both files`,
  );
}

try {
  checkTraining(options);
  const data = await loadData();
  const model = digitModel(options.model, {
    features: data.train.x.shape.slice(1),
    hidden: options.hidden,
    dropout: options.dropout,
    augment: options.augment,
    seed: options.seed,
  });
  if (options.weights) await loadWeights(model, options.weights);

  const steps = miniBatches(data.train, {
    ...await batchesBy(options, network),
    dtypePolicy: options["dtype-policy"],
  }).pipe(
    forward(model),
    loss(
      options.model === "sigmoid"
        ? meanSquaredError({ oneHot: true })
        : sparseCategoricalCrossentropy({ fromLogits: true }),
    ),
    options["dtype-policy"] === "mixed_float16" ? lossScaling() : backward(),
    update(optimizerBy(options, data.train)),
    measure(accuracy()),
    watchSteps(options, network),
  );
  await completed(steps.pipe(
    epochs({ validation: data.validation }),
    keepBest(options, network),
  ));
} catch (error) {
  Deno.exitCode = failed(error);
}
