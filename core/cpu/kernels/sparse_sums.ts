/**
 * Writes, as AssemblyScript source, the innermost loops of products whose first operand is sparse:
 * rows of C, up to 32 columns at a time, from lists of what is not zero in the rows of A. `build.ts`
 * hands the text to the compiler behind that of `strips.ts`.
 */
import { range } from "./strips.ts";

/** Most numbers in a list: 32 packed columns of as many rows of B are 50 KiB. */
const listLength = 400;

/** One entry of a list: a number, and how many bytes behind `b` its row of B begins. */
function entry(vectors: number, at: number): string {
  return [
    `x = v128.load32_splat(entry, ${4 * at});`,
    `q = b + <usize> load<u32>(entry, placeBytes + ${4 * at});`,
    ...range(vectors).map((v) => `s${v} = madd(x, v128.load(q, ${16 * v}), s${v});`),
  ].join("\n      ");
}

/** A function that computes `columns` numbers, of `vectors` × 4 at most, of some rows of C. */
function sums(vectors: number): string {
  const last = vectors - 1;
  return `
export function sums${vectors}(
  list: usize, listStep: usize, rows: i32, b: usize, c: usize, cStep: usize, columns: i32, resume: i32,
): void {
  let x: v128, q: usize;
  while (rows > 0) {
    ${range(vectors).map((v) => `let s${v} = f32x4.splat(0);`).join("\n    ")}
    if (resume) {
      ${range(vectors).map((v) => `s${v} = v128.load(c, ${16 * v});`).join("\n      ")}
    }
    const end = <usize> load<u32>(list);
    for (let entry = list + 4; entry < end; entry += 8) {
      ${entry(vectors, 0)}
      ${entry(vectors, 1)}
    }
    ${range(last).map((v) => `v128.store(c, s${v}, ${16 * v});`).join("\n    ")}
    store1(c + ${16 * last}, columns - ${4 * last}, s${last});
    list += listStep;
    c += cStep;
    --rows;
  }
}
`;
}

/** The generated functions and what they know of lists; they call those of `stripsSource`. */
export function sparseSumsSource(): string {
  // A list begins with its end, and a store to it may be too long.
  const constants = `
export const listLength: i32 = ${listLength};
/** Bytes from a number of a list to its place. */
export const placeBytes: usize = ${4 * listLength + 32};
`;
  return constants + [8, 4, 2, 1].map(sums).join("");
}
