import { DataError } from "../core/graph/errors.ts";
import {
  averageFrequency,
  checkVocabulary,
  fitVocabulary,
  lookupModes,
  type VocabularyOptions,
} from "../core/state/vocabulary.ts";
import { type EncodedStrings, encodeRows, listsOf, type Strings } from "./encode_rows.ts";

/** Options of {@linkcode stringLookup}: its whole state, in plain JSON. */
export interface StringLookupOptions extends VocabularyOptions<string> {
  /** The string that means nothing is there: id 0 with `int`, left out elsewhere; default none. */
  readonly maskToken?: string;
  /** What stands for the unknown where ids become tokens again; default `"[UNK]"`. */
  readonly oovToken?: string;
}

/** What {@linkcode stringLookup} gives. */
export interface StringLookup {
  /** Its options, the vocabulary among them: `stringLookup(config)` is the same again. */
  readonly config: StringLookupOptions;
  /** The token of each id; `oovToken` for those of the unknown. */
  readonly tokens: readonly string[];
  /** The look-up with the vocabulary of samples; this one stays as it is. */
  adapt(values: Strings): StringLookup;
  /** Numbers for samples. */
  apply(values: Strings): EncodedStrings;
  /** The tokens of ids. */
  invert(ids: ArrayLike<number>): string[];
}

/**
 * Turns strings into numbers, on the host, before a data set is made: no string reaches a device.
 *
 * With `int`: the mask's id, if there is one, is 0; unknown strings have the next (with several, a
 * hash chooses); then come those of the vocabulary in their order. In the other modes there is no id
 * for the mask, and rows have a column an id. `adapt(values)` gives the look-up with the strings of
 * samples, the frequent first and, among equals, the one that sorts last first.
 *
 * Samples are a string each, or a list of strings each. `int`: `[samples, n]`. `oneHot`: `[samples,
 * n, ids]`, without n where it is 1. `multiHot`, `count`, `tfIdf`: `[samples, ids]`, of lists of any
 * length.
 *
 * @param options Vocabulary, most ids, ids for the unknown, mask, output mode.
 * @returns The look-up; its `config` is plain JSON.
 * @throws {RangeError} If options do not go together, or a token stands twice in the vocabulary.
 * @throws {DataError} By `apply`, if there is no vocabulary yet, lists differ in length where they
 * must not, or a string is unknown and `numOovIndices` is 0.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { stringLookup } from "@millrace/millrace";
 *
 * // The example of Keras's documentation.
 * const lookup = stringLookup().adapt([["a", "c", "d"], ["d", "z", "b"]]);
 * assert.deepEqual(lookup.tokens, ["[UNK]", "d", "z", "c", "b", "a"]);
 * const { data, shape } = lookup.apply([["a", "c", "d"], ["d", "z", "m"]]);
 * assert.deepEqual([...data], [5, 3, 1, 1, 2, 0]);
 * assert.deepEqual(shape, [2, 3]);
 * assert.deepEqual(stringLookup(JSON.parse(JSON.stringify(lookup.config))).tokens, lookup.tokens);
 * ```
 *
 * Keras: `StringLookup`, with another hash (FarmHash; here FNV-1a) for several unknown ids.
 */
export function stringLookup(options: StringLookupOptions = {}): StringLookup {
  const { vocabulary = [], numOovIndices = 1, outputMode = "int", maskToken } = options;
  if (!lookupModes.includes(outputMode)) {
    throw new RangeError(
      `Cannot make stringLookup as outputMode must be one of ${lookupModes.join(", ")}: received ` +
        JSON.stringify(outputMode),
    );
  }
  const masked = outputMode === "int" && maskToken !== undefined;
  checkVocabulary("stringLookup", options, masked);
  const special = Number(masked) + numOovIndices;
  const unknown = Array<string>(numOovIndices).fill(options.oovToken ?? "[UNK]");
  const tokens = [...(masked ? [maskToken] : []), ...unknown, ...vocabulary];
  const ids = new Map(vocabulary.map((token, place) => [token, special + place]));
  if (maskToken !== undefined) ids.set(maskToken, masked ? 0 : -1);
  const idOf = (token: string, row: number): number => {
    const id = ids.get(token);
    if (id !== undefined) return id;
    if (numOovIndices === 0) {
      throw new DataError(
        `Cannot look up ${
          JSON.stringify(token)
        } as it is not in the vocabulary and numOovIndices ` +
          `is 0: received it in sample ${row}`,
        { row: row + 1 },
      );
    }
    return Number(masked) + (numOovIndices === 1 ? 0 : hashOf(token) % numOovIndices);
  };
  const width = options.padToMaxTokens ? options.maxTokens ?? tokens.length : tokens.length;
  return {
    config: { ...options },
    tokens,
    adapt(values) {
      const documents = listsOf(values).map((list) => list.filter((token) => token !== maskToken));
      const found = fitVocabulary(documents, (options.maxTokens ?? Infinity) - special);
      return stringLookup({
        ...options,
        vocabulary: found.vocabulary,
        ...(outputMode === "tfIdf" && { idfWeights: found.idfWeights }),
      });
    },
    apply(values) {
      if (options.vocabulary === undefined) {
        throw new DataError(
          `Cannot look up strings as there is no vocabulary: give one, or the look-up that ` +
            `adapt(values) gives`,
        );
      }
      const rows = listsOf(values).map((list, row) => list.map((token) => idOf(token, row)));
      const weights = options.idfWeights &&
        [...Array(special).fill(averageFrequency(options.idfWeights)), ...options.idfWeights];
      return encodeRows("look up", "strings", rows, outputMode, width, weights);
    },
    invert: (given) => Array.from(given, (id) => tokens[id] ?? options.oovToken ?? "[UNK]"),
  };
}

/** FNV-1a over UTF-16 units, 32 bits. */
function hashOf(token: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < token.length; i++) {
    hash = Math.imul(hash ^ token.charCodeAt(i), 0x01000193);
  }
  return hash >>> 0;
}
