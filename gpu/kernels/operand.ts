import type { StridedOperand } from "../../core/graph/call.ts";
import type { Matrix } from "../matrix.ts";
import { type ShaderBuilder, times } from "../shader_builder.ts";

/** An element of an operand: its index from the operand's start, its place, and the term. */
export interface ElementPlace {
  /** Elements from the operand's start. */
  readonly index: string;
  /** What {@link Operand.place} gives for the row of the first operand, or the column of the second. */
  readonly place: string;
  /** What {@link Operand.term} gives for the term of the sum. */
  readonly term: string;
}

/** See {@link Operand.cut}. */
export interface Cut {
  /** First term that it may be at. */
  readonly first: number;
  /** Last one. */
  readonly last: number;
  /** The element at an index, from a part. */
  load(element: ElementPlace, part: number): string;
}

/** How a product reads one of its operands; places are rows of the first, columns of the second. */
export interface Operand {
  /** Elements between the operand's matrices. */
  readonly batchStride: number;
  /** Elements between neighbouring places. */
  readonly stride: number;
  /** Elements between neighbouring terms. */
  readonly termStride: number;
  /** True when neighbouring terms lie together, and neighbouring places do not. */
  readonly alongTerms: boolean;
  /** True where reading an element takes so many statements that compilers take seconds over copies. */
  readonly isLong: boolean;
  /**
   * The axis along which four neighbours are read in one word by a block of so many places, which
   * begins at a multiple of that; `null` where elements are read one by one.
   */
  words(places: number): "places" | "terms" | null;
  /** Nanoseconds that eight threads of the software adapter take to load a term of so many places. */
  cost(places: number): number;
  /** What has to be known of a place, once for all of its terms. */
  place(place: string): string;
  /** What has to be known of a term, once for all places. */
  term(term: string): string;
  /** The element at an index. */
  load(element: ElementPlace): string;
  /**
   * Where terms lie in two memories: the terms before the cut are read from the first of them, and
   * those from it on from the second. The cut may be anywhere from `first` to `last`.
   */
  readonly cut: Cut | null;
  /** Whether four elements can be read at once, neighbours along places or along terms. */
  readonly vectors: boolean;
  /** The four elements from `index`, a multiple of four; `null` where they are not bound as vectors. */
  loadVector(index: string): string | null;
  /** The four elements from `index`, a multiple of four. */
  loadWord(index: string): string;
  /** Float of a part of such a word, and of the offset of its row. */
  unpack(word: string, part: number, rowOffset: string): string;
  /** The offset of a row of packed bytes. */
  rowOffset(row: string): string;
}

/** Nanoseconds that Mesa's software adapter takes to read eight elements, measured. */
const costs = { storage: 60, uniform: 8, unpack: 1 };

/**
 * Describes an operand.
 *
 * @param shader The kernel that reads it.
 * @param operand The operand.
 * @param matrix Its strides.
 * @param side Which of the two it is.
 * @param sizes Places and terms that the operand has.
 * @returns How it is read.
 */
export function describeOperand(
  shader: ShaderBuilder,
  operand: StridedOperand,
  matrix: Matrix,
  side: "first" | "second",
  sizes: { readonly places: number; readonly terms: number; readonly batches: number },
): Operand {
  const { buffer } = operand;
  const [stride, termStride] = side === "first"
    ? [matrix.rowStride, matrix.columnStride]
    : [matrix.columnStride, matrix.rowStride];
  const packed = shader.packing(buffer);
  const start = shader.start(operand);
  // Which of the indices counts the rows of bytes.
  const rows = packed && operand.offset === 0
    ? stride === packed.length ? "place" : termStride === packed.length ? "term" : null
    : null;
  const termWords = rows === "place" && termStride === 1 && sizes.terms % 4 === 0;
  const placeWords = rows === "term" && stride === 1 && sizes.places % 4 === 0;
  const words = (places: number) => {
    if (sizes.batches !== 1) return null;
    return termWords ? "terms" : placeWords && places % 4 === 0 ? "places" : null;
  };
  const cut = sizes.batches === 1
    ? describeCut(shader, operand, { stride, termStride }, sizes)
    : null;
  const bindings = cut ? 1 : shader.windows(buffer);
  const element = costs.uniform * bindings || costs.storage;
  return {
    batchStride: matrix.batchStride,
    stride,
    termStride,
    alongTerms: termStride === 1 && stride !== 1,
    isLong: false,
    words,
    cost: (places) => places * (words(places) ? element / 4 + costs.unpack : element),
    place: (place) => place,
    term: (term) => term,
    load: (element) => {
      const index = `${start} + ${element.index}`;
      if (!packed || rows === null) return shader.load(buffer, "f32", index);
      return shader.unpack(
        buffer,
        `f32(${shader.loadByte(buffer, index)})`,
        shader.rowOffset(buffer, element[rows]),
      );
    },
    cut,
    vectors: [operand.offset, sizes.places, sizes.terms, matrix.batchStride].every(isFourfold) &&
      (stride === 1 ? isFourfold(termStride) : termStride === 1 && isFourfold(stride)),
    loadVector: (index) => shader.loadVector(buffer, `${start} + ${index}`),
    loadWord: (index) => shader.loadWord(buffer, `(${start} + ${index}) / 4u`),
    unpack: (word, part, rowOffset) => {
      const shifted = part === 0 ? word : `(${word} >> ${8 * part}u)`;
      return shader.unpack(
        buffer,
        `f32(${part === 3 ? shifted : `${shifted} & 255u`})`,
        rowOffset,
      );
    },
    rowOffset: (row) => shader.rowOffset(buffer, row),
  };
}

/** The cut of an operand that has a memory of its own, read through two bindings. */
function describeCut(
  shader: ShaderBuilder,
  { buffer, offset }: StridedOperand,
  { stride, termStride }: { readonly stride: number; readonly termStride: number },
  { places, terms }: { readonly places: number; readonly terms: number },
): Cut | null {
  const parts = shader.packing(buffer) ? null : shader.parts(buffer);
  if (!parts || termStride === 0) return null;
  const [before, behind] = parts;
  // The last element of the term before the cut, and the first one from it on.
  const reach = offset + (places - 1) * stride;
  const last = Math.min(terms, Math.floor((before.end - 1 - reach) / termStride) + 1);
  const first = Math.max(0, Math.ceil((behind.start - offset) / termStride));
  if (first > last) return null;
  return {
    first,
    last,
    load: ({ index }, part) => shader.loadFromPart(buffer, part, `${offset}u + ${index}`),
  };
}

function isFourfold(size: number): boolean {
  return size % 4 === 0;
}

/** Index of an element of an operand. */
export function elementIndex(
  { stride, termStride, batchStride }: Operand,
  place: string,
  term: string,
): string {
  const parts = [times("batch", batchStride), times(place, stride), times(term, termStride)]
    .filter((part) => part !== "0u");
  return parts.length === 0 ? "0u" : parts.join(" + ");
}
