/**
 * Writes, as AssemblyScript source, the innermost loops of products whose first operand is sparse:
 * rows of C, up to 32 columns at a time, from masks of what is not zero in rows of A, or from lists of
 * it. `build.ts` hands the text to the compiler behind that of `strips.ts`.
 */
import { range } from "./strips.ts";

/** Most numbers in a list: 32 packed columns of as many rows of B are 50 KiB. */
const listLength = 400;

/** A way to know what is not zero. */
interface Terms {
  name: string;
  /** Operands that say it, and where B is. */
  operands: Record<string, "usize" | "i32">;
  /** Loops that add what a row has of it to the sums of `vectors` × 4 columns. */
  loops(vectors: number): string;
  /** Goes on to the next row. */
  next: string;
}

const masked: Terms = {
  name: "maskedSums",
  operands: {
    masks: "usize",
    maskStep: "usize",
    words: "i32",
    a: "usize",
    aRow: "usize",
    aCol: "usize",
    b: "usize",
    bRow: "usize",
  },
  loops: (vectors) => `
    let p = a, q = b, word = masks;
    for (let left = words; left > 0; --left) {
      for (let mask = load<u64>(word); mask; mask &= mask - 1) {
        const step = <usize> ctz(mask);
        ${add(vectors, "p + step * aCol", "q + step * bRow")}
      }
      word += maskStep;
      p += 64 * aCol;
      q += 64 * bRow;
    }`,
  next: "masks += 8; a += aRow;",
};

/** Two numbers at a time. */
const listed: Terms = {
  name: "listedSums",
  operands: { list: "usize", listStep: "usize", b: "usize" },
  loops: (vectors) => {
    const entry = (at: number) =>
      add(vectors, `entry + ${at}`, `b + <usize> load<u32>(entry, placeBytes + ${at})`);
    return `
    const end = <usize> load<u32>(list);
    for (let entry = list + 4; entry < end; entry += 8) {
      ${entry(0)}
      ${entry(4)}
    }`;
  },
  next: "list += listStep;",
};

/** Adds a number, times a row of B, to the sums. */
function add(vectors: number, x: string, row: string): string {
  return [
    `x = v128.load32_splat(${x});`,
    `row = ${row};`,
    ...range(vectors).map((v) => `s${v} = madd(x, v128.load(row, ${16 * v}), s${v});`),
  ].join(" ");
}

/** A function that computes `columns` numbers, of `vectors` × 4 at most, of some rows of C. */
function sums({ name, loops, next }: Terms, vectors: number, operands: string): string {
  const last = vectors - 1;
  return `
function ${name}${vectors}(${operands}): void {
  let x: v128, row: usize;
  while (rows > 0) {
    ${range(vectors).map((v) => `let s${v} = f32x4.splat(0);`).join(" ")}
    if (resume) {
      ${range(vectors).map((v) => `s${v} = v128.load(c, ${16 * v});`).join(" ")}
    }${loops(vectors)}
    ${range(last).map((v) => `v128.store(c, s${v}, ${16 * v});`).join(" ")}
    store1(c + ${16 * last}, columns - ${4 * last}, s${last});
    ${next}
    c += cRow;
    --rows;
  }
}
`;
}

/** A function that computes any columns of some rows of C. */
function allSums(terms: Terms): string {
  const operands = {
    ...terms.operands,
    ...{ c: "usize", cRow: "usize", rows: "i32", columns: "i32", resume: "i32" },
  };
  const declared = Object.entries(operands).map(([name, type]) => `${name}: ${type}`).join(", ");
  const given = Object.keys(operands).join(", ");
  const call = (vectors: number) => `{ ${terms.name}${vectors}(${given}); done = ${4 * vectors}; }`;
  return [8, 4, 2, 1].map((vectors) => sums(terms, vectors, declared)).join("") + `
export function ${terms.name}(${declared}): void {
  while (columns > 0) {
    let done: i32;
    if (columns > 28) ${call(8)}
    else if (columns > 12) ${call(4)}
    else if (columns > 4) ${call(2)}
    else ${call(1)}
    b += 4 * <usize> done;
    c += 4 * <usize> done;
    columns -= done;
  }
}
`;
}

/** The generated functions and what they know of lists; they call those of `stripsSource`. */
export function sparseSumsSource(): string {
  // A list begins with its end, and ends with a zero, as two numbers are taken at a time.
  const constants = `
export const listLength: i32 = ${listLength};
/** Bytes from a number of a list to its place. */
export const placeBytes: usize = ${4 * listLength + 8};
`;
  return constants + [masked, listed].map(allSums).join("");
}
