/**
 * Which digit does somebody say? Sound becomes bands of frequency, 80 times a second, and a recurrent
 * network reads them from both ends; sounds of all lengths are padded, and the padding is masked.
 *
 *     deno run --allow-run=espeak-ng pipelines/speech.ts
 *     deno run --allow-run=espeak-ng pipelines/speech.ts --strings 4
 *
 * The digits are spoken by Debian's espeak-ng, a synthesizer, in many voices, accents, speeds and
 * pitches; nobody who is heard in training is heard in the test. `--recordings DIR` takes real ones, as
 * those of the Free Spoken Digit Dataset, in their place. A logistic regression on the mean of all
 * frames, which does not know what came first, stands beside the network.
 *
 * With `--strings N` up to N digits are said in a row, and nobody tells the network where one ends:
 * that is what the loss `ctc` is for. Errors are then counted as changes to the string. With seed 42, 50
 * voices of which 10 are in the test, and 30 epochs of `--strings 4`: 0.16 changes for each digit.
 */
import {
  accuracy,
  arrays,
  bidirectional,
  ctc,
  ctcDecode,
  type DataSet,
  dense,
  dropout,
  editDistance,
  evaluate,
  fit,
  globalAveragePooling1d,
  gru,
  input,
  type Layer,
  lstm,
  masking,
  type Model,
  permutation,
  predict,
  sequential,
  sparseCategoricalCrossentropy,
} from "../mod.ts";
import { commandLine, file, number, oneOf, wholeNumber } from "./command_line.ts";
import { completed, failed, fitBy, print } from "./reporting.ts";
import { checkTraining } from "./resuming.ts";
import { bands, bandStatistics, hear, type Heard } from "./heard_digits.ts";
import { readRecordings, synthesise, type Utterance, voices } from "./spoken_digits.ts";
import { commonRecipe, trainingOptions } from "./training_options.ts";

const options = commandLine(
  `
Learns to hear spoken digits; metrics go to stdout as JSON lines.

  deno run --allow-run=espeak-ng pipelines/speech.ts
  deno run --allow-run=espeak-ng pipelines/speech.ts --strings 4 --epochs 30
  deno run --allow-read=recordings pipelines/speech.ts --recordings recordings`,
  {
    "model": {
      value: "NAME",
      help: "gru or lstm, in both directions",
      default: "gru",
      parse: oneOf("gru", "lstm"),
    },
    "units": { value: "N", help: "of the recurrent layer", default: "48", parse: wholeNumber(1) },
    "strings": {
      value: "N",
      help: "up to N digits in a row, learnt by ctc; 1 for digits alone",
      default: "1",
      parse: wholeNumber(1),
    },
    "speakers": { value: "N", help: "voices", default: "50", parse: wholeNumber(3, voices.length) },
    "takes": {
      value: "N",
      help: "times that each voice says each digit",
      default: "2",
      parse: wholeNumber(1),
    },
    "recordings": { value: "DIR", help: "WAV files in their place", parse: file },
    "dropout": {
      value: "X",
      help: "rate before the last layer",
      default: "0.3",
      parse: number(0, 1),
    },
    ...trainingOptions(
      { ...commonRecipe, learningRate: 0.003 },
      { samples: "sounds", patience: 5, several: true },
    ),
  },
);

/** Shares of the speakers; the last are judged once, at the end. */
const shares = { train: 0.7, validation: 0.1, test: 0.2 };

type Parts<Part> = Record<keyof typeof shares, Part>;

/** Utterances by speakers in an order of the seed; nobody is in two parts. */
function split(utterances: readonly Utterance[]): Parts<Heard[]> {
  const speakers = [...new Set(utterances.map(({ speaker }) => speaker))];
  const order = [...permutation(speakers.length, options.seed)].map((place) => speakers[place]);
  const tested = Math.max(1, Math.floor(order.length * shares.test));
  const seen = order.length - tested;
  const trained = seen - Math.max(1, Math.floor(order.length * shares.validation));
  if (trained < 1) {
    throw new Error(`Cannot split the speakers as there must be 3 at least: received ${order}`);
  }
  const of = (names: readonly string[]) => {
    const known = new Set(names);
    return utterances.filter(({ speaker }) => known.has(speaker)).map(hear);
  };
  return {
    train: of(order.slice(0, trained)).slice(0, options.limit),
    validation: of(order.slice(trained, seen)),
    test: of(order.slice(seen)),
  };
}

/** Data sets of one length, with bands of mean 0 and deviation 1 over the frames of training. */
function dataSets(parts: Parts<Heard[]>): Parts<DataSet> {
  const all = Object.values(parts).flat();
  const frames = Math.max(...all.map(({ spectrogram }) => spectrogram.shape[0]));
  const labels = Math.max(options.strings, ...all.map(({ digits }) => digits.length));
  const { means, deviations } = bandStatistics(parts.train);
  const dataSet = (heard: readonly Heard[]) => {
    const x = new Float32Array(heard.length * frames * bands);
    heard.forEach(({ spectrogram: { data } }, row) =>
      data.forEach((level, place) => {
        const band = place % bands;
        x[row * frames * bands + place] = (level - means[band]) / deviations[band];
      })
    );
    // 0 is the blank of ctc, and pads; digits are from 1 on there.
    const targets = labels === 1
      ? heard.map(({ digits }) => digits[0])
      : heard.map(({ digits }) =>
        Array.from({ length: labels }, (_, place) => place < digits.length ? digits[place] + 1 : 0)
      );
    return arrays(x, targets, {
      inputShape: [frames, bands],
      ...(labels === 1 && { classes: 10 }),
    });
  };
  const { train, validation, test } = parts;
  return { train: dataSet(train), validation: dataSet(validation), test: dataSet(test) };
}

const device = { device: options.device, threads: options.threads };

/** A network that reads frames, then `head`. */
function network(name: string, data: DataSet, head: readonly Layer[]): Model {
  return sequential([input(data.x.shape.slice(1)), masking(), ...head], {
    name,
    seed: options.seed,
  });
}

/** Trains a model; false when it was interrupted. */
async function train(model: Model, data: Parts<DataSet>, name?: string): Promise<boolean> {
  const classified = options.strings === 1;
  return await completed(fit(model, data.train, {
    ...await fitBy(options, data.train, { name, free: ["recordings"] }),
    loss: classified ? sparseCategoricalCrossentropy({ fromLogits: true }) : ctc(),
    metrics: classified ? [accuracy()] : [],
    clipGradients: { globalNorm: 1 },
    validation: data.validation,
  }));
}

function printResult(model: string, test: DataSet, result: Record<string, number>): void {
  print("result", { model, sounds: test.x.shape[0], ...result });
}

/** Digits alone: a class for each sound. */
async function classify(data: Parts<DataSet>): Promise<void> {
  const recurrent = options.model === "gru" ? gru(options.units) : lstm(options.units);
  const models = [
    network("mean_of_frames", data.train, [globalAveragePooling1d(), dense(10)]),
    network(options.model, data.train, [
      bidirectional(recurrent),
      dropout(options.dropout),
      dense(10),
    ]),
  ];
  for (const [place, model] of models.entries()) {
    if (!await train(model, data, place === 0 ? model.name : undefined)) return;
    const loss = sparseCategoricalCrossentropy({ fromLogits: true });
    printResult(model.name, data.test, {
      ...await evaluate(model, data.test, { ...device, loss, metrics: [accuracy()] }),
    });
  }
}

/** Strings of digits: labels in order, and nobody knows where they are. */
async function transcribe(data: Parts<DataSet>, test: readonly Heard[]): Promise<void> {
  const { units } = options;
  const all = { returnSequences: true } as const;
  const model = network(options.model, data.train, [
    bidirectional(options.model === "gru" ? gru(units, all) : lstm(units, all)),
    dropout(options.dropout),
    dense(11),
  ]);
  if (!await train(model, data)) return;
  const lengths = test.map(({ spectrogram }) => spectrogram.shape[0]);
  const found = ctcDecode(await predict(model, data.test.x, device), { lengths });
  const changes = found.map((labels, row) =>
    editDistance(labels.map((label) => label - 1), test[row].digits)
  );
  const digits = test.reduce((sum, { digits }) => sum + digits.length, 0);
  printResult(model.name, data.test, {
    ...await evaluate(model, data.test, { ...device, loss: ctc() }),
    digit_error_rate: changes.reduce((sum, count) => sum + count, 0) / digits,
    strings_right: changes.filter((count) => count === 0).length / changes.length,
  });
}

try {
  checkTraining(options, options.strings === 1 ? ["mean_of_frames"] : []);
  const utterances = options.recordings === undefined
    ? await synthesise(options)
    : await readRecordings(options.recordings);
  const heard = split(utterances);
  const data = dataSets(heard);
  if (options.strings === 1) await classify(data);
  else await transcribe(data, heard.test);
} catch (error) {
  Deno.exitCode = failed(error);
}
