import type { GpuKernel } from "./kernel.ts";
import type { Tuning } from "../tuning.ts";
import { indent } from "../shader_builder.ts";
import { emitFinish } from "./finish.ts";

/**
 * How often numbers stand in lines: a workgroup counts as many bins of a line as fit into the memory that
 * its threads share. Whole numbers add up to the same in any order.
 */
export const bincountKernel: GpuKernel = {
  ownLanes: (_call, _slices, tuning) => lanesFor(tuning),
  emit: (shader, call, tuning) => {
    if (call.work.kind !== "structured") throw new Error("Cannot count in another call");
    const { operands: [x], output } = call.work.call;
    const [lines, size] = x.shape;
    const bins = output.shape[1];
    const lanes = lanesFor(tuning);
    const most = Math.min(bins, Math.floor(tuning.sharedBytes / 4));
    const tiles = Math.ceil(bins / most);
    const counts = shader.shared("atomic<u32>", most);
    const finish = emitFinish(shader, call);
    const value = shader.load(x.buffer, "u32", `${shader.start(x)} + line * ${size}u + i`);
    const each = (name: string, count: number, body: string) =>
      `for (var ${name} = lane; ${name} < ${count}u; ${name} += ${lanes}u) {\n${indent(body)}\n}`;
    const code = [
      `let line = group / ${tiles}u;`,
      `let first = group % ${tiles}u * ${most}u;`,
      each(
        "i",
        size,
        `let bin = ${value} - first;\nif (bin < ${most}u) { atomicAdd(&${counts}[bin], 1u); }`,
      ),
      "workgroupBarrier();",
      each(
        "bin",
        most,
        `if (first + bin < ${bins}u) {\n` +
          `  ${finish}(line * ${bins}u + first + bin, atomicLoad(&${counts}[bin]));\n}`,
      ),
    ];
    return { groups: lines * tiles, code: code.join("\n"), lanes };
  },
};

function lanesFor({ invocations }: Tuning): number {
  return Math.min(invocations, 256);
}
