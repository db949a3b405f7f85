import { sizeOf } from "../../core/graph/shape.ts";
import { indent } from "../shader_builder.ts";
import { countedLoop } from "./counted_loop.ts";
import { emitFinish } from "./finish.ts";
import type { GpuKernel } from "./kernel.ts";
import { literalExpression } from "./literal.ts";
import { declarePair, perElement } from "./loop.ts";

/** Turns in which a row is looked for by halving, at most. */
const halvings = 32;

/**
 * Sums or maxima of rows by segment. A thread an element of the result: it looks for the first row
 * of its segment by halving, as ids rise, and goes through that segment alone, in order. No atomics.
 */
export const segmentKernel: GpuKernel = {
  ownLanes: () => null,
  emit: (shader, call, tuning) => {
    if (call.work.kind !== "structured") throw new Error("Cannot fold segments in another call");
    const { operands: [values, ids, order], output, name: op, attributes } = call.work.call;
    const count = sizeOf(ids.shape);
    const length = sizeOf(output.shape.slice(1));
    const finish = emitFinish(shader, call);
    const pair = declarePair(shader, op === "segmentMax" ? "max" : "sum", "f32");
    const { empty = 0 } = attributes as { empty?: number };
    const rowAt = (k: string) =>
      order ? shader.load(order.buffer, "u32", `${shader.start(order)} + ${k}`) : k;
    const idAt = shader.load(ids.buffer, "u32", `${shader.start(ids)} + row`);
    // A row of an order that is not there belongs to no segment.
    const id = order ? `select(0xffffffffu, ${idAt}, row < ${count}u)` : idAt;
    const at = `${shader.start(values)} + row * ${length}u + column`;
    const lines = [
      `let segment = e / ${length}u;`,
      `let column = e % ${length}u;`,
      "var low = 0u;",
      `var high = ${count}u;`,
      "while (low < high) {",
      "  let middle = (low + high) / 2u;",
      `  let row = ${rowAt("middle")};`,
      `  if (${id} < segment) { low = middle + 1u; } else { high = middle; }`,
      "}",
      `var total = ${literalExpression(shader, empty, "f32")};`,
      ...countedLoop("k", "low", count, [
        `let row = ${rowAt("k")};`,
        `if (${id} != segment) { break; }`,
        `let value = ${shader.load(values.buffer, values.dtype, at)};`,
        `if (k == low) { total = value; } else { total = ${pair}(total, value); }`,
      ]),
      `${finish}(e, total);`,
    ];
    const name = `segment${shader.unique()}`;
    shader.declare(name, `fn ${name}(e: u32) {\n${indent(lines.join("\n"))}\n}`);
    return perElement(sizeOf(output.shape), tuning, `${name}(e);`, count + halvings);
  },
};
