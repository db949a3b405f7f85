import type { DType } from "../../core/graph/dtype.ts";
import { sizeOf } from "../../core/graph/shape.ts";
import { fromBits, indent, registerType } from "../shader_builder.ts";
import { emitFinish } from "./finish.ts";
import type { GpuKernel } from "./kernel.ts";
import { literalExpression } from "./literal.ts";
import { perElement } from "./loop.ts";

/** Rows of a data set, picked by an order and converted on the way; a thread an element. */
export const gatherKernel: GpuKernel = {
  ownLanes: () => null,
  emit: (shader, call, tuning) => {
    if (call.work.kind !== "structured") throw new Error("Cannot gather in another call");
    const { operands: [data, indices, start], output, attributes } = call.work.call;
    const rows = data.shape[0];
    const length = sizeOf(data.shape.slice(1));
    const finish = emitFinish(shader, call);
    const floating = output.dtype === "f32";
    const first = start
      ? shader.isScalar(start.buffer)
        ? shader.scalarWord(start.offset)
        : shader.load(start.buffer, "u32", shader.start(start))
      : "0u";
    const element = shader.load(
      data.buffer,
      data.dtype,
      `${shader.start(data)} + index * ${length}u + e % ${length}u`,
    );
    const scale = (attributes.scale as number | undefined) ?? 1;
    const offset = (attributes.offset as number | undefined) ?? 0;
    const converted = convert(element, data.dtype, output.dtype);
    const value = floating && (scale !== 1 || offset !== 0)
      ? `${converted} * ${literalExpression(shader, scale, "f32")} + ` +
        literalExpression(shader, offset, "f32")
      : converted;
    // A NaN as a float, the largest number as an index: neither passes unseen.
    const refused = floating
      ? literalExpression(shader, NaN, "f32")
      : fromBits("0xffffffffu", output.dtype);
    const lines = [
      `let position = ${first} + e / ${length}u;`,
      `if (position >= ${sizeOf(indices.shape)}u) {`,
      `  ${finish}(e, ${refused});`,
      "  return;",
      "}",
      `let index = ${shader.load(indices.buffer, "u32", `${shader.start(indices)} + position`)};`,
      `if (index >= ${rows}u) {`,
      `  ${finish}(e, ${refused});`,
      "  return;",
      "}",
      `${finish}(e, ${value});`,
    ];
    const name = `gather${shader.unique()}`;
    shader.declare(name, `fn ${name}(e: u32) {\n${indent(lines.join("\n"))}\n}`);
    return perElement(sizeOf(output.shape), tuning.lanes, `${name}(e);`);
  },
};

function convert(value: string, from: DType, to: DType): string {
  const [source, target] = [registerType(from), registerType(to)];
  return source === target ? value : `${target}(${value})`;
}
