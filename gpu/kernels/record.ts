import { sizeOf } from "../../core/graph/shape.ts";
import { type GpuCall, recordMemory } from "../call.ts";
import { indent, type ShaderBuilder, toBits } from "../shader_builder.ts";
import type { Tuning } from "../tuning.ts";
import type { Section } from "./kernel.ts";

/** Copies a step's recorded outputs into the row that the step's scalar block names. */
export function emitRecord(
  shader: ShaderBuilder,
  call: GpuCall,
  rowWord: number,
  { lanes }: Tuning,
): Section {
  if (call.work.kind !== "record") throw new Error("Cannot record in another call");
  const { outputs } = call.work;
  const ring = shader.memory(recordMemory, true);
  const row = shader.scalarWord(rowWord);
  const width = outputs.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const single: string[] = [];
  const several: string[] = [];
  let column = 0;
  for (const output of outputs) {
    const size = sizeOf(output.shape);
    const place = `${row} * ${width}u + ${column}u`;
    const bits = (index: string) =>
      toBits(shader.load(output.buffer, output.dtype, index), output.dtype);
    if (size === 1) {
      const value = shader.isScalar(output.buffer)
        ? shader.scalarWord(output.offset)
        : bits(shader.start(output));
      single.push(`  ${ring}[${place}] = ${value};`);
    } else {
      const statement = `${ring}[${place} + e] = ${bits(`${shader.start(output)} + e`)};`;
      several.push(`if (e < ${size}u) {\n${indent(statement)}\n}`);
    }
    column += size;
  }
  if (several.length === 0) {
    return { groups: 1, code: ["if (lane == 0u) {", ...single, "}"].join("\n") };
  }
  const longest = Math.max(...outputs.map(({ shape }) => sizeOf(shape)));
  const first = single.length > 0 ? ["if (e == 0u) {", ...single, "}"] : [];
  return {
    groups: Math.ceil(longest / lanes),
    code: [`let e = group * ${lanes}u + lane;`, ...first, ...several].join("\n"),
  };
}
