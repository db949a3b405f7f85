/**
 * Trains a network on the MNIST digits, as one stream: this file is the example of the framework.
 *
 *     deno run pipelines/mnist.ts --epochs 20 --dropout 0.1 --patience 3
 *     deno run pipelines/mnist.ts --model deep --augment
 */
import { lastValueFrom } from "rxjs";
import { mnist } from "../data/mnist.ts";
import {
  accuracy,
  backward,
  checkpoint,
  earlyStopping,
  epochs,
  forward,
  hyperparameter,
  jsonLines,
  loadIdxDataSet,
  loadWeights,
  loss,
  lossScaling,
  meanSquaredError,
  measure,
  miniBatches,
  profile,
  progressBar,
  sparseCategoricalCrossentropy,
  takeFirst,
  update,
} from "../mod.ts";
import {
  commandLine,
  file,
  flag,
  number,
  oneOf,
  UsageError,
  wholeNumber,
  wholeNumbers,
} from "./command_line.ts";
import { endOnSignal, logEvery } from "./reporting.ts";
import { byModel, digitModel, digitModels, digitRecipes } from "./digit_models.ts";
import {
  beside,
  checkResume,
  failed,
  identity,
  optimizerNames,
  optimizerOf,
  runOptions,
  sameOptions,
  scheduleNames,
  scheduleOf,
} from "./training_options.ts";

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
    "epochs": {
      value: "N",
      help: `passes over the data${byModel("epochs")}`,
      parse: wholeNumber(0),
    },
    "batch-size": {
      value: "N",
      help: `samples in a step${byModel("batchSize")}`,
      parse: wholeNumber(1),
    },
    "optimizer": {
      value: "NAME",
      help: `${optimizerNames.join(", ")}${byModel("optimizer")}`,
      parse: oneOf(...optimizerNames),
    },
    "learning-rate": {
      value: "X",
      help: `of the optimizer${byModel("learningRate")}`,
      parse: number(0),
    },
    "schedule": {
      value: "NAME",
      help: `${scheduleNames.join(", ")}${byModel("schedule")}`,
      parse: oneOf(...scheduleNames),
    },
    "momentum": { value: "X", help: "of sgd and rmsprop", default: "0", parse: number(0, 1) },
    "dropout": {
      value: "X",
      help: `rate after each hidden layer${byModel("dropout")}`,
      parse: number(0, 1),
    },
    "patience": { value: "N", help: "stop after so many worse epochs", parse: wholeNumber(0) },
    ...runOptions,
    "dtype-policy": {
      value: "NAME",
      help: "float32, or mixed_float16 with --device webgpu",
      default: "float32",
      parse: oneOf("float32", "mixed_float16"),
    },
    "limit": { value: "N", help: "train on the first N digits", parse: wholeNumber(1) },
    "log-every": logEvery,
    "profile": {
      value: "",
      help: "print where the time of a step goes, as a table on stderr",
      parse: flag,
    },
    "trace": {
      value: "FILE",
      help: "the same as a trace for chrome://tracing and Perfetto",
      parse: file,
    },
    "checkpoint": { value: "FILE", help: "keep the best epoch there", parse: file },
    "checkpoint-every": {
      value: "N",
      help: "also save the run every N steps, as digits.last.safetensors",
      parse: wholeNumber(1),
    },
    "resume": {
      value: "FILE",
      help: "go on from a checkpoint, with the same options",
      parse: file,
    },
    "weights": { value: "FILE", help: "begin with these weights", parse: file },
    "train-images": { value: "FILE", help: "other data, in IDX form, plain or gzip", parse: file },
    "train-labels": { value: "FILE", help: "their labels", parse: file },
    "test-images": { value: "FILE", help: "images to validate on", parse: file },
    "test-labels": { value: "FILE", help: "their labels", parse: file },
  },
);

const recipe = digitRecipes[options.model];
const {
  epochs: passes = recipe.epochs,
  "batch-size": batchSize = recipe.batchSize,
  optimizer = recipe.optimizer,
  schedule = recipe.schedule,
} = options;
const rate = hyperparameter(options.dropout ?? recipe.dropout, { name: "dropout" });
const learningRate = hyperparameter(options["learning-rate"] ?? recipe.learningRate, {
  name: "learning rate",
});

async function loadData() {
  const train = await loadPart("train");
  const validation = await loadPart("test");
  return { train: options.limit ? takeFirst(train, options.limit) : train, validation };
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
  checkResume(options);
  const data = await loadData();
  const model = digitModel(options.model, {
    features: data.train.x.shape.slice(1),
    hidden: options.hidden,
    dropout: rate.value > 0 ? rate : 0,
    augment: options.augment,
    seed: options.seed,
  });
  if (options.weights) await loadWeights(model, options.weights);

  const totalSteps = passes * Math.ceil(data.train.x.shape[0] / batchSize);
  const steps = miniBatches(data.train, {
    batchSize,
    epochs: passes,
    seed: options.seed,
    device: options.device,
    threads: options.threads,
    dtypePolicy: options["dtype-policy"],
    resume: options.resume,
  }).pipe(
    sameOptions(options.resume, {
      "model": options.model,
      "hidden": options.hidden ?? null,
      "augment": options.augment ?? false,
      "optimizer": optimizer,
      "schedule": schedule,
      // The whole way of the rate follows from the number of epochs.
      "epochs": schedule === "constant" ? null : passes,
      "learning-rate": learningRate.value,
      "momentum": options.momentum,
      "dropout": rate.value,
      "checkpoint-every": options["checkpoint-every"] ?? null,
    }),
    forward(model),
    loss(
      options.model === "sigmoid"
        ? meanSquaredError({ oneHot: true })
        : sparseCategoricalCrossentropy({ fromLogits: true }),
    ),
    options["dtype-policy"] === "mixed_float16" ? lossScaling() : backward(),
    update(optimizerOf(optimizer, {
      learningRate: scheduleOf(schedule, learningRate, totalSteps),
      momentum: options.momentum,
    })),
    measure(accuracy()),
  ).pipe(
    endOnSignal(),
    options.checkpoint === undefined || options["checkpoint-every"] === undefined
      ? identity
      : checkpoint(beside(options.checkpoint, "last"), {
        save: "last",
        everySteps: options["checkpoint-every"],
      }),
    jsonLines(Deno.stdout, { every: options["log-every"] }),
    progressBar(Deno.stderr, { epochs: passes }),
    options.profile || options.trace ? profile({ trace: options.trace }) : identity,
  );
  const training = steps.pipe(
    epochs({ validation: data.validation }),
    options.patience === undefined
      ? identity
      : earlyStopping({ patience: options.patience, restoreBest: true }),
    options.checkpoint === undefined
      ? identity
      : checkpoint(options.checkpoint, { monitor: "val_accuracy" }),
    jsonLines(Deno.stdout),
  );
  await lastValueFrom(training, { defaultValue: null });
} catch (error) {
  Deno.exitCode = failed(error);
}
