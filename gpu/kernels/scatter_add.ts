import { sizeOf } from "../../core/graph/shape.ts";
import { indent, registerType } from "../shader_builder.ts";
import { countedLoop } from "./counted_loop.ts";
import { emitFinish } from "./finish.ts";
import type { GpuKernel } from "./kernel.ts";
import { perElement, softwareGroups } from "./loop.ts";

/** Threads that keep an adapter busy: where there would be more, each has several rows instead. */
const busyThreads = 1 << 17;
/** Rows of one thread at most. */
const mostRows = 64;

/**
 * Sums rows with equal indices. A thread goes through all indices in order and adds up what belongs
 * to one element of the result, or to those of a column in several rows: no atomics, so that the same
 * bits come out at every run.
 */
export const scatterAddKernel: GpuKernel = {
  ownLanes: () => null,
  emit: (shader, call, tuning) => {
    if (call.work.kind !== "structured") throw new Error("Cannot scatter in another call");
    const { operands: [updates, indices], output } = call.work.call;
    const count = sizeOf(indices.shape);
    const [rows, length] = [output.shape[0], sizeOf(output.shape.slice(1))];
    const busy = tuning.software ? softwareGroups * tuning.lanes : busyThreads;
    const each = Math.max(1, Math.min(mostRows, Math.floor(rows * length / busy)));
    const finish = emitFinish(shader, call);
    const type = registerType(output.dtype);
    const index = shader.load(indices.buffer, "u32", `${shader.start(indices)} + i`);
    const update = shader.load(
      updates.buffer,
      updates.dtype,
      `${shader.start(updates)} + i * ${length}u + column`,
    );
    const lines = [
      `let first = e / ${length}u * ${each}u;`,
      `let column = e % ${length}u;`,
      `var totals: array<${type}, ${each}>;`,
      ...countedLoop("i", "0u", count, [
        `let row = ${index} - first;`,
        `if (row < ${each}u) { totals[row] = totals[row] + ${update}; }`,
      ]),
      `for (var row = 0u; row < min(${each}u, ${rows}u - first); row++) {`,
      `  ${finish}((first + row) * ${length}u + column, totals[row]);`,
      "}",
    ];
    const name = `scatter${shader.unique()}`;
    shader.declare(name, `fn ${name}(e: u32) {\n${indent(lines.join("\n"))}\n}`);
    return perElement(Math.ceil(rows / each) * length, tuning, `${name}(e);`, count + each);
  },
};
