import {
  type AttentionAttributes,
  type AttentionOperands,
  attentionOperands,
  type AttentionSizes,
  attentionSizes,
} from "../../core/graph/attention.ts";
import type { StridedOperand } from "../../core/graph/call.ts";
import { contiguousStrides } from "../../core/graph/shape.ts";
import { threefryBody } from "../../core/graph/threefry.ts";
import type { GpuCall } from "../call.ts";
import { fromBits, indent, type ShaderBuilder, times } from "../shader_builder.ts";
import type { Tuning } from "../tuning.ts";
import { countedLoop, mostTurns } from "./counted_loop.ts";

/** Threads of a workgroup: each has a query, or a key, of its own. */
export const attentionLanes = 64;

/** Rows of the other kind that a workgroup shares at a time, where its memory allows. */
const mostShared = 32;

/** Vectors up to which loops over a row are written out, so that rows lie in registers. */
const mostUnrolled = 32;

/** What the kernels of attention share. */
export interface AttentionParts {
  /** The call's operands by role. */
  readonly operands: AttentionOperands<StridedOperand>;
  /** Its settings. */
  readonly attributes: AttentionAttributes;
  /** Its sizes. */
  readonly sizes: AttentionSizes;
  /** Vectors of four in a query and a key. */
  readonly vectors: number;
  /** Vectors of four in a value. */
  readonly valueVectors: number;
  /** Rows that a workgroup shares at a time. */
  readonly shared: number;
  /** Statements for each of so many vectors. */
  each(count: number, body: (vector: string) => string): string;
  /** An expression for vector `c` of row `row` of an operand, zeros behind its end. */
  vector(operand: StridedOperand, row: string, c: string): string;
  /** An expression for the element at `index` of an operand. */
  element(operand: StridedOperand, index: string): string;
  /** Declares shared rows of as many vectors as a query, and as a value; gives their names. */
  declareTiles(): [string, string];
  /** Statements that fill shared rows from row `from` of a head (all its samples') on. */
  fill(name: string, operand: StridedOperand, vectors: number, places: RowPlaces): string;
  /** An expression for how many keys a query sees. */
  visible(query: string): string;
  /** An expression for what is added to a score. */
  bias(sample: string, head: string, query: string, key: string): string | null;
  /** An expression for what dropout multiplies a weight by. */
  factor(head: string, query: string, key: string): string | null;
}

/** Rows of an operand that a workgroup reads. */
export interface RowPlaces {
  /** The first. */
  readonly from: string;
  /** How many there are. */
  readonly count: number;
  /** An expression for the number of a row in the operand. */
  readonly row: (place: string) => string;
}

/** The parts of a call's shader. */
export function attentionParts(
  shader: ShaderBuilder,
  { work }: GpuCall,
  tuning: Tuning,
): AttentionParts {
  if (work.kind !== "structured") throw new Error("Cannot attend in another call");
  const attributes = work.call.attributes as unknown as AttentionAttributes;
  const operands = attentionOperands(
    work.call.operands,
    attributes,
    work.call.name !== "attention",
  );
  const sizes = attentionSizes([operands.query, operands.key, operands.value].map((o) => o.shape));
  const vectors = Math.ceil(sizes.size / 4);
  const valueVectors = Math.ceil(sizes.valueSize / 4);
  const shared = Math.min(
    mostShared,
    Math.floor(tuning.sharedBytes / 16 / (vectors + valueVectors)),
  );
  if (shared < 1) {
    throw new RangeError(
      `Cannot run attention of heads of ${sizes.size} and ${sizes.valueSize} numbers on this ` +
        `WebGPU adapter as a workgroup shares ${tuning.sharedBytes} bytes: use smaller heads, or ` +
        `the device "cpu"`,
    );
  }
  const isForward = work.call.name === "attention";
  const copies = tuning.software
    ? vectorsOfTurn(sizes, [vectors, valueVectors], isForward, shared)
    : mostUnrolled;
  const starts = new Map<StridedOperand, string>();
  const element = (operand: StridedOperand, index: string) => {
    if (!starts.has(operand)) starts.set(operand, shader.start(operand));
    return shader.load(operand.buffer, operand.dtype, `${starts.get(operand)} + ${index}`);
  };
  const vector = (operand: StridedOperand, row: string, c: string) => {
    const size = operand.shape[3];
    const parts = [0, 1, 2, 3].map((part) => {
      const value = element(operand, `(${row}) * ${size}u + ${c} * 4u + ${part}u`);
      const always = size % 4 === 0 || part < size % 4;
      return always ? value : `select(0.0, ${value}, ${c} * 4u + ${part}u < ${size}u)`;
    });
    return `vec4<f32>(${parts.join(", ")})`;
  };
  const scalar = (operand: StridedOperand) =>
    shader.isScalar(operand.buffer)
      ? fromBits(shader.scalarWord(operand.offset), operand.dtype)
      : element(operand, "0u");
  return {
    ...{ operands, attributes, sizes, vectors, valueVectors, shared, element, vector },
    each: (count, body) =>
      count <= copies
        ? Array.from({ length: count }, (_, place) => body(`${place}u`)).join("\n")
        : countedLoop("c", "0u", count, [body("c")], tuning.software ? copies * mostTurns : 0)
          .join("\n"),
    declareTiles: () => [
      shader.shared("vec4<f32>", shared * vectors),
      shader.shared("vec4<f32>", shared * valueVectors),
    ],
    fill: (name, operand, count, { from, count: rows, row }) =>
      [
        `for (var t = lane; t < ${shared * count}u; t += ${attentionLanes}u) {`,
        `  let place = ${from} + t / ${count}u;`,
        `  let c = t % ${count}u;`,
        `  if (place < ${rows}u) { ${name}[t] = ${vector(operand, row("place"), "c")}; }`,
        "}",
      ].join("\n"),
    visible: (query) =>
      operands.offset
        ? `u32(clamp(i32(${query}) + ${scalar(operands.offset)} + 1, 0, ${sizes.keys}))`
        : `${sizes.keys}u`,
    bias: (sample, head, query, key) => {
      const { bias } = operands;
      if (!bias) return null;
      const strides = contiguousStrides(bias.shape);
      const terms = [sample, head, query].map((place, axis) =>
        times(place, bias.shape[axis] === 1 ? 0 : strides[axis])
      );
      return element(bias, [...terms, key].join(" + "));
    },
    factor: (head, query, key) => {
      const { rate, key0, key1, counter } = operands;
      if (!rate) return null;
      shader.declare(
        "attention_random",
        `fn attention_random(x: u32, y: u32, z: u32, w: u32) -> u32 {\n${
          threefryBody.split("\n").map((line, place, lines) =>
            place === lines.length - 1 ? `  return ${line};` : `  ${line}`
          ).join("\n")
        }\n}`,
      );
      shader.declare(
        "attention_factor",
        "fn attention_factor(word: u32, rate: f32) -> f32 {\n" +
          `  let kept = f32(word >> 8u) * ${2 ** -24} >= rate;\n` +
          `  return select(0.0, 1.0 / max(1.0 - rate, ${2 ** -24}), kept);\n}`,
      );
      const position = `(${head} * ${sizes.queries}u + ${query}) * ${sizes.keys}u + ${key}`;
      const words = [counter!, key0!, key1!].map(scalar).join(", ");
      return `attention_factor(attention_random(${position}, ${words}), ${scalar(rate)})`;
    },
  };
}

/**
 * Vectors that each turn of a loop over them takes on a software adapter, which leaves a shader's loops
 * after some turns of all of them together: one, unless there would be too many.
 *
 * @throws {RangeError} where loops over rows alone take too many.
 */
function vectorsOfTurn(
  { queries, keys, heads, keyHeads }: AttentionSizes,
  counts: readonly number[],
  isForward: boolean,
  shared: number,
): number {
  const rows = isForward ? keys : Math.max(keys, queries * heads / keyHeads);
  const all = counts.reduce((sum, count) => sum + count, 0);
  for (let copies = 1; copies <= Math.max(...counts); copies++) {
    const loops = counts.map((count) => count <= copies ? 0 : Math.ceil(count / copies));
    const inner = loops.reduce((sum, turns) => sum + turns, 0);
    // Rows are shared, then gone through once, or twice on the way forward.
    const ofRow = 2 + (isForward ? 1 : 2) * inner + (inner + 1) / shared + all / attentionLanes;
    if (rows * ofRow + 4 * all < 2 * mostTurns) return copies;
  }
  throw new RangeError(
    `Cannot run attention over ${rows} rows on a software adapter of WebGPU as it leaves the loops ` +
      `of a shader after ${2 * mostTurns} turns: use shorter sequences, or the device "cpu"`,
  );
}

/** Statements over the components of a vector that lie within a row of `size` numbers. */
export function eachComponent(
  size: number,
  c: string,
  statement: (index: string, component: string) => string,
): string {
  return [..."xyzw"].map((component, part) => {
    const index = `${c} * 4u + ${part}u`;
    const line = statement(index, component);
    if (size % 4 === 0 || part < size % 4) return line;
    return `if (${index} < ${size}u) { ${line} }`;
  }).join("\n");
}

/** Statements that say which query a thread of workgroup `group` has. */
export function placeQuery({ sizes: { queries, heads, keyHeads } }: AttentionParts): string[] {
  const blocks = Math.ceil(queries / attentionLanes);
  return [
    `let number = group / ${blocks}u;`,
    `let sample = number / ${heads}u;`,
    `let head = number % ${heads}u;`,
    `let keyHead = head / ${heads / keyHeads}u;`,
    `let first = group % ${blocks}u * ${attentionLanes}u;`,
    "let place = first + lane;",
    `let row = (sample * ${queries}u + place) * ${heads}u + head;`,
  ];
}

/**
 * Statements that bring the keys and values which a workgroup's queries see into shared rows, some at a
 * time, and do `body` with those from `start` on.
 */
export function throughKeys(
  parts: AttentionParts,
  [keyTile, valueTile]: readonly [string, string],
  body: readonly string[],
): string[] {
  const { operands: { key, value }, sizes: { queries, keys, keyHeads }, shared } = parts;
  const rows = {
    from: "start",
    count: keys,
    row: (place: string) => `(sample * ${keys}u + ${place}) * ${keyHeads}u + keyHead`,
  };
  return [
    `let last = ${parts.visible(`min(first + ${attentionLanes - 1}u, ${queries - 1}u)`)};`,
    `for (var start = 0u; start < ${keys}u; start += ${shared}u) {`,
    indent([
      "workgroupBarrier();",
      "if (start < last) {",
      indent(parts.fill(keyTile, key, parts.vectors, rows)),
      indent(parts.fill(valueTile, value, parts.valueVectors, rows)),
      "}",
      "workgroupBarrier();",
      ...body,
    ].join("\n")),
    "}",
  ];
}
