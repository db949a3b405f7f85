/**
 * First names, letter by letter: a small transformer learns from 4,940 of them how a name goes on, and
 * makes up some of its own.
 *
 *     deno run pipelines/names.ts
 *     deno run pipelines/names.ts --blocks 4 --features 128 --temperature 0.7
 *
 * Each letter is guessed from those before it. The loss is what a letter takes in nats, and perplexity
 * eˡᵒˢˢ: among how many equally likely letters the model wavers. A table of which letter follows which
 * stands beside the network; it sees one letter, the network all of them.
 */
import { lastValueFrom, toArray } from "rxjs";
import { names as list } from "unique-names-generator";
import {
  arrays,
  type DataSet,
  dense,
  dropout,
  evaluate,
  fit,
  generate,
  input,
  type Model,
  permutation,
  sequential,
  sparseCategoricalCrossentropy,
  tokenAndPositionEmbedding,
  transformerDecoder,
} from "../mod.ts";
import { commandLine, number, wholeNumber } from "./command_line.ts";
import { completed, failed, fitBy, print } from "./reporting.ts";
import { checkTraining } from "./resuming.ts";
import { commonRecipe, trainingOptions } from "./training_options.ts";

const options = commandLine(
  `
Learns first names letter by letter and makes up new ones; metrics go to stdout as JSON lines.

  deno run pipelines/names.ts
  deno run pipelines/names.ts --blocks 4 --features 128 --temperature 0.7`,
  {
    "features": {
      value: "N",
      help: "numbers that stand for a letter",
      default: "64",
      parse: wholeNumber(1),
    },
    "blocks": { value: "N", help: "of attention", default: "2", parse: wholeNumber(1) },
    "heads": { value: "N", help: "of attention in a block", default: "4", parse: wholeNumber(1) },
    "dropout": { value: "X", help: "rate in the blocks", default: "0.1", parse: number(0, 1) },
    "samples": { value: "N", help: "names to make up", default: "12", parse: wholeNumber(0) },
    "temperature": {
      value: "X",
      help: "below 1 they are more usual, above it stranger",
      default: "0.8",
      parse: number(0),
    },
    ...trainingOptions(
      { ...commonRecipe, epochs: 30, batchSize: 64, learningRate: 0.002 },
      { samples: "names", patience: 3, least: 10 },
    ),
  },
);

const names = [...new Set(list.map((name) => name.toLowerCase()))];

/** Tokens: 0 is behind a name's end, 1 begins and ends it, and letters follow. */
const letters = [...new Set(names.join(""))].sort();
const edge = 1;
const classes = letters.length + 2;
const steps = Math.max(...names.map(({ length }) => length)) + 1;

function tokensOf(name: string): number[] {
  return [...name].map((letter) => letters.indexOf(letter) + 2);
}

function padded(tokens: readonly number[]): number[] {
  return [...tokens, ...new Array<number>(steps - tokens.length).fill(0)];
}

/** Names, and the letters that follow each of theirs. */
function dataSet(part: readonly string[]): DataSet {
  const tokens = part.map(tokensOf);
  return arrays(
    tokens.map((name) => padded([edge, ...name])),
    tokens.map((name) => padded([...name, edge])),
  );
}

/** What a letter takes by a table of which one follows which, with each pair once more than it is. */
function bigrams(train: readonly string[], test: readonly string[]): number {
  const counts = Array.from({ length: classes }, () => new Float64Array(classes).fill(1));
  const pairs = (name: string) => {
    const tokens = [edge, ...tokensOf(name), edge];
    return tokens.slice(1).map((token, place) => [tokens[place], token]);
  };
  for (const [before, token] of train.flatMap(pairs)) counts[before][token]++;
  // Nothing is ever followed by padding.
  const totals = counts.map((row) => row.reduce((sum, count) => sum + count, 0) - row[0]);
  const judged = test.flatMap(pairs);
  const loss = judged.reduce(
    (sum, [before, token]) => sum - Math.log(counts[before][token] / totals[before]),
    0,
  );
  return loss / judged.length;
}

const devices = { device: options.device, threads: options.threads };
const criterion = { loss: sparseCategoricalCrossentropy({ fromLogits: true }), ...devices };

/** Names that the model makes up, all side by side. */
async function makeUp(model: Model): Promise<string[]> {
  if (options.samples === 0) return [];
  const prompts = Array.from({ length: options.samples }, () => [edge]);
  const tokens = generate(model, prompts, {
    ...devices,
    temperature: options.temperature,
    stop: [0, edge],
    seed: options.seed,
  });
  const rows = await lastValueFrom(tokens.pipe(toArray()));
  return prompts.map((_, sample) => {
    const own = rows.map((row) => row[sample]).filter((token) => token > edge);
    return own.map((token) => letters[token - 2]).join("");
  });
}

try {
  checkTraining(options);
  const shuffled = [...permutation(names.length, options.seed)].map((place) => names[place]);
  const tenth = Math.floor(names.length / 10);
  const test = shuffled.slice(0, tenth);
  const known = shuffled.slice(2 * tenth).slice(0, options.limit);
  const model = sequential([
    input([steps]),
    tokenAndPositionEmbedding(classes, steps, options.features, { maskZero: true }),
    ...Array.from(
      { length: options.blocks },
      () =>
        transformerDecoder(4 * options.features, options.heads, {
          dropout: options.dropout,
          activation: "gelu",
          normalizeFirst: true,
        }),
    ),
    dropout(options.dropout),
    dense(classes),
  ], { name: "transformer", seed: options.seed });
  const result = (name: string, loss: number) =>
    print("result", { model: name, names: tenth, loss, perplexity: Math.exp(loss) });
  result("bigrams", bigrams(known, test));
  const data = dataSet(known);
  const training = fit(model, data, {
    ...criterion,
    ...await fitBy(options, data, { free: ["samples", "temperature"] }),
    validation: dataSet(shuffled.slice(tenth, 2 * tenth)),
  });
  if (await completed(training)) {
    result("transformer", (await evaluate(model, dataSet(test), criterion)).loss);
    for (const name of await makeUp(model)) {
      print("sample", { name, known: names.includes(name) });
    }
  }
} catch (error) {
  Deno.exitCode = failed(error);
}
