import { sizeOf } from "../../core/graph/shape.ts";
import { indent, registerType } from "../shader_builder.ts";
import { countedLoop } from "./counted_loop.ts";
import { emitFinish } from "./finish.ts";
import type { GpuKernel } from "./kernel.ts";
import { perElement } from "./loop.ts";

/**
 * Sums rows with equal indices. A thread an element of the result goes through all indices in
 * order: no atomics, so that the same bits come out at every run.
 */
export const scatterAddKernel: GpuKernel = {
  ownLanes: () => null,
  emit: (shader, call, tuning) => {
    if (call.work.kind !== "structured") throw new Error("Cannot scatter in another call");
    const { operands: [updates, indices], output } = call.work.call;
    const count = sizeOf(indices.shape);
    const length = sizeOf(output.shape.slice(1));
    const finish = emitFinish(shader, call);
    const type = registerType(output.dtype);
    const index = shader.load(indices.buffer, "u32", `${shader.start(indices)} + i`);
    const update = shader.load(
      updates.buffer,
      updates.dtype,
      `${shader.start(updates)} + i * ${length}u + column`,
    );
    const lines = [
      `let row = e / ${length}u;`,
      `let column = e % ${length}u;`,
      `var total = ${type}();`,
      ...countedLoop("i", "0u", count, [
        `if (${index} == row) { total = total + ${update}; }`,
      ]),
      `${finish}(e, total);`,
    ];
    const name = `scatter${shader.unique()}`;
    shader.declare(name, `fn ${name}(e: u32) {\n${indent(lines.join("\n"))}\n}`);
    return perElement(sizeOf(output.shape), tuning, `${name}(e);`, count);
  },
};
