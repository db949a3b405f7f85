/**
 * Is a mail spam? 5,890 real mails of the public SpamAssassin corpus of 2002, of which 1,789 are: how
 * to learn from texts, that is from sequences of words of any length.
 *
 *     deno run pipelines/spam.ts
 *
 * The vocabulary is that of the training mails alone. A mail is the numbers of its first words, and 0
 * where it has fewer: the embedding makes a vector of each number and a mask of what is padding, over
 * which the recurrent layers pass. A logistic regression on a bag of words, which knows which words are in the whole mail
 * and not where, stands beside the network; on topics such a bag is hard to beat.
 */
import {
  adam,
  arrays,
  auc,
  bidirectional,
  binaryAccuracy,
  binaryCrossentropy,
  confusionMatrix,
  type DataSet,
  dense,
  dropout,
  embedding,
  type EncodedStrings,
  evaluate,
  evaluateTables,
  fit,
  gru,
  input,
  type Layer,
  lstm,
  type Model,
  modelToJson,
  permutation,
  precision,
  recall,
  sequential,
  textVectorization,
} from "../mod.ts";
import { commandLine, number, oneOf, wholeNumber } from "./command_line.ts";
import { completed, failed, fitBy, type Network, optimizerBy, print } from "./reporting.ts";
import { loadMails, type Mail } from "./mails.ts";
import { checkTraining } from "./resuming.ts";
import { commonRecipe, trainingOptions } from "./training_options.ts";

const options = commandLine(
  `
Learns from 5,890 real mails which ones are spam; metrics go to stdout as JSON lines.

  deno run pipelines/spam.ts
  deno run pipelines/spam.ts --model lstm --units 64 --length 300`,
  {
    "model": {
      value: "NAME",
      help: "gru or lstm, in both directions",
      default: "gru",
      parse: oneOf("gru", "lstm"),
    },
    "units": { value: "N", help: "of the recurrent layer", default: "32", parse: wholeNumber(1) },
    "dimensions": {
      value: "N",
      help: "of the vector of a word",
      default: "32",
      parse: wholeNumber(1),
    },
    "words": {
      value: "N",
      help: "words in the vocabulary, the frequent ones",
      default: "10000",
      parse: wholeNumber(10),
    },
    "length": {
      value: "N",
      help: "words of a mail that the network reads",
      default: "150",
      parse: wholeNumber(1),
    },
    "dropout": {
      value: "X",
      help: "rate before the last layer",
      default: "0.3",
      parse: number(0, 1),
    },
    ...trainingOptions(
      { ...commonRecipe, epochs: 6, learningRate: 0.002 },
      { samples: "mails", patience: 2, least: 10, several: true },
    ),
  },
);

/** Shares of the mails; the last is judged once, at the end. */
const shares = { train: 0.7, validation: 0.1, test: 0.2 };

type Parts<Part> = Record<keyof typeof shares, Part>;

/** Mails in an order of the seed, in three parts. */
function split(mails: readonly Mail[]): Parts<Mail[]> {
  const shuffled = [...permutation(mails.length, options.seed)].map((place) => mails[place]);
  const trained = Math.floor(mails.length * shares.train);
  const seen = trained + Math.floor(mails.length * shares.validation);
  return {
    train: shuffled.slice(0, Math.min(options.limit ?? Infinity, trained)),
    validation: shuffled.slice(trained, seen),
    test: shuffled.slice(seen),
  };
}

/** Data sets of the parts: their inputs as `encode` makes them, and 1 for spam. */
function dataSets(
  parts: Parts<Mail[]>,
  encode: (texts: string[]) => EncodedStrings,
): Parts<DataSet> {
  const dataSet = (mails: readonly Mail[]) => {
    const { data, shape } = encode(mails.map(({ words }) => words));
    return arrays(data as Float32Array, mails.map(({ spam }) => [Number(spam)]), {
      inputShape: shape.slice(1),
    });
  };
  const { train, validation, test } = parts;
  return { train: dataSet(train), validation: dataSet(validation), test: dataSet(test) };
}

const judged = { loss: binaryCrossentropy(), device: options.device, threads: options.threads };

/** Trains a model, and prints how it does on mails that it has not seen; false if interrupted. */
async function train(
  model: Model,
  data: Parts<DataSet>,
  network: Network,
  optimizer = optimizerBy(options, data.train),
): Promise<boolean> {
  const training = fit(model, data.train, {
    ...judged,
    ...await fitBy(options, data.train, network),
    optimizer,
    metrics: [binaryAccuracy(), auc()],
    validation: data.validation,
  });
  if (!await completed(training)) return false;
  const metrics = [binaryAccuracy(), auc(), precision(), recall(), confusionMatrix(2)];
  print("result", {
    model: model.name,
    mails: data.test.y.shape[0],
    ...await evaluate(model, data.test, { ...judged, metrics }),
    ...await evaluateTables(model, data.test, { ...judged, metrics }),
  });
  return true;
}

/** A weight for each word that is in a mail. */
async function trainBagOfWords(parts: Parts<Mail[]>): Promise<boolean> {
  const vectorization = textVectorization({
    standardize: "none",
    // A row of a number for each word: the network's vocabulary would not fit.
    maxTokens: Math.min(options.words, 4000),
    outputMode: "multiHot",
  }).adapt(parts.train.map(({ words }) => words));
  const model = sequential(
    [input([vectorization.tokens.length]), dense(1, { activation: "sigmoid" })],
    { name: "bag_of_words", seed: options.seed },
  );
  const data = dataSets(parts, (texts) => vectorization.apply(texts));
  return await train(model, data, { name: "bag_of_words" }, adam({ learningRate: 0.005 }));
}

/** A network that reads a mail word by word, from both ends. */
async function trainNetwork(parts: Parts<Mail[]>): Promise<boolean> {
  const vectorization = textVectorization({
    standardize: "none",
    maxTokens: options.words,
    outputSequenceLength: options.length,
  }).adapt(parts.train.map(({ words }) => words));
  const reader: Layer = options.model === "gru" ? gru(options.units) : lstm(options.units);
  const model = sequential([
    input([options.length]),
    embedding(vectorization.tokens.length, options.dimensions, { maskZero: true }),
    bidirectional(reader),
    dropout(options.dropout),
    dense(1, { activation: "sigmoid" }),
  ], { name: options.model, seed: options.seed });
  const data = dataSets(parts, (texts) => vectorization.apply(texts));
  // The one file is enough to judge other mails with.
  const metadata = { model: modelToJson(model), words: JSON.stringify(vectorization.config) };
  return await train(model, data, { metadata });
}

try {
  checkTraining(options, ["bag_of_words"]);
  const parts = split(loadMails());
  const spam = parts.test.filter(({ spam }) => spam).length / parts.test.length;
  print("result", {
    model: "majority",
    mails: parts.test.length,
    binary_accuracy: 1 - spam,
    auc: 0.5,
  });
  if (await trainBagOfWords(parts)) await trainNetwork(parts);
} catch (error) {
  Deno.exitCode = failed(error);
}
