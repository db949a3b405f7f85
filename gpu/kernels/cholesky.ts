import { indent } from "../shader_builder.ts";
import type { Tuning } from "../tuning.ts";
import { emitFinish } from "./finish.ts";
import type { GpuKernel } from "./kernel.ts";
import { literalExpression } from "./literal.ts";

/** Roots of symmetric matrices, column by column: a workgroup has a matrix in its memory. */
export const choleskyKernel: GpuKernel = {
  ownLanes: (_call, _slices, tuning) => lanesFor(tuning),
  emit: (shader, call, tuning) => {
    if (call.work.kind !== "structured") throw new Error("Cannot find roots in another call");
    const { operands: [a], output: { shape: [batch, size] } } = call.work.call;
    if (4 * size * size > tuning.sharedBytes) {
      throw new RangeError(
        `Cannot apply cholesky to matrices [${size}, ${size}] on this WebGPU adapter as a workgroup ` +
          `shares ${tuning.sharedBytes} bytes: use smaller ones, or the device "cpu"`,
      );
    }
    const lanes = lanesFor(tuning);
    const root = shader.shared("f32", size * size);
    const finish = emitFinish(shader, call);
    const value = shader.load(
      a.buffer,
      a.dtype,
      `${shader.start(a)} + group * ${size * size}u + i`,
    );
    const each = (name: string, first: string, count: number, body: readonly string[]) => [
      `for (var ${name} = ${first} + lane; ${name} < ${count}u; ${name} += ${lanes}u) {`,
      indent(body.join("\n")),
      "}",
    ];
    // Each thread finds the diagonal for itself: nobody has to wait for it.
    const left = (name: string, row: string) => [
      `var ${name} = ${root}[${row} * ${size}u + j];`,
      `for (var k = 0u; k < j; k++) {`,
      `  ${name} -= ${root}[${row} * ${size}u + k] * ${root}[j * ${size}u + k];`,
      "}",
    ];
    const code = [
      ...each("i", "0u", size * size, [`${root}[i] = ${value};`]),
      "workgroupBarrier();",
      `for (var j = 0u; j < ${size}u; j++) {`,
      indent([
        ...left("square", "j"),
        `let diagonal = select(${
          literalExpression(shader, NaN, "f32")
        }, sqrt(square), square > 0.0);`,
        "workgroupBarrier();",
        ...each("row", "j", size, [
          ...left("rest", "row"),
          `${root}[row * ${size}u + j] = select(rest / diagonal, diagonal, row == j);`,
        ]),
        "workgroupBarrier();",
      ].join("\n")),
      "}",
      ...each("i", "0u", size * size, [
        `${finish}(group * ${
          size * size
        }u + i, select(${root}[i], 0.0, i % ${size}u > i / ${size}u));`,
      ]),
    ];
    return { groups: batch, code: code.join("\n"), lanes };
  },
};

function lanesFor({ invocations }: Tuning): number {
  return Math.min(invocations, 64);
}
