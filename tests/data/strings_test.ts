/** Strings and texts as numbers: Keras's documented examples, hand tables, formulas in float64. */
import assert from "node:assert/strict";
import { arrays, DataError, type LookupMode, stringLookup, textVectorization } from "../../mod.ts";
import { assertClose } from "../core/nn/close.ts";

const vocabulary = ["a", "b", "c", "d"];

Deno.test("stringLookup gives what Keras documents, in every mode", () => {
  const tables: [LookupMode, string[] | string[][], number[], number[]][] = [
    ["int", [["a", "c", "d"], ["d", "z", "b"]], [2, 3], [1, 3, 4, 4, 0, 2]],
    ["oneHot", ["a", "b", "c", "d", "z"], [5, 5], [
      ...[0, 1, 0, 0, 0],
      ...[0, 0, 1, 0, 0],
      ...[0, 0, 0, 1, 0],
      ...[0, 0, 0, 0, 1],
      ...[1, 0, 0, 0, 0],
    ]],
    ["multiHot", [["a", "c", "d", "d"], ["d", "z", "b", "z"]], [2, 5], [
      ...[0, 1, 0, 1, 1],
      ...[1, 0, 1, 0, 1],
    ]],
    ["count", [["a", "c", "d", "d"], ["d", "z", "b", "z"]], [2, 5], [
      ...[0, 1, 0, 1, 2],
      ...[2, 0, 1, 0, 1],
    ]],
    // Lists of any length become one row each.
    ["count", [["a"], [], ["b", "b"]], [3, 5], [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0]],
  ];
  for (const [outputMode, values, shape, data] of tables) {
    const given = stringLookup({ vocabulary, outputMode }).apply(values);
    assert.deepEqual(given.shape, shape, outputMode);
    assert.deepEqual([...given.data], data, outputMode);
  }
  const idfWeights = [0.25, 0.75, 0.6, 0.4];
  const tfIdf = stringLookup({ vocabulary, outputMode: "tfIdf", idfWeights });
  const { data } = tfIdf.apply([["a", "c", "d", "d"], ["d", "z", "b", "z"]]);
  assertClose(data, [0, 0.25, 0, 0.6, 0.8, 1.0, 0, 0.75, 0, 0.4], 1e-6);
});

Deno.test("stringLookup: mask, two ids for the unknown, tokens of ids, data set", () => {
  const lookup = stringLookup({ vocabulary, maskToken: "", numOovIndices: 2 });
  assert.deepEqual(lookup.tokens, ["", "[UNK]", "[UNK]", "a", "b", "c", "d"]);
  const { data } = lookup.apply([["", "a", "unseen", "another", "d"]]);
  assert.deepEqual([data[0], data[1], data[4]], [0, 3, 6]);
  assert([1, 2].includes(data[2]) && [1, 2].includes(data[3]));
  // Among many unknown strings both ids are used about as often.
  const unknown = Array.from({ length: 1000 }, (_, i) => `word ${i}`);
  const first = lookup.apply(unknown).data.filter((id) => id === 1).length;
  assert(first > 400 && first < 600, `${first}`);
  assert.deepEqual(lookup.invert([0, 3, 2, 99]), ["", "a", "[UNK]", "[UNK]"]);
  const masked = stringLookup({ vocabulary, maskToken: "", outputMode: "count" });
  assert.deepEqual([...masked.apply([["", "a", "", "z"]]).data], [1, 1, 0, 0, 0]);
  const { x } = arrays(lookup.apply(["a", "b"]).data, [0, 1]);
  assert.deepEqual([x.shape, [...x.data]], [[2, 1], [3, 4]]);
});

Deno.test("stringLookup learns words and inverse document frequencies, and keeps them as JSON", () => {
  const documents = [["the", "cat", "the"], ["the", "dog"], ["a", "cat"]];
  const lookup = stringLookup({ outputMode: "tfIdf", maxTokens: 4 }).adapt(documents);
  assert.deepEqual(lookup.tokens, ["[UNK]", "the", "cat", "dog"]);
  const idf = [2, 2, 1].map((found) => Math.log(1 + 3 / (1 + found)));
  assertClose(lookup.config.idfWeights!, idf, 1e-12);
  const again = stringLookup(JSON.parse(JSON.stringify(lookup.config)));
  const { data } = again.apply([["the", "the", "a"]]);
  assertClose(data, [(idf[0] + idf[1] + idf[2]) / 3, 2 * idf[0], 0, 0], 1e-6);
  assert.deepEqual(stringLookup().tokens, ["[UNK]"], "the first one learnt nothing");
});

Deno.test("textVectorization: what is done to a text, step by step", () => {
  const text = "It's 3-4 O'CLOCK,\tsaid  Ann: \"a_b\" [ünï]!";
  const tokens = (options: Parameters<typeof textVectorization>[0]) =>
    textVectorization({ ...options, outputMode: "count" }).adapt([text]).tokens.slice(1).sort();
  assert.deepEqual(tokens({}), ["34", "ab", "ann", "its", "oclock", "said", "ünï"]);
  assert.deepEqual(tokens({ standardize: "lower" }), [
    ...['"a_b"', "3-4", "[ünï]!", "ann:", "it's", "o'clock,", "said"],
  ]);
  assert.deepEqual(tokens({ standardize: "stripPunctuation" }), [
    ...["34", "Ann", "Its", "OCLOCK", "ab", "said", "ünï"],
  ]);
  assert.deepEqual(tokens({ standardize: "none", split: "none" }), [text]);
  assert.deepEqual(
    textVectorization({ split: "character", outputMode: "count" }).adapt(["ab😀 a"]).tokens,
    ["[UNK]", "a", "😀", "b", " "],
  );
});

Deno.test("textVectorization: n-grams, sequences padded and cut, modes of rows", () => {
  const texts = ["a b c", "c a"];
  const bigrams = textVectorization({ ngrams: 2, outputMode: "count" }).adapt(texts);
  assert.deepEqual(bigrams.tokens.toSorted(), ["[UNK]", "a", "a b", "b", "b c", "c", "c a"]);
  const only = textVectorization({ ngrams: [2], vocabulary: ["a b", "b c"] });
  assert.deepEqual([...only.apply(["a b c d"]).data], [2, 3, 1]);
  const ids = { vocabulary: ["a", "b", "c"] };
  const free = textVectorization(ids).apply([...texts, ""]);
  assert.deepEqual([free.shape, [...free.data]], [[3, 3], [2, 3, 4, 4, 2, 0, 0, 0, 0]]);
  const cut = textVectorization({ ...ids, outputSequenceLength: 2 }).apply(texts);
  assert.deepEqual([cut.shape, [...cut.data]], [[2, 2], [2, 3, 4, 2]]);
  const rows = textVectorization({
    ...ids,
    outputMode: "multiHot",
    maxTokens: 6,
    padToMaxTokens: true,
  }).apply(["c c x"]);
  assert.deepEqual([rows.shape, [...rows.data]], [[1, 6], [1, 0, 0, 1, 0, 0]]);
  const kept = textVectorization({ maxTokens: 4 }).adapt(["b b b a a c"]);
  assert.deepEqual(kept.tokens, ["", "[UNK]", "b", "a"]);
  const again = textVectorization(JSON.parse(JSON.stringify(kept.config)));
  assert.deepEqual([...again.apply(["a b c"]).data], [3, 2, 1]);
});

Deno.test("wrong options and strings are refused", () => {
  const refused: [() => unknown, RegExp][] = [
    [() => stringLookup({ outputMode: "tf_idf" as "tfIdf" }), /one of int, .*received "tf_idf"/],
    [() => stringLookup({ vocabulary: ["a", "a"] }), /stand there once: received a twice/],
    [() => stringLookup({ numOovIndices: 0.5 }), /numOovIndices .* received 0.5/],
    [() => textVectorization({ split: "words" as "none" }), /split must be one of .*"words"/],
    [() => textVectorization({ standardize: null as unknown as "none" }), /standardize .* null/],
    [() => textVectorization({ ngrams: 0 }), /ngrams must be whole numbers from 1: received 0/],
    [() => textVectorization({ ngrams: 1.5 }), /ngrams must be whole numbers .*: received 1.5/],
    [() => textVectorization({ outputSequenceLength: 0 }), /outputSequenceLength .* received 0/],
    [() => textVectorization({ outputMode: "oneHot" }), /one of int, multiHot, count, tfIdf/],
  ];
  for (const [make, message] of refused) {
    assert.throws(
      make,
      (error: Error) => error instanceof RangeError && message.test(error.message),
    );
  }
  const bad: [() => unknown, RegExp][] = [
    [() => stringLookup().apply(["a"]), /there is no vocabulary/],
    [() => stringLookup().adapt([]), /needs a token or more/],
    [() => stringLookup({ vocabulary, numOovIndices: 0 }).apply(["z"]), /"z" as it is not in/],
    [() => stringLookup({ vocabulary }).apply([["a"], ["a", "b"]]), /2 strings in sample 1 and 1/],
  ];
  for (const [apply, message] of bad) {
    assert.throws(
      apply,
      (error: Error) => error instanceof DataError && message.test(error.message),
    );
  }
});

Deno.test("unknown strings are hashed by FNV-1a, so that they keep their numbers", () => {
  // Source: the test vectors of draft-eastlake-fnv, 32 bits.
  const known = { "": 0x811c9dc5, a: 0xe40c292c, foobar: 0xbf9cf968 };
  const lookup = stringLookup({ vocabulary: ["b"], numOovIndices: 1000 });
  const expected = Object.values(known).map((hash) => hash % 1000);
  assert.deepEqual([...lookup.apply(Object.keys(known)).data], expected);
});
