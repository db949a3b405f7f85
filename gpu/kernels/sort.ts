import { indent, type ShaderBuilder } from "../shader_builder.ts";
import type { GpuCall } from "../call.ts";
import type { StructuredCall } from "../../core/graph/call.ts";
import { countedLoop } from "./counted_loop.ts";
import { emitFinish } from "./finish.ts";
import type { GpuKernel } from "./kernel.ts";
import { perElement } from "./loop.ts";

/** Turns in which a place is looked for by halving, at most. */
const halvings = 32;

// A thread an element, which counts those that come before it and so knows its place.

/** Runs, each sorted for itself: an element is compared with each of its run. */
export const sortRunsKernel: GpuKernel = {
  ownLanes: () => null,
  emit: (shader, call, tuning) => {
    const { size, run, key, put, elements } = partsOf(shader, call);
    const name = `sort${shader.unique()}`;
    const lines = [
      `let line = e / ${size}u;`,
      `let element = e % ${size}u;`,
      `let first = element - element % ${run}u;`,
      `let own = ${key}(e);`,
      "var place = first;",
      ...countedLoop("k", "0u", Math.min(run, size), [
        `if (first + k >= ${size}u) { break; }`,
        `let other = ${key}(line * ${size}u + first + k);`,
        "if (other < own || (other == own && first + k < element)) { place++; }",
      ]),
      put("line", "place", "element"),
    ];
    shader.declare(name, `fn ${name}(e: u32) {\n${indent(lines.join("\n"))}\n}`);
    return perElement(elements, tuning, `${name}(e);`, Math.min(run, size));
  },
};

/** Two neighbouring runs as one: an element looks for its place in the other run by halving. */
export const mergeRunsKernel: GpuKernel = {
  ownLanes: () => null,
  emit: (shader, call, tuning) => {
    const { size, run, key, put, elements, order } = partsOf(shader, call);
    const name = `merge${shader.unique()}`;
    const at = (place: string) =>
      shader.load(order.buffer, "u32", `${shader.start(order)} + line * ${size}u + ${place}`);
    const lines = [
      `let line = e / ${size}u;`,
      `let place = e % ${size}u;`,
      `let element = ${at("place")};`,
      `let own = ${key}(line * ${size}u + element);`,
      `let start = place - place % ${run}u;`,
      `let isLeft = start % ${2 * run}u == 0u;`,
      `let first = select(start - ${run}u, min(start + ${run}u, ${size}u), isLeft);`,
      "var low = first;",
      `var high = min(first + ${run}u, ${size}u);`,
      "while (low < high) {",
      "  let middle = (low + high) / 2u;",
      `  let other = ${key}(line * ${size}u + ${at("middle")});`,
      // Elements of the left run stood before those of the right one.
      "  if (other < own || (other == own && !isLeft)) { low = middle + 1u; }",
      "  else { high = middle; }",
      "}",
      put("line", "min(start, first) + place - start + low - first", "element"),
    ];
    shader.declare(name, `fn ${name}(e: u32) {\n${indent(lines.join("\n"))}\n}`);
    return perElement(elements, tuning, `${name}(e);`, halvings);
  },
};

function partsOf(shader: ShaderBuilder, call: GpuCall) {
  if (call.work.kind !== "structured") throw new Error("Cannot sort in another call");
  const { operands: [x, order], attributes } = call.work.call as StructuredCall;
  const { run, descending } = attributes as { run: number; descending: boolean };
  const [lines, size] = x.shape;
  const finish = emitFinish(shader, call);
  const key = `key${shader.unique()}`;
  const value = shader.load(x.buffer, x.dtype, `${shader.start(x)} + i`);
  const body = [
    `let bits = bitcast<u32>(${value});`,
    "let size = bits & 0x7fffffffu;",
    "var key = select(bits | 0x80000000u, ~bits, bits > 0x7fffffffu);",
    "if (size == 0u) { key = 0x80000000u; }",
    "if (size > 0x7f800000u) { key = 0xffffffffu; }",
    `return ${descending ? "~key" : "key"};`,
  ];
  shader.declare(key, `fn ${key}(i: u32) -> u32 {\n${indent(body.join("\n"))}\n}`);
  return {
    ...{ size, run, key, order, elements: lines * size },
    /** An element's place, and who is there. */
    put: (line: string, place: string, element: string) =>
      [
        `let found = ${place};`,
        `${finish}(${line} * ${size}u + found, ${element});`,
        `${finish}(${lines * size}u + ${line} * ${size}u + ${element}, found);`,
      ].join("\n"),
  };
}
