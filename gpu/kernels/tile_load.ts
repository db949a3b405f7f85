import { indent, type ShaderBuilder } from "../shader_builder.ts";
import { elementIndex, type Operand } from "./operand.ts";

/** One operand's part of a workgroup's tile. */
export interface TileSide {
  /** Name of what is declared for it. */
  readonly name: string;
  /** Rows or columns of the tile, a multiple of 32. */
  readonly outer: number;
  /** Terms of the tile. */
  readonly inner: number;
  /** Threads that load it. */
  readonly lanes: number;
  /** Rows or columns that the operand has. */
  readonly limit: number;
  /** The tile's first row or column. */
  readonly first: string;
  /** How it is read. */
  readonly operand: Operand;
}

/** How a tile gets into shared memory, four neighbours along rows or columns in one vector. */
export interface TileLoad {
  /** Variables that hold the values between fetching and putting. */
  readonly held: readonly string[];
  /** Statements that fetch a thread's values of the terms from an expression on. */
  fetch(terms: string): string;
  /** Statements that put them into shared memory. */
  put(): string;
  /** The vector of a place, a fourth of a row or column, at a term. */
  at(term: string, vector: string): string;
}

/**
 * Emits the loading of a side's tile.
 *
 * Each operand is read in the direction in which it lies, four elements at a time where they are
 * bound so. Where threads side by side then write different terms, vectors of a term are swapped
 * among eight by a number that differs from term to term: the writes of eight threads would go to
 * the same banks of shared memory otherwise, one after the other.
 */
export function emitTileLoad(shader: ShaderBuilder, side: TileSide): TileLoad {
  const { operand, name, inner } = side;
  const vectors = side.outer / 4;
  const shared = shader.shared("vec4<f32>", inner * vectors);
  const alongTerms = operand.alongTerms;
  const wide = operand.vectors && operand.loadVector("0u") !== null;
  const swap = !alongTerms
    ? null
    : wide
    ? (term: string) => `((${term}) >> 2u << 1u)`
    : (term: string) => `((${term}) & 7u)`;
  const at = (term: string, vector: string) =>
    `${shared}[(${term}) * ${vectors}u + ${swap ? `((${vector}) ^ ${swap(term)})` : vector}]`;
  const read = wide ? declareWide(shader, side) : declareSingle(shader, side);
  // A square of four terms and four rows is read along the terms, and turned in registers.
  const square = wide && alongTerms;
  const slots = square ? vectors * inner / 4 : vectors * inner;
  const rounds = range(Math.ceil(slots / side.lanes));
  const values = (round: number) =>
    square ? [0, 1, 2, 3].map((i) => `${name}${round}_${i}`) : [`${name}${round}`];
  const slotOf = (round: number) => round === 0 ? "lane" : `(lane + ${round * side.lanes}u)`;
  const split = (round: number, slot = slotOf(round)) => {
    if (square) return { k: `${slot} % ${inner / 4}u * 4u`, v: `${slot} / ${inner / 4}u` };
    if (alongTerms) return { k: `${slot} % ${inner}u`, v: `${slot} / ${inner}u` };
    return { k: `${slot} / ${vectors}u`, v: `${slot} % ${vectors}u` };
  };
  const guarded = (round: number, statements: string) =>
    (round + 1) * side.lanes > slots
      ? `if (${slotOf(round)} < ${slots}u) {\n${indent(statements)}\n}`
      : statements;
  const gather = (terms: string, { k, v }: { k: string; v: string }) => {
    const place = (step: number) => `${side.first} + ${v} * 4u + ${step}u`;
    const term = `${terms} + ${k}`;
    if (square) return [0, 1, 2, 3].map((i) => `${read}(batch, inner, ${place(i)}, ${term})`);
    if (wide) return [`${read}(batch, inner, ${place(0)}, ${term})`];
    const each = [0, 1, 2, 3].map((step) => `${read}(batch, inner, ${place(step)}, ${term})`);
    return [`vec4<f32>(${each.join(", ")})`];
  };
  if (operand.isLong) {
    // One copy of its many statements: compilers take seconds over more.
    const { k, v } = split(0, "slot");
    const loop = (terms: string) =>
      `for (var slot = lane; slot < ${slots}u; slot += ${side.lanes}u) {\n` +
      `  ${at(k, v)} = ${gather(terms, { k, v })[0]};\n}`;
    return { held: [], fetch: loop, put: () => "", at };
  }
  return {
    held: rounds.flatMap(values),
    fetch: (terms) =>
      rounds.map((round) =>
        guarded(
          round,
          gather(terms, split(round)).map((value, i) => `${values(round)[i]} = ${value};`)
            .join("\n"),
        )
      ).join("\n"),
    put: () =>
      rounds.map((round) => {
        const { k, v } = split(round);
        const names = values(round);
        const lines = !square ? [`${at(k, v)} = ${names[0]};`] : [0, 1, 2, 3].map((term) => {
          const turned = names.map((value) => `${value}.${"xyzw"[term]}`).join(", ");
          return `${at(`${k} + ${term}u`, v)} = vec4<f32>(${turned});`;
        });
        return guarded(round, lines.join("\n"));
      }).join("\n"),
    at,
  };
}

/** A function of a place and a term that reads an element; zero outside of the operand. */
function declareSingle(shader: ShaderBuilder, { operand, limit }: TileSide): string {
  const read = `load${shader.unique()}`;
  const element = operand.load({
    index: elementIndex(operand, "i", "k"),
    place: operand.place("i"),
    term: operand.term("k"),
  });
  shader.declare(
    read,
    `fn ${read}(batch: u32, inner: u32, i: u32, k: u32) -> f32 {\n` +
      `  if (i >= ${limit}u || k >= inner) { return 0.0; }\n  return ${element};\n}`,
  );
  return read;
}

/** The same of four elements, along places or terms. */
function declareWide(shader: ShaderBuilder, { operand, limit }: TileSide): string {
  const read = `load${shader.unique()}`;
  shader.declare(
    read,
    `fn ${read}(batch: u32, inner: u32, i: u32, k: u32) -> vec4<f32> {\n` +
      `  if (i >= ${limit}u || k >= inner) { return vec4<f32>(); }\n` +
      `  return ${operand.loadVector(elementIndex(operand, "i", "k"))};\n}`,
  );
  return read;
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
