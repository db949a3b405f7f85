import type { DType } from "../../core/graph/dtype.ts";
import type { StridedOperand, StructuredCall } from "../../core/graph/call.ts";
import { sizeOf } from "../../core/graph/shape.ts";
import { fromBits, indent, registerType, type ShaderBuilder, toBits } from "../shader_builder.ts";
import type { Tuning } from "../tuning.ts";
import { emitFinish } from "./finish.ts";
import type { GpuKernel, Section } from "./kernel.ts";
import { literalExpression } from "./literal.ts";
import { perElement } from "./loop.ts";

/**
 * Rows of a data set, picked by an order and converted on the way; a thread a word of the data:
 * one element of 32 bits, or four bytes where rows are whole words.
 */
export const gatherKernel: GpuKernel = {
  ownLanes: () => null,
  emit: (shader, call, tuning) => {
    if (call.work.kind !== "structured") throw new Error("Cannot gather in another call");
    const { operands: [data, indices, start], output } = call.work.call;
    if (shader.packing(output.buffer)) return emitPacked(shader, call.work.call, tuning);
    const length = sizeOf(data.shape.slice(1));
    const finish = emitFinish(shader, call);
    const bytes = data.dtype === "u8" && length % 4 === 0;
    const step = bytes ? 4 : 1;
    const across = length / step;
    const first = firstPosition(shader, start);
    const refuse = output.dtype === "f32"
      ? literalExpression(shader, NaN, "f32")
      : fromBits("0xffffffffu", output.dtype);
    const each = (value: (part: number) => string) =>
      Array.from({ length: step }, (_, part) => `${finish}(e + ${part}u, ${value(part)});`);
    const missing = [...each(() => refuse), "return;"].join("\n");
    const at = `${shader.start(data)} + index * ${length}u + column`;
    const value = bytes
      ? (part: number) => `(word >> ${8 * part}u) & 255u`
      : () => shader.load(data.buffer, data.dtype, at);
    const lines = [
      `let column = t % ${across}u * ${step}u;`,
      `let e = t * ${step}u;`,
      `let position = ${first} + t / ${across}u;`,
      // A NaN as a float, the largest number as an index: neither passes unseen.
      `if (position >= ${sizeOf(indices.shape)}u) {\n${indent(missing)}\n}`,
      `let index = ${shader.load(indices.buffer, "u32", `${shader.start(indices)} + position`)};`,
      `if (index >= ${data.shape[0]}u) {\n${indent(missing)}\n}`,
      ...(bytes ? [`let word = ${shader.loadWord(data.buffer, `(${at}) / 4u`)};`] : []),
      ...each((part) => convert(shader, value(part), call.work as { call: StructuredCall })),
    ];
    const name = `gather${shader.unique()}`;
    shader.declare(name, `fn ${name}(t: u32) {\n${indent(lines.join("\n"))}\n}`);
    return perElement(sizeOf(output.shape) / step, tuning, `${name}(e);`);
  },
};

/** Where in the order of rows the batch begins. */
function firstPosition(shader: ShaderBuilder, start: StridedOperand | undefined): string {
  if (!start) return "0u";
  return shader.isScalar(start.buffer)
    ? shader.scalarWord(start.offset)
    : shader.load(start.buffer, "u32", shader.start(start));
}

/** Copies the bytes of rows, and gives each row its offset; a thread a word, and one for the offset. */
function emitPacked(
  shader: ShaderBuilder,
  { operands: [data, indices, start], output, attributes }: StructuredCall,
  tuning: Tuning,
): Section {
  const { rows, length } = shader.packing(output.buffer)!;
  const words = length / 4;
  const { offset = 0 } = attributes as { offset?: number };
  const name = `gather${shader.unique()}`;
  const index = shader.load(indices.buffer, "u32", `${shader.start(indices)} + position`);
  const from = shader.loadWord(
    data.buffer,
    `(${shader.start(data)} + index * ${length}u) / 4u + column`,
  );
  const bits = (value: number) => toBits(literalExpression(shader, value, "f32"), "f32");
  const lines = [
    `let row = t / ${words + 1}u;`,
    `let column = t % ${words + 1}u;`,
    `let position = ${firstPosition(shader, start)} + row;`,
    `var index = ${data.shape[0]}u;`,
    `if (position < ${sizeOf(indices.shape)}u) { index = ${index}; }`,
    `let known = index < ${data.shape[0]}u;`,
    `if (column == ${words}u) {`,
    // A NaN makes all floats of the row NaN: a missing row does not pass unseen.
    `  ${
      shader.storeWord(
        output.buffer,
        `${rows * words}u + row`,
        `select(${bits(NaN)}, ${bits(offset)}, known)`,
      )
    }`,
    "} else if (known) {",
    `  ${shader.storeWord(output.buffer, `row * ${words}u + column`, from)}`,
    "}",
  ];
  shader.declare(name, `fn ${name}(t: u32) {\n${indent(lines.join("\n"))}\n}`);
  return perElement(rows * (words + 1), tuning, `${name}(e);`);
}

/** The op's conversion of one element. */
function convert(shader: ShaderBuilder, value: string, { call }: { call: StructuredCall }): string {
  const { attributes, operands: [data], output } = call;
  const from: DType = registerType(data.dtype);
  const to = registerType(output.dtype);
  const converted = from === to ? value : `${to}(${value})`;
  const { scale = 1, offset = 0 } = attributes as { scale?: number; offset?: number };
  if (to !== "f32" || (scale === 1 && offset === 0)) return converted;
  return `${converted} * ${literalExpression(shader, scale, "f32")} + ` +
    literalExpression(shader, offset, "f32");
}
