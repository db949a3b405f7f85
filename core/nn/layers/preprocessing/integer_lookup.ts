import { ShapeError } from "../../../graph/errors.ts";
import type { Shape } from "../../../graph/shape.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { add } from "../../../ops/add.ts";
import { cast } from "../../../ops/cast.ts";
import { div } from "../../../ops/div.ts";
import { tensor } from "../../../ops/eager.ts";
import { equal } from "../../../ops/equal.ts";
import { mul } from "../../../ops/mul.ts";
import { reshape } from "../../../ops/reshape.ts";
import { floor } from "../../../ops/round.ts";
import { sub } from "../../../ops/sub.ts";
import { sum } from "../../../ops/sum.ts";
import {
  averageFrequency,
  checkVocabulary,
  fitVocabulary,
  type LookupMode,
  lookupModes,
} from "../../../state/vocabulary.ts";
import { checkMode, encodedShape, encodeIds } from "./encode_ids.ts";
import { type AdaptableLayer, readSamples } from "./samples.ts";

/** Options of {@link integerLookup}. */
export interface IntegerLookupOptions {
  /** The known integers, each once, without those for unknown and mask. */
  readonly vocabulary?: readonly number[];
  /** Most ids there may be, those for unknown and mask included; default no limit. */
  readonly maxTokens?: number;
  /** How many ids there are for unknown integers; default 1. With 0 an unknown one is −1. */
  readonly numOovIndices?: number;
  /** The integer that means nothing is there: id 0 with `int`, left out elsewhere; default none. */
  readonly maskToken?: number;
  /** `int` for ids, or `oneHot`, `multiHot`, `count` or `tfIdf` of them; default `int`. */
  readonly outputMode?: LookupMode;
  /** Inverse document frequency of each integer of the vocabulary, for `tfIdf`. */
  readonly idfWeights?: readonly number[];
  /** Whether rows have `maxTokens` columns though there are fewer ids; default false. */
  readonly padToMaxTokens?: boolean;
  /** Name; default `integer_lookup_1` and so on in the model. */
  readonly name?: string;
  /** Shape of the inputs without the batch, for a first layer. */
  readonly inputShape?: Shape;
}

/** Largest integer that float32 holds with all below it. */
const largest = 2 ** 24;

/**
 * Turns integers, such as postcodes or product numbers, into ids from 0.
 *
 * With `int`: the mask's id, if there is one, is 0; unknown integers have the next (with several, x
 * modulo their number chooses); then come those of the vocabulary in their order. In the other modes
 * there is no id for the mask. `adapt(samples)` gives the layer with the integers of samples, the
 * frequent first and the larger first among equals; its options hold them, so that
 * {@link modelToJson} keeps them with the model.
 *
 * @param options Vocabulary, number of ids for the unknown, mask, output mode.
 * @returns A layer without weights: with `int` from `[batch, ...]` to the same shape, float32, else
 * as {@link categoryEncoding}, and `tfIdf` the counts times the inverse document frequencies. A
 * look-up compares with the whole vocabulary: up to some thousands.
 * @throws {RangeError} when an option is out of range, or an integer stands twice in the vocabulary
 * or is beyond ±2^24.
 *
 * @example
 * ```ts
 * import { input, integerLookup, predict, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const layer = integerLookup().adapt([[12, 1138, 42], [42, 1000, 36]]);
 * assert.deepEqual(layer.config?.vocabulary, [42, 1138, 1000, 36, 12]);
 * const model = sequential([input([3]), layer]);
 * const inputs = { data: Float32Array.of(1138, 42, 7), shape: [1, 3] };
 * const { data } = await predict(model, inputs, { device: "cpu", threads: 1 });
 * assert.deepEqual([...data], [2, 1, 0]);
 * ```
 *
 * Keras: `IntegerLookup`, which refuses unknown integers where `numOovIndices` is 0, and has
 * `invert`.
 */
export function integerLookup(options: IntegerLookupOptions = {}): AdaptableLayer {
  const { vocabulary, numOovIndices = 1, outputMode = "int", maskToken } = options;
  checkMode("integerLookup", outputMode, lookupModes);
  checkVocabulary("integerLookup", options, outputMode === "int" && maskToken !== undefined);
  for (const token of vocabulary ?? []) checkInteger("a token of its vocabulary", token);
  checkInteger("its maskToken", maskToken ?? 0);
  const table = vocabulary && tableOf(options);
  return {
    type: "IntegerLookup",
    name: options.name ?? "",
    inputShape: options.inputShape,
    config: { ...options },
    init(given) {
      if (!table) {
        throw new ShapeError(
          `expected a vocabulary before the model is made, got none (give it, or the layer that ` +
            `adapt(samples) gives)`,
        );
      }
      const mode = outputMode === "tfIdf" ? "count" : outputMode;
      const outputShape = mode === "int" ? given : encodedShape(given, table.depth, mode);
      return { outputShape, parameters: [] };
    },
    apply(_parameters, x) {
      const ids = idsOf(cast(x, "f32"), table!, numOovIndices);
      if (outputMode === "int") return ids;
      const mode = outputMode === "tfIdf" ? "count" : outputMode;
      return encodeIds(ids, table!.depth, mode, table!.weights);
    },
    adapt(samples) {
      const { values, shape } = readSamples("integerLookup", samples);
      for (const value of values) checkInteger("a value of its data", value);
      const size = values.length / shape[0];
      const documents = Array.from(
        { length: shape[0] },
        (_, row) =>
          [...values.subarray(row * size, row * size + size)].filter((token) =>
            token !== maskToken
          ),
      );
      const special = numOovIndices + Number(outputMode === "int" && maskToken !== undefined);
      const found = fitVocabulary(documents, (options.maxTokens ?? Infinity) - special);
      return integerLookup({
        ...options,
        vocabulary: found.vocabulary,
        ...(outputMode === "tfIdf" && { idfWeights: found.idfWeights }),
      });
    },
  };
}

function checkInteger(what: string, value: number): void {
  if (Number.isInteger(value) && Math.abs(value) <= largest) return;
  throw new RangeError(
    `Cannot use integerLookup as ${what} must be a whole number from -16777216 to 16777216: ` +
      `received ${value}`,
  );
}

interface LookupTable {
  /** The integers, `[n]`. */
  readonly tokens: Tensor;
  /** Their ids, `[n]`. */
  readonly ids: Tensor;
  /** First id of the unknown. */
  readonly firstUnknown: number;
  /** Number of columns. */
  readonly depth: number;
  /** Factors of the columns. */
  readonly weights?: Tensor;
}

function tableOf(options: IntegerLookupOptions): LookupTable {
  const { vocabulary = [], numOovIndices = 1, maskToken, outputMode = "int", idfWeights } = options;
  const masked = maskToken !== undefined;
  // In rows of columns the mask has no column: −1 counts nowhere.
  const maskId = outputMode === "int" ? 0 : -1;
  const firstUnknown = masked && outputMode === "int" ? 1 : 0;
  const start = firstUnknown + numOovIndices;
  const ids = vocabulary.map((_, place) => start + place);
  const size = start + vocabulary.length;
  const depth = options.padToMaxTokens ? options.maxTokens ?? size : size;
  const tokens = masked ? [maskToken, ...vocabulary] : [...vocabulary];
  if (depth > largest) {
    throw new RangeError(
      `Cannot make integerLookup as its ids, whole numbers in float32, must be below ${largest}: ` +
        `received ${depth} by maxTokens or numOovIndices`,
    );
  }
  const weights = outputMode === "tfIdf" && idfWeights
    ? new Float32Array(depth).fill(averageFrequency(idfWeights), 0, start)
    : undefined;
  weights?.set(idfWeights!, start);
  return {
    tokens: tensor(tokens, { shape: [tokens.length] }),
    ids: tensor(masked ? [maskId, ...ids] : ids, { shape: [tokens.length] }),
    firstUnknown,
    depth,
    ...(weights && { weights: tensor(weights) }),
  };
}

function idsOf(x: Tensor, { tokens, ids, firstUnknown }: LookupTable, unknownIds: number): Tensor {
  const same = cast(equal(reshape(x, [...x.shape, 1]), tokens), "f32");
  const known = sum(same, x.rank);
  const unknown = unknownIds === 0
    ? -1
    : unknownIds === 1
    ? firstUnknown
    : add(sub(x, mul(floor(div(x, unknownIds)), unknownIds)), firstUnknown);
  return add(sum(mul(same, ids), x.rank), mul(sub(1, known), unknown));
}
