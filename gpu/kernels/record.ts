import { type GpuCall, recordMemory } from "../call.ts";
import type { ShaderBuilder } from "../shader_builder.ts";
import { toBits } from "../shader_builder.ts";
import type { Section } from "./kernel.ts";

/** Copies a step's recorded outputs into the row that the step's scalar block names. */
export function emitRecord(shader: ShaderBuilder, call: GpuCall, rowWord: number): Section {
  if (call.work.kind !== "record") throw new Error("Cannot record in another call");
  const { outputs } = call.work;
  const ring = shader.memory(recordMemory, true);
  const row = shader.scalarWord(rowWord);
  const lines = outputs.map((output, column) => {
    const bits = shader.isScalar(output.buffer)
      ? shader.scalarWord(output.offset)
      : toBits(shader.load(output.buffer, output.dtype, shader.start(output)), output.dtype);
    return `  ${ring}[${row} * ${outputs.length}u + ${column}u] = ${bits};`;
  });
  return { groups: 1, code: ["if (lane == 0u) {", ...lines, "}"].join("\n") };
}
