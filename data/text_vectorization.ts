import type { EncodedStrings } from "./encode_rows.ts";
import { largest } from "./largest.ts";
import { stringLookup, type StringLookupOptions } from "./string_lookup.ts";

/** What is done to a text before it is split. */
export type TextStandardization =
  | "lowerAndStripPunctuation"
  | "lower"
  | "stripPunctuation"
  | "none";

/** Options of {@linkcode textVectorization}: its whole state, in plain JSON. */
export interface TextVectorizationOptions
  extends Omit<StringLookupOptions, "maskToken" | "oovToken" | "numOovIndices"> {
  /** What is done to a text first; default `lowerAndStripPunctuation`. */
  readonly standardize?: TextStandardization;
  /** Where it is split into tokens; with `none` a text is one token; default `whitespace`. */
  readonly split?: "whitespace" | "character" | "none";
  /** n for all runs of 1 to n tokens, or the lengths of runs; default single tokens alone. */
  readonly ngrams?: number | readonly number[];
  /** With `int`: sequences are cut or padded with 0 to that; default as long as the longest. */
  readonly outputSequenceLength?: number;
}

/** What {@linkcode textVectorization} gives. */
export interface TextVectorization {
  /** Its options, the vocabulary among them: `textVectorization(config)` is the same again. */
  readonly config: TextVectorizationOptions;
  /** The token of each id: with `int`, 0 is padding and 1 the unknown, else 0 is the unknown. */
  readonly tokens: readonly string[];
  /** The vectorization with the vocabulary of texts; this one stays as it is. */
  adapt(texts: readonly string[]): TextVectorization;
  /** Numbers for texts. */
  apply(texts: readonly string[]): EncodedStrings;
}

/** Keras's punctuation. */
const punctuation = /[!"#$%&()*+,\-./:;<=>?@[\\\]^_`{|}~']/g;

/**
 * Turns texts into numbers, on the host, before a data set is made.
 *
 * A text is standardised, split into tokens, the tokens joined to n-grams, and these looked up. With
 * `int` that gives sequences of ids, `[texts, length]`, 0 for padding and 1 for the unknown; with
 * `multiHot`, `count` or `tfIdf` a row a text, `[texts, ids]`, whose first column is the unknown.
 *
 * @param options Standardisation, split, n-grams, output mode, most ids, length of sequences.
 * @returns The vectorization; its `config` is plain JSON.
 * @throws {RangeError} If options do not go together.
 * @throws {DataError} By `apply`, if there is no vocabulary yet.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { textVectorization } from "@millrace/millrace";
 *
 * const texts = ["Foo, bar!", "Bar baz."];
 * const vectorization = textVectorization({ outputSequenceLength: 3 }).adapt(texts);
 * assert.deepEqual(vectorization.tokens, ["", "[UNK]", "bar", "foo", "baz"]);
 * assert.deepEqual([...vectorization.apply(["foo qux bar baz", "baz"]).data], [3, 1, 2, 4, 0, 0]);
 * ```
 *
 * Keras: `TextVectorization`; what is a function or `None` there has a name here, as state is JSON.
 */
export function textVectorization(options: TextVectorizationOptions = {}): TextVectorization {
  const { outputMode = "int", outputSequenceLength: length, ngrams } = options;
  const { standardize = "lowerAndStripPunctuation", split = "whitespace" } = options;
  checkName("standardize", standardize, [
    "lowerAndStripPunctuation",
    "lower",
    "stripPunctuation",
    "none",
  ]);
  checkName("split", split, ["whitespace", "character", "none"]);
  if (outputMode as string === "oneHot") {
    throw new RangeError(
      "Cannot make textVectorization as outputMode must be one of int, multiHot, count, tfIdf: " +
        'received "oneHot"',
    );
  }
  if (length !== undefined && (outputMode !== "int" || !(Number.isInteger(length) && length > 0))) {
    throw new RangeError(
      `Cannot make textVectorization as outputSequenceLength must be a whole number from 1, and ` +
        `outputMode int: received ${length} and ${outputMode}`,
    );
  }
  const lengths = runLengths(ngrams);
  const { standardize: _, split: __, ngrams: ___, outputSequenceLength: ____, ...rest } = options;
  const lookup = stringLookup({ ...rest, maskToken: "" });
  const tokensOf = (text: string) =>
    joinRuns(splitText(standardise(text, standardize), split), lengths);
  return {
    config: { ...options },
    tokens: lookup.tokens,
    adapt(texts) {
      const { vocabulary, idfWeights } = lookup.adapt(texts.map(tokensOf)).config;
      return textVectorization({ ...options, vocabulary, ...(idfWeights && { idfWeights }) });
    },
    apply(texts) {
      const rows = texts.map(tokensOf);
      if (outputMode !== "int") return lookup.apply(rows);
      const longest = length ?? largest(rows.map((row) => row.length), 1);
      return lookup.apply(
        rows.map((row) => Array.from({ length: longest }, (_, place) => row[place] ?? "")),
      );
    },
  };
}

function checkName(option: string, name: string, names: readonly string[]): void {
  if (names.includes(name)) return;
  throw new RangeError(
    `Cannot make textVectorization as ${option} must be one of ${names.join(", ")}: received ` +
      JSON.stringify(name),
  );
}

function standardise(text: string, how: TextStandardization): string {
  const lower = how === "lower" || how === "lowerAndStripPunctuation" ? text.toLowerCase() : text;
  return how === "stripPunctuation" || how === "lowerAndStripPunctuation"
    ? lower.replace(punctuation, "")
    : lower;
}

function splitText(text: string, where: "whitespace" | "character" | "none"): string[] {
  if (where === "none") return [text];
  // By code points, so that no character is cut in two.
  return where === "character" ? [...text] : text.split(/\s+/).filter((token) => token !== "");
}

function runLengths(ngrams: number | readonly number[] | undefined): readonly number[] {
  const given = [ngrams ?? 1].flat();
  if (given.length > 0 && given.every((n) => Number.isSafeInteger(n) && n >= 1)) {
    return typeof ngrams === "number" ? Array.from({ length: ngrams }, (_, at) => at + 1) : given;
  }
  throw new RangeError(
    `Cannot make textVectorization as ngrams must be whole numbers from 1: received ${ngrams}`,
  );
}

/** All runs of tokens of each length, with blanks between them. */
function joinRuns(tokens: readonly string[], lengths: readonly number[]): string[] {
  if (lengths.length === 1 && lengths[0] === 1) return [...tokens];
  return lengths.flatMap((length) =>
    tokens.slice(length - 1).map((_, place) => tokens.slice(place, place + length).join(" "))
  );
}
