import type { LookupMode } from "../core/state/vocabulary.ts";
import { type EncodedStrings, encodeRows, listsOf } from "./encode_rows.ts";
import { farmHash64 } from "./farm_hash.ts";
import { sipHash64 } from "./sip_hash.ts";

/** What {@linkcode hashing} can give. */
export type HashingMode = Exclude<LookupMode, "tfIdf">;

/** Options of {@linkcode hashing}. */
export interface HashingOptions {
  /** The string or integer that means nothing is there: it has bin 0 for itself; default none. */
  readonly maskValue?: string | number;
  /**
   * A whole number from 0, or two of them, that makes other bins of the same strings; default none.
   */
  readonly salt?: number | readonly number[];
  /** `int` (default), `oneHot`, `multiHot` or `count`. */
  readonly outputMode?: HashingMode;
}

/** Samples of strings or whole numbers: one each, or a list each. */
export type HashedValues =
  | readonly (string | number)[]
  | readonly (readonly (string | number)[])[];

/** What {@linkcode hashing} gives. */
export interface Hashing {
  /** Its options: `hashing(config.numBins, config)` is the same again. */
  readonly config: HashingOptions & { readonly numBins: number };
  /** Numbers for samples. */
  apply(values: HashedValues): EncodedStrings;
}

/** Most bins: float32, in which they are stored, holds no more whole numbers in a row. */
const mostBins = 2 ** 24;

const modes: readonly HashingMode[] = ["int", "oneHot", "multiHot", "count"];

/**
 * Turns strings and whole numbers into one of `numBins` bins, by a hash and without a vocabulary, on
 * the host, before a data set is made.
 *
 * The same string has the same bin on every machine and for ever; different ones may share one. A
 * whole number has the bin of its digits as a string. Samples and output modes are those of
 * {@linkcode stringLookup}.
 *
 * @param numBins Number of bins, from 1 to 2²⁴; that of the mask among them.
 * @param options Mask, salt, output mode.
 * @returns The encoder; its `config` is plain JSON.
 * @throws {RangeError} If an option is out of range, or, by `apply`, a number is not whole.
 * @throws {DataError} By `apply`, if lists differ in length where they must not.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { hashing } from "@millrace/millrace";
 *
 * // The examples of Keras's documentation.
 * const { data, shape } = hashing(3).apply([["A"], ["B"], ["C"], ["D"], ["E"]]);
 * assert.deepEqual([...data], [1, 0, 1, 1, 2]);
 * assert.deepEqual(shape, [5, 1]);
 * const masked = hashing(3, { maskValue: "" }).apply(["A", "B", "", "C", "D"]);
 * assert.deepEqual([...masked.data], [1, 1, 0, 2, 2]);
 * ```
 *
 * Source: FarmHash's `Fingerprint64`; with a salt SipHash-2-4, of which nobody without it can find
 * strings that share a bin. Keras: `Hashing`, to the same bins.
 */
export function hashing(numBins: number, options: HashingOptions = {}): Hashing {
  const { maskValue, salt, outputMode = "int" } = options;
  const fewest = maskValue === undefined ? 1 : 2;
  if (!(Number.isInteger(numBins) && numBins >= fewest && numBins <= mostBins)) {
    throw new RangeError(
      `Cannot make hashing as numBins must be a whole number from 1, and from 2 with a maskValue, ` +
        `to ${mostBins}: received ${numBins}`,
    );
  }
  if (!modes.includes(outputMode)) {
    throw new RangeError(
      `Cannot make hashing as outputMode must be one of ${modes.join(", ")}: received ` +
        JSON.stringify(outputMode),
    );
  }
  const key = salt === undefined ? undefined : keyOf(salt);
  const masked = maskValue === undefined ? undefined : textOf(maskValue);
  const first = masked === undefined ? 0 : 1;
  const bins = BigInt(numBins - first);
  const encoder = new TextEncoder();
  const binOf = (text: string): number => {
    if (text === masked) return 0;
    const bytes = encoder.encode(text);
    return first + Number((key ? sipHash64(bytes, key) : farmHash64(bytes)) % bins);
  };
  return {
    config: { ...options, numBins },
    apply(values) {
      // Values are seldom all different, and 64 bits are slow to multiply here.
      const known = new Map<string, number>();
      const rows = listsOf(values).map((list) =>
        list.map((value) => {
          const text = textOf(value);
          const bin = known.get(text) ?? binOf(text);
          known.set(text, bin);
          return bin;
        })
      );
      return encodeRows("hash", "values", rows, outputMode, numBins, undefined);
    },
  };
}

function keyOf(salt: number | readonly number[]): [bigint, bigint] {
  const words = typeof salt === "number" ? [salt, salt] : salt;
  if (words.length === 2 && words.every((each) => Number.isSafeInteger(each) && each >= 0)) {
    return [BigInt(words[0]), BigInt(words[1])];
  }
  throw new RangeError(
    `Cannot make hashing as its salt must be a whole number from 0, or two: received ` +
      JSON.stringify(salt),
  );
}

function textOf(value: string | number): string {
  if (typeof value === "string") return value;
  if (Number.isSafeInteger(value)) return `${value}`;
  throw new RangeError(
    `Cannot hash values as numbers among them must be whole: received ${value} (make it a string)`,
  );
}
