import { indent, times } from "../shader_builder.ts";
import { elementIndex, type Operand } from "./operand.ts";
import { innerOf, type Product } from "./product.ts";

/** Rows and columns of results that a thread computes at once. */
export interface Block {
  /** Rows. */
  readonly rows: number;
  /** Columns. */
  readonly columns: number;
}

/** Multiplications in the body of a loop over terms, up to which it is unrolled. */
const unrolledWork = 64;

/** Terms in a word of bytes. */
const wordTerms = 4;

/** One operand's part of a block. */
interface Side {
  readonly operand: Operand;
  /** Name of the values: `x` or `y`. */
  readonly name: string;
  /** First row or column of the block. */
  readonly first: string;
  /** Rows or columns of the block. */
  readonly count: number;
  /** Rows or columns that there are. */
  readonly size: number;
  /** See {@link Operand.words}. */
  readonly words: ReturnType<Operand["words"]>;
}

/**
 * Emits sums `c0_0` … of a block's products; rows and columns past the end repeat.
 *
 * Threads that share a block take turns in runs of `steps` terms, and then in the terms that are
 * left: the order depends on the shape alone.
 *
 * @param product Operands and sizes.
 * @param block Results of a thread.
 * @param part Which of the threads that share the block this one is.
 * @param threads Threads that share the block.
 * @returns Statements over `row`, `column` and `batch`.
 */
export function emitSums(
  product: Product,
  block: Block,
  part: string,
  threads: number,
): string[] {
  const { sizes, a, b } = product;
  const sides: Side[] = [
    { operand: a, name: "x", first: "row", count: block.rows, size: sizes.rows },
    { operand: b, name: "y", first: "column", count: block.columns, size: sizes.columns },
  ].map((side) => ({ ...side, words: side.operand.words(side.count) }));
  const whole = sides.some(({ words }) => words === "terms");
  const steps = whole
    ? wordTerms
    : Math.max(1, Math.min(4, Math.floor(unrolledWork / (block.rows * block.columns))));
  const multiply = (term: number) =>
    each(block, (i, j) => `c${i}_${j} = c${i}_${j} + x${term}_${i} * y${term}_${j};`);
  const cut = cutOf(sides, steps);
  const run = (terms: number, by: number, part = 1) => [
    ...sides.flatMap((side) => emitRun(side, terms)),
    ...range(terms).flatMap((term) => [
      ...sides.flatMap((side) => emitTerm(side, term, cut?.side === side ? part : null)),
      ...multiply(term),
    ]),
    `k += ${by}u;`,
  ];
  const loop = (condition: string, body: string[]) =>
    `while (${condition}) {\n${indent(body.join("\n"))}\n}`;
  const last = steps - 1;
  const rest = steps > 1 && !(product.slices === 1 && sizes.inner % steps === 0);
  return [
    `let inner = ${innerOf(product)};`,
    ...sides.flatMap(emitStart),
    ...each(block, (i, j) => `var c${i}_${j} = 0.0;`),
    `var k = ${times(part, steps)};`,
    ...(cut ? [loop(`k < ${cut.term}u`, run(steps, steps * threads, 0))] : []),
    loop(last === 0 ? "k < inner" : `k + ${last}u < inner`, run(steps, steps * threads)),
    ...(rest
      ? [`k = inner / ${steps}u * ${steps}u + ${part};`, loop("k < inner", run(1, threads))]
      : []),
  ];
}

/** The side whose terms lie in two memories, and the term, the first of a run, that begins the second. */
function cutOf(sides: readonly Side[], steps: number): { side: Side; term: number } | null {
  for (const side of sides) {
    const { cut } = side.operand;
    const term = cut ? Math.floor(cut.last / steps) * steps : 0;
    if (cut && term > 0 && term >= cut.first) return { side, term };
  }
  return null;
}

/** A place of the block, the last one there is for those past the end. */
function placeOf({ first, count, size }: Side, by: number, step = 1): string {
  if (by === 0) return first;
  return size % count === 0 ? `(${first} + ${by}u)` : `min(${first} + ${by}u, ${size - step}u)`;
}

/** What a side needs once: where its places begin, and the offsets of its rows of bytes. */
function emitStart(side: Side): string[] {
  const { operand, name, words } = side;
  const step = words === "places" ? wordTerms : 1;
  return range(Math.ceil(side.count / step)).flatMap((number) => {
    const place = placeOf(side, number * step, step);
    return [
      `let ${name}p${number} = ${operand.place(place)};`,
      `let ${name}s${number} = ${elementIndex(operand, `${name}p${number}`, "0u")};`,
      ...(words === "terms"
        ? [`let ${name}o${number} = ${operand.rowOffset(`${name}p${number}`)};`]
        : []),
    ];
  });
}

/** The words of a run of terms. */
function emitRun({ operand, name, count, words }: Side, terms: number): string[] {
  if (words !== "terms" || terms !== wordTerms) return [];
  return range(count).map((i) => `let ${name}w${i} = ${operand.loadWord(`${name}s${i} + k`)};`);
}

/** The values of one term, from the part of the operand's memories that it is known to lie in. */
function emitTerm(
  { operand, name, count, words }: Side,
  term: number,
  part: number | null,
): string[] {
  const k = term === 0 ? "k" : `(k + ${term}u)`;
  const moved = (start: string) =>
    operand.termStride === 0 ? start : `${start} + ${times(k, operand.termStride)}`;
  if (words === "terms") {
    return range(count).map((i) =>
      `let ${name}${term}_${i} = ${operand.unpack(`${name}w${i}`, term, `${name}o${i}`)};`
    );
  }
  if (words === "places") {
    return [
      `let ${name}o${term} = ${operand.rowOffset(k)};`,
      ...range(Math.ceil(count / wordTerms)).flatMap((number) => [
        `let ${name}w${term}_${number} = ${operand.loadWord(moved(`${name}s${number}`))};`,
        ...range(Math.min(wordTerms, count - number * wordTerms)).map((part) => {
          const value = operand.unpack(`${name}w${term}_${number}`, part, `${name}o${term}`);
          return `let ${name}${term}_${number * wordTerms + part} = ${value};`;
        }),
      ]),
    ];
  }
  const known = operand.term(k);
  const held = known === k ? k : `${name}k${term}`;
  return [
    ...(known === k ? [] : [`let ${held} = ${known};`]),
    ...range(count).map((i) => {
      const element = { index: moved(`${name}s${i}`), place: `${name}p${i}`, term: held };
      const value = part === null ? operand.load(element) : operand.cut!.load(element, part);
      return `let ${name}${term}_${i} = ${value};`;
    }),
  ];
}

/** Statements for every result of a block. */
export function each(block: Block, emit: (i: number, j: number) => string): string[] {
  return range(block.rows).flatMap((i) => range(block.columns).map((j) => emit(i, j)));
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
