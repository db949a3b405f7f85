/**
 * Writes, as AssemblyScript source, the innermost loops of products whose first operand has many steps
 * of k that are zero in all rows of a register block: those are left out. `build.ts` hands the text to
 * the compiler as `sparse_strips.ts`.
 */
import { type Block, exchange, follow, range, stores, turned } from "./strips.ts";

/** `steps` entries of a block: its rows' numbers, and how many bytes behind `b` the row of B begins. */
function entries(block: Block, steps: number): string {
  const lines = range(steps).flatMap(() => [
    `q = b + <usize> load<u32>(p0, ${4 * block.rows});`,
    ...range(block.vectors).map((v) => `b${v} = v128.load(q, ${16 * v});`),
    ...turned(block),
    `p0 += ${4 * block.rows + 4};`,
  ]);
  return lines.join("\n      ");
}

/** A function that computes `rows` × `columns` of C, a block at a time, down one panel of B. */
function sparseStrip(rows: number, vectors: number): string {
  const block = { rows, vectors, kMajor: true, packed: true };
  const each = (line: (r: number, v: number) => string) =>
    range(rows).flatMap((r) => range(vectors).map((v) => line(r, v)));
  return `
export function sparse${rows}x${vectors}(
  a: usize, aBlock: usize, b: usize, c: usize, cStep: usize,
  rows: i32, columns: i32, resume: i32,
): void {
  let x: v128, q: usize, ${range(vectors).map((v) => `b${v}: v128`).join(", ")};
  let t0: v128, t1: v128, t2: v128, t3: v128;
  while (rows > 0) {
    ${each((r, v) => `let s${r}${v} = f32x4.splat(0);`).join("\n    ")}
    if (resume) {
      ${follow("c", "cStep", rows)}
      ${each((r, v) => `s${r}${v} = v128.load(c${r}, ${16 * v});`).join("\n      ")}
      ${exchange(block, false).join("\n      ")}
    }
    let turns = load<i32>(a);
    let p0 = a + 4;
    while (turns > 0) {
      ${entries(block, 2)}
      --turns;
    }
    ${exchange(block, true).join("\n    ")}
    ${follow("c", "cStep", rows)}
    ${stores(block)}
    a += aBlock;
    c += ${rows} * cStep;
    rows -= ${rows};
  }
}
`;
}

/** The generated AssemblyScript module. */
export function sparseStripsSource(): string {
  const shapes = [6, 4].flatMap((rows) => [2, 1].map((vectors) => sparseStrip(rows, vectors)));
  return `import { madd, store1, store2 } from "./strips";\n${shapes.join("")}`;
}
