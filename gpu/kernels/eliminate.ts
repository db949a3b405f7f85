import { indent } from "../shader_builder.ts";
import type { Tuning } from "../tuning.ts";
import { emitFinish } from "./finish.ts";
import type { GpuKernel } from "./kernel.ts";

/** Systems of linear equations: a workgroup has a matrix and what stands to its right in its memory. */
export const eliminateKernel: GpuKernel = {
  ownLanes: (_call, _slices, tuning) => lanesFor(tuning),
  emit: (shader, call, tuning) => {
    if (call.work.kind !== "structured") throw new Error("Cannot eliminate in another call");
    const { operands: [a, b], output } = call.work.call;
    const [batch, size, outputs] = output.shape;
    const columns = outputs - 1;
    const width = size + columns;
    checkShared(size, columns, tuning);
    const lanes = lanesFor(tuning);
    const work = shader.shared("f32", size * width);
    // The row of the pivot is found by one thread, and each pivot's sign is kept for the end.
    const best = shader.shared("u32", 1);
    const signs = shader.shared("f32", size);
    const finish = emitFinish(shader, call);
    const each = (name: string, first: string, count: string, body: readonly string[]) => [
      `for (var ${name} = ${first} + lane; ${name} < ${count}; ${name} += ${lanes}u) {`,
      indent(body.join("\n")),
      "}",
    ];
    const right = b
      ? shader.load(
        b.buffer,
        b.dtype,
        `${shader.start(b)} + (group * ${size}u + i / ${width}u) * ${columns}u + column - ${size}u`,
      )
      : "0.0";
    const left = shader.load(
      a.buffer,
      a.dtype,
      `${shader.start(a)} + (group * ${size}u + i / ${width}u) * ${size}u + column`,
    );
    const code = [
      ...each("i", "0u", `${size * width}u`, [
        `let column = i % ${width}u;`,
        `if (column < ${size}u) { ${work}[i] = ${left}; } else { ${work}[i] = ${right}; }`,
      ]),
      "workgroupBarrier();",
      `for (var k = 0u; k < ${size}u; k++) {`,
      indent([
        "if (lane == 0u) {",
        "  var found = k;",
        "  var largest = -1.0;",
        `  for (var row = k; row < ${size}u; row++) {`,
        `    let value = abs(${work}[row * ${width}u + k]);`,
        "    if (value > largest) { largest = value; found = row; }",
        "  }",
        `  ${best}[0] = found;`,
        `  ${signs}[k] = select(-1.0, 1.0, found == k);`,
        "}",
        "workgroupBarrier();",
        `let other = ${best}[0];`,
        ...each("j", "0u", `${width}u`, [
          `let mine = ${work}[k * ${width}u + j];`,
          `${work}[k * ${width}u + j] = ${work}[other * ${width}u + j];`,
          `if (other != k) { ${work}[other * ${width}u + j] = mine; }`,
        ]),
        "workgroupBarrier();",
        `let pivot = ${work}[k * ${width}u + k];`,
        // Of no pivot at all nothing can be taken off: the determinant is 0.
        ...each("i", "0u", `${size * width}u`, [
          `let row = i / ${width}u;`,
          `let j = i % ${width}u;`,
          "if (!(pivot == 0.0) && row != k && j > k) {",
          `  let factor = ${work}[row * ${width}u + k] / pivot;`,
          `  ${work}[i] = ${work}[i] - factor * ${work}[k * ${width}u + j];`,
          "}",
        ]),
        "workgroupBarrier();",
      ].join("\n")),
      "}",
      ...each("i", "0u", `${size * outputs}u`, [
        `let row = i / ${outputs}u;`,
        `let j = i % ${outputs}u;`,
        `let pivot = ${work}[row * ${width}u + row];`,
        ...(columns > 0
          ? [
            `let solved = ${work}[row * ${width}u + ${size}u + min(j, ${columns - 1}u)] / pivot;`,
            `let value = select(solved, ${signs}[row] * pivot, j == ${columns}u);`,
          ]
          : [`let value = ${signs}[row] * pivot;`]),
        `${finish}(group * ${size * outputs}u + i, value);`,
      ]),
    ];
    return { groups: batch, code: code.join("\n"), lanes };
  },
};

function checkShared(size: number, columns: number, { sharedBytes }: Tuning): void {
  const bytes = 4 * (size * (size + columns) + size + 1);
  if (bytes <= sharedBytes) return;
  throw new RangeError(
    `Cannot solve for matrices [${size}, ${size}]${
      columns > 0 ? ` and [${size}, ${columns}]` : ""
    } on this WebGPU adapter as a workgroup shares ${sharedBytes} bytes, and they need ${bytes}: use ` +
      `smaller ones, or the device "cpu"`,
  );
}

function lanesFor({ invocations }: Tuning): number {
  return Math.min(invocations, 64);
}
