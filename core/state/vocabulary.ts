import { DataError } from "../graph/errors.ts";

/** What a look-up may give for the ids of tokens. */
export const lookupModes: readonly LookupMode[] = ["int", "oneHot", "multiHot", "count", "tfIdf"];

/**
 * `int`: the ids. `oneHot`: a row with a single 1 for each. `multiHot`: a row for a sample, 1 where an
 * id occurs. `count`: how often it occurs. `tfIdf`: that times the inverse document frequency.
 */
export type LookupMode = "int" | "oneHot" | "multiHot" | "count" | "tfIdf";

/** Options of a look-up in which the vocabulary takes part. */
export interface VocabularyOptions<Token> {
  /** The known tokens, each once. */
  readonly vocabulary?: readonly Token[];
  /** Most ids there may be. */
  readonly maxTokens?: number;
  /** How many ids there are for unknown tokens; default 1. */
  readonly numOovIndices?: number;
  /** What ids become. */
  readonly outputMode?: LookupMode;
  /** Inverse document frequency of each token. */
  readonly idfWeights?: readonly number[];
  /** Whether rows have `maxTokens` columns. */
  readonly padToMaxTokens?: boolean;
}

/** The tokens of documents. */
export interface FittedVocabulary<Token> {
  /** The frequent first; among equals the one that sorts last. */
  readonly vocabulary: Token[];
  /** ln(1 + documents / (1 + documents with the token)). */
  readonly idfWeights: number[];
}

/**
 * The vocabulary of documents, as Keras orders it.
 *
 * @param documents The tokens of each document.
 * @param size Most tokens, the frequent ones being kept; default all.
 */
export function fitVocabulary<Token extends string | number>(
  documents: readonly (readonly Token[])[],
  size = Infinity,
): FittedVocabulary<Token> {
  const counts = new Map<Token, { tokens: number; documents: number }>();
  for (const document of documents) {
    for (const token of document) {
      const count = counts.get(token) ?? { tokens: 0, documents: 0 };
      counts.set(token, { ...count, tokens: count.tokens + 1 });
    }
    for (const token of new Set(document)) counts.get(token)!.documents++;
  }
  const kept = [...counts].sort(([a, { tokens: m }], [b, { tokens: n }]) =>
    n - m || (a < b ? 1 : -1)
  ).slice(0, Math.max(size, 0));
  if (kept.length === 0) {
    throw new DataError(
      `Cannot adapt a look-up as it needs a token or more: received ${counts.size} in ` +
        `${documents.length} samples, of which ${Math.max(size, 0)} may be kept`,
    );
  }
  return {
    vocabulary: kept.map(([token]) => token),
    idfWeights: kept.map(([, count]) => Math.log(1 + documents.length / (1 + count.documents))),
  };
}

/** The weight of the ids for unknown tokens: the average, as in Keras. */
export function averageFrequency(idfWeights: readonly number[]): number {
  return idfWeights.reduce((sum, weight) => sum + weight / idfWeights.length, 0);
}

/**
 * Refuses options of a look-up that do not go together.
 *
 * @param name The look-up, for messages.
 * @param options Its options.
 * @param masked Whether an id is taken by the mask.
 * @throws {RangeError} at the first that is wrong.
 */
export function checkVocabulary<Token extends string | number>(
  name: string,
  options: VocabularyOptions<Token>,
  masked: boolean,
): void {
  const { vocabulary, maxTokens, numOovIndices = 1, outputMode = "int", idfWeights } = options;
  const fail = (what: string, received: unknown) =>
    new RangeError(`Cannot make ${name} as ${what}: received ${received}`);
  if (!Number.isSafeInteger(numOovIndices) || numOovIndices < 0) {
    throw fail("numOovIndices must be a whole number from 0", numOovIndices);
  }
  const special = numOovIndices + Number(masked);
  if (maxTokens !== undefined && !(Number.isSafeInteger(maxTokens) && maxTokens > special)) {
    throw fail(`maxTokens must be a whole number above ${special}, the ids of no token`, maxTokens);
  }
  if (options.padToMaxTokens && (maxTokens === undefined || outputMode === "int")) {
    throw fail(
      "padToMaxTokens needs maxTokens, and another outputMode than int",
      `${maxTokens} and ${outputMode}`,
    );
  }
  if (idfWeights !== undefined && outputMode !== "tfIdf") {
    throw fail(`idfWeights are for the outputMode tfIdf`, outputMode);
  }
  if (vocabulary === undefined) return;
  if (new Set(vocabulary).size !== vocabulary.length) {
    const twice = vocabulary.find((token, place) => vocabulary.indexOf(token) !== place);
    throw fail("each token of the vocabulary must stand there once", `${twice} twice`);
  }
  if (vocabulary.length === 0) throw fail("a vocabulary holds one token or more", "none");
  if (maxTokens !== undefined && vocabulary.length > maxTokens - special) {
    throw fail(`maxTokens leaves room for ${maxTokens - special} tokens`, vocabulary.length);
  }
  if (outputMode === "tfIdf" && idfWeights?.length !== vocabulary.length) {
    throw fail(
      `tfIdf needs one of idfWeights for each of the ${vocabulary.length} tokens`,
      idfWeights?.length ?? "none",
    );
  }
}
