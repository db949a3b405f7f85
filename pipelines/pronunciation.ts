/**
 * How is an English word spoken? A transformer reads a word's letters and gives its sounds: it learns
 * from the CMU Pronouncing Dictionary, and is judged by words that it has not seen.
 *
 *     deno run pipelines/pronunciation.ts
 *     deno run pipelines/pronunciation.ts --features 128 --limit 100000
 *
 * An encoder's steps attend to all letters; the decoder's attend to the sounds before them and to what
 * the encoder makes of the letters. In training each sound is guessed from the right ones before it
 * (teacher forcing); in the end the model goes on from its own, the likeliest each time. Stress is left
 * out: 39 sounds are left.
 */
import { dictionary } from "cmu-pronouncing-dictionary";
import { lastValueFrom, toArray } from "rxjs";
import {
  arrays,
  connect,
  dense,
  editDistance,
  fit,
  functional,
  generate,
  input,
  type ModelNode,
  permutation,
  sparseCategoricalCrossentropy,
  tokenAndPositionEmbedding,
  transformerDecoder,
  transformerEncoder,
} from "../mod.ts";
import { commandLine, number, wholeNumber } from "./command_line.ts";
import { completed, failed, fitBy, print } from "./reporting.ts";
import { checkTraining } from "./resuming.ts";
import { commonRecipe, trainingOptions } from "./training_options.ts";

const options = commandLine(
  `
Learns how English words are spoken; metrics go to stdout as JSON lines.

  deno run pipelines/pronunciation.ts
  deno run pipelines/pronunciation.ts --features 128 --limit 100000`,
  {
    "features": {
      value: "N",
      help: "numbers that stand for a letter or a sound",
      default: "64",
      parse: wholeNumber(1),
    },
    "blocks": {
      value: "N",
      help: "of the encoder, and of the decoder",
      default: "2",
      parse: wholeNumber(1),
    },
    "heads": { value: "N", help: "of attention in a block", default: "4", parse: wholeNumber(1) },
    "dropout": { value: "X", help: "rate in the blocks", default: "0.05", parse: number(0, 1) },
    "test": {
      value: "N",
      help: "unseen words by which it is judged",
      default: "2000",
      parse: wholeNumber(1),
    },
    ...trainingOptions(
      { ...commonRecipe, batchSize: 64 },
      { samples: "words", patience: 2, limit: 20_000, least: 10 },
    ),
  },
);

/** Words and sounds of at most so many. */
const longest = 12;

/** Sounds of an entry, without stress and remarks. */
function soundsOf(text: string): string[] {
  return text.replace(/ #.*/, "").replace(/\d/g, "").split(" ");
}

/** Words of plain letters. */
const words = Object.keys(dictionary).filter((word) =>
  /^[a-z]+$/.test(word) && word.length <= longest && soundsOf(dictionary[word]).length <= longest
);

/** All ways in which the dictionary has a word spoken: `read`, `read(2)`. */
function spoken(word: string): string[][] {
  const ways = [soundsOf(dictionary[word])];
  for (let way = 2; dictionary[`${word}(${way})`]; way++) {
    ways.push(soundsOf(dictionary[`${word}(${way})`]));
  }
  return ways;
}

/** Tokens: 0 is behind the end, 1 begins and ends a row of sounds, and sounds follow. */
const sounds = [...new Set(words.flatMap((word) => soundsOf(dictionary[word])))].sort();
const edge = 1;
const classes = sounds.length + 2;

function padded(tokens: readonly number[], length: number): number[] {
  return [...tokens, ...new Array<number>(length - tokens.length).fill(0)];
}

function lettersOf(word: string): number[] {
  return padded([...word].map((letter) => letter.charCodeAt(0) - 96), longest);
}

function tokensOf(word: string): number[] {
  return soundsOf(dictionary[word]).map((sound) => sounds.indexOf(sound) + 2);
}

/** Letters with the sounds so far, and the sounds that follow. */
function dataSet(part: readonly string[]) {
  const spoken = part.map(tokensOf);
  return arrays(
    {
      letters: part.map(lettersOf),
      sounds: spoken.map((tokens) => padded([edge, ...tokens], longest + 1)),
    },
    spoken.map((tokens) => padded([...tokens, edge], longest + 1)),
  );
}

function translator() {
  const { features, blocks, heads, dropout } = options;
  const settings = { dropout, normalizeFirst: true, activation: "gelu" } as const;
  const times = (start: ModelNode, block: (x: ModelNode) => ModelNode) =>
    Array.from({ length: blocks }).reduce<ModelNode>((x) => block(x), start);
  const embedded = (from: ModelNode, tokens: number, steps: number) =>
    connect(from, tokenAndPositionEmbedding(tokens, steps, features, { maskZero: true }));
  const inputs = { letters: input([longest]), sounds: input([longest + 1]) };
  const encoded = times(
    embedded(inputs.letters, 27, longest),
    (x) => connect(x, transformerEncoder(4 * features, heads, settings)),
  );
  const decoded = times(
    embedded(inputs.sounds, classes, longest + 1),
    (x) => connect([x, encoded], transformerDecoder(4 * features, heads, settings)),
  );
  return functional({
    inputs,
    outputs: connect(decoded, dense(classes)),
    name: "translator",
    seed: options.seed,
  });
}

const devices = { device: options.device, threads: options.threads };

/** What the model makes of words, the likeliest sound each time. */
async function speak(
  model: ReturnType<typeof translator>,
  part: readonly string[],
): Promise<string[][]> {
  const letters = {
    data: Float32Array.from(part.flatMap(lettersOf)),
    shape: [part.length, longest],
  };
  const tokens = generate(model, part.map(() => [edge]), {
    ...devices,
    inputs: { letters },
    temperature: 0,
    stop: [0, edge],
  });
  const rows = await lastValueFrom(tokens.pipe(toArray()), { defaultValue: [] });
  return part.map((_, place) =>
    rows.map((row) => row[place]).filter((token) => token > edge).map((token) => sounds[token - 2])
  );
}

try {
  checkTraining(options);
  const shuffled = [...permutation(words.length, options.seed)].map((place) => words[place]);
  const test = shuffled.slice(0, options.test);
  const validation = shuffled.slice(options.test, 2 * options.test);
  const known = shuffled.slice(2 * options.test).slice(0, options.limit);
  const model = translator();
  const data = dataSet(known);
  const training = fit(model, data, {
    loss: sparseCategoricalCrossentropy({ fromLogits: true }),
    ...await fitBy(options, data),
    validation: dataSet(validation),
  });
  if (await completed(training)) {
    const judged = (await speak(model, test)).map((found, place) => {
      // Of several ways to speak a word, the nearest.
      const ways = spoken(test[place])
        .map((way) => ({ wrong: editDistance(found, way), sounds: way }))
        .sort((a, b) => a.wrong - b.wrong);
      return { word: test[place], found, ...ways[0] };
    });
    const total = (value: (one: typeof judged[number]) => number) =>
      judged.reduce((sum, one) => sum + value(one), 0);
    print("result", {
      model: "translator",
      words: test.length,
      phoneme_error_rate: total(({ wrong }) => wrong) / total(({ sounds }) => sounds.length),
      word_error_rate: total(({ wrong }) => Number(wrong > 0)) / test.length,
    });
    for (const { word, found, sounds } of judged.slice(0, 8)) {
      print("sample", { word, spoken: found.join(" "), expected: sounds.join(" ") });
    }
  }
} catch (error) {
  Deno.exitCode = failed(error);
}
