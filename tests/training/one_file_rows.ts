/** Raw rows and texts, with an answer in them, for `one_file_test.ts`. */
import { mulberry32 } from "../core/ops/generator.ts";

/** A CSV of strikes, some without their speed: damage is what is fast, or a goose. */
export function rawRows(count: number, seed: number, withTarget: boolean): string {
  const lines = strikes(count, seed).map(({ speed, kind, damage }) =>
    [speed, kind, ...(withTarget ? [damage ? "yes" : "no"] : [])].join(",")
  );
  return [withTarget ? "speed,kind,damage" : "speed,kind", ...lines].join("\n");
}

/** What is in the rows. */
export function strikes(count: number, seed: number) {
  const random = mulberry32(seed);
  return Array.from({ length: count }, () => {
    const [fast, kind] = [80 + 120 * random(), ["gull", "owl", "goose"][Math.floor(3 * random())]];
    return {
      speed: random() < 0.1 ? "" : fast.toFixed(1),
      kind,
      damage: fast > 150 || kind === "goose",
    };
  });
}

const words = ["river", "stone", "meadow", "cloud", "heron", "willow", "bridge", "lantern"];

/** Short texts; those with "mill" in them are labelled 1. */
export function rawTexts(count: number, seed: number): { texts: string[]; labels: number[] } {
  const random = mulberry32(seed);
  const texts = Array.from({ length: count }, () => {
    const line = Array.from({ length: 5 }, () => words[Math.floor(words.length * random())]);
    if (random() < 0.5) line[Math.floor(5 * random())] = "Mill!";
    return line.join(" ");
  });
  return { texts, labels: texts.map((text) => Number(text.includes("Mill"))) };
}
