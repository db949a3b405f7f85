import type { StridedOperand, StructuredCall } from "../../core/graph/call.ts";
import type { GpuCall } from "../call.ts";
import { indent, type ShaderBuilder } from "../shader_builder.ts";
import type { Tuning } from "../tuning.ts";
import { keepNaN } from "./body.ts";
import { countedLoop } from "./counted_loop.ts";
import { emitFinish } from "./finish.ts";
import type { GpuKernel } from "./kernel.ts";
import { literalExpression } from "./literal.ts";

/** A logarithm of 0 with which one can still reckon. */
const impossible = "-1e30f";

/**
 * Logarithms of all paths: a workgroup takes a row of the batch through all steps, with those to
 * each state in memory that its threads share.
 */
export const ctcPathsKernel: GpuKernel = {
  ownLanes: ({ output }, _slices, tuning) => lanesFor(output.shape[2], tuning),
  emit: (shader, call, tuning) => {
    const { operands, output, maskIndex } = callOf(call);
    const width = output.shape[2];
    const row = declareRow(shader, operands, maskIndex);
    const { lanes, turns, each } = threadsFor(width, tuning);
    checkShared(width, 1, tuning);
    const paths = shader.shared("f32", width);
    const finish = emitFinish(shader, call);
    const store = (step: string, value: string) =>
      `${finish}((group * ${row.steps + 1}u + ${step}) * ${width}u + s, ${value});`;
    const back = (states: number) => `${paths}[max(s, ${states}u) - ${states}u]`;
    const code = [
      `let states = ${row.states}(group);`,
      ...turns.map((turn) => `var next${turn} = 0.0;`),
      ...each(() => [
        `${paths}[s] = select(${impossible}, 0.0, s == 0u);`,
        store("0u", `${paths}[s]`),
      ]),
      "workgroupBarrier();",
      ...block(`for (var step = 0u; step < ${row.steps}u; step++)`, [
        `let live = ${row.live("step")};`,
        ...each((turn) => [
          `next${turn} = ${paths}[s];`,
          ...block("if (live)", [
            `let one = select(${impossible}, ${back(1)}, s > 0u);`,
            `let two = select(${impossible}, ${back(2)}, ${row.skips}(group, s));`,
            `next${turn} = ${impossible};`,
            ...block("if (s < states)", [
              `next${turn} = ${row.logSum}(${paths}[s], one, two) + ${row.log}(group, step, s);`,
            ]),
          ]),
          store("step + 1u", `next${turn}`),
        ]),
        "workgroupBarrier();",
        ...each((turn) => [`${paths}[s] = next${turn};`]),
        "workgroupBarrier();",
      ]),
    ];
    return { groups: row.batch, code: code.join("\n"), lanes };
  },
};

/** The way back: how likely each class is at each step, with what is to come of each state shared. */
export const ctcPosteriorsKernel: GpuKernel = {
  ownLanes: ({ operands }, _slices, tuning) => lanesFor(operands[0].shape[2], tuning),
  emit: (shader, call, tuning) => {
    const { operands: [paths, ...rest], maskIndex } = callOf(call);
    const width = paths.shape[2];
    const row = declareRow(shader, rest, maskIndex);
    const { lanes, turns, each } = threadsFor(width, tuning);
    checkShared(width, 2, tuning);
    const onward = shader.shared("f32", width);
    const likely = shader.shared("f32", width);
    const finish = emitFinish(shader, call);
    const looks = tuning.software ? row.steps * Math.ceil(row.classes / lanes) * width : 0;
    const known = (step: string, state: string) =>
      shader.load(
        paths.buffer,
        "f32",
        `${shader.start(paths)} + (group * ${row.steps + 1}u + ${step}) * ${width}u + ${state}`,
      );
    const ahead = (states: number) =>
      `${onward}[min(s + ${states}u, ${width - 1}u)] + ${row.log}(group, step, s + ${states}u)`;
    const code = [
      `let states = ${row.states}(group);`,
      `let last = ${known(`${row.steps}u`, "states - 1u")};`,
      `let other = ${known(`${row.steps}u`, "max(states, 2u) - 2u")};`,
      `let total = ${row.logSum}(last, select(${impossible}, other, states > 1u), ${impossible});`,
      "let possible = total > -5e29f;",
      ...turns.map((turn) => `var next${turn} = 0.0;`),
      ...each(() => [`${onward}[s] = select(${impossible}, 0.0, s + 2u >= states);`]),
      "workgroupBarrier();",
      ...block(`for (var back = 0u; back < ${row.steps}u; back++)`, [
        `let step = ${row.steps - 1}u - back;`,
        `let live = possible && ${row.live("step")};`,
        ...each((turn) => [
          `${likely}[s] = 0.0;`,
          `next${turn} = ${onward}[s];`,
          ...block("if (live && s < states)", [
            `${likely}[s] = exp(${known("step + 1u", "s")} + ${onward}[s] - total);`,
            `let stay = ${ahead(0)};`,
            `let one = select(${impossible}, ${ahead(1)}, s + 1u < states);`,
            `let two = select(${impossible}, ${
              ahead(2)
            }, s + 2u < states && ${row.skips}(group, s + 2u));`,
            `next${turn} = ${row.logSum}(stay, one, two);`,
          ]),
        ]),
        "workgroupBarrier();",
        ...each((turn) => [`${onward}[s] = next${turn};`]),
        // A class may stand in several states.
        ...block(`for (var index = lane; index < ${row.classes}u; index += ${lanes}u)`, [
          "var sum = 0.0;",
          ...countedLoop("s", "0u", width, [
            "if (s >= states) { break; }",
            `if (${row.classOf}(group, s) == index) { sum += ${likely}[s]; }`,
          ], looks),
          `${finish}((group * ${row.steps}u + step) * ${row.classes}u + index, sum);`,
        ]),
        "workgroupBarrier();",
      ]),
    ];
    return { groups: row.batch, code: code.join("\n"), lanes };
  },
};

function callOf({ work }: GpuCall): StructuredCall & { maskIndex: number } {
  if (work.kind !== "structured") throw new Error("Cannot step through another call");
  return { ...work.call, maskIndex: work.call.attributes.maskIndex as number };
}

/** Declares the functions of a row of the batch, of `[logarithms, labels, mask?]`. */
function declareRow(
  shader: ShaderBuilder,
  [given, labels, mask]: readonly StridedOperand[],
  maskIndex: number,
) {
  const [batch, steps, classes] = given.shape;
  const own = shader.unique();
  const declare = (name: string, signature: string, lines: readonly string[]) => {
    shader.declare(`${name}${own}`, block(`fn ${name}${own}${signature}`, lines).join("\n"));
    return `${name}${own}`;
  };
  const read = (operand: StridedOperand, dtype: "f32" | "i32", index: string) =>
    shader.load(operand.buffer, dtype, `${shader.start(operand)} + ${index}`);
  const label = (place: string) =>
    `u32(${read(labels, "i32", `row * ${labels.shape[1]}u + ${place}`)})`;
  const states = declare("states", "(row: u32) -> u32", [
    "var states = 1u;",
    ...block(`for (var place = 0u; place < ${labels.shape[1]}u; place++)`, [
      `if (${label("place")} != ${maskIndex}u) { states += 2u; }`,
    ]),
    "return states;",
  ]);
  const classOf = declare("classOf", "(row: u32, s: u32) -> u32", [
    `if ((s & 1u) == 0u) { return ${maskIndex}u; }`,
    `return ${label("s / 2u")};`,
  ]);
  return {
    batch,
    steps,
    classes,
    states,
    classOf,
    /** Whether a state may come right behind the last one but one. */
    skips: declare("skips", "(row: u32, s: u32) -> bool", [
      "if ((s & 1u) == 0u || s < 2u) { return false; }",
      `return ${classOf}(row, s) != ${classOf}(row, s - 2u);`,
    ]),
    /** The logarithm of a state's class at a step; NaN of a class that is none. */
    log: declare("logOf", "(row: u32, step: u32, s: u32) -> f32", [
      `let index = ${classOf}(row, s);`,
      `if (index >= ${classes}u) { return ${literalExpression(shader, NaN, "f32")}; }`,
      `return ${read(given, "f32", `(row * ${steps}u + step) * ${classes}u + index`)};`,
    ]),
    logSum: declare("logSum", "(a: f32, b: f32, c: f32) -> f32", [
      keepNaN(shader, "let largest = max(max(a, b), c);"),
      "if (largest < -5e29f) { return largest; }",
      "return largest + log(exp(a - largest) + exp(b - largest) + exp(c - largest));",
    ]),
    /** Whether a step counts. */
    live: (step: string) =>
      mask ? `${read(mask, "f32", `group * ${steps}u + ${step}`)} != 0.0` : "true",
  };
}

/** How the threads of a workgroup share the states. */
function threadsFor(width: number, tuning: Tuning) {
  const lanes = lanesFor(width, tuning);
  const turns = Array.from({ length: Math.ceil(width / lanes) }, (_, turn) => turn);
  const each = (body: (turn: number) => readonly string[]) =>
    turns.flatMap((turn) =>
      block(`if (lane + ${turn * lanes}u < ${width}u)`, [
        `let s = lane + ${turn * lanes}u;`,
        ...body(turn),
      ])
    );
  return { lanes, turns, each };
}

function lanesFor(width: number, tuning: Tuning): number {
  return Math.min(tuning.invocations, 256, Math.ceil(width / 32) * 32);
}

/** Refuses labels whose states do not fit into the memory that a workgroup shares. */
function checkShared(width: number, arrays: number, { sharedBytes }: Tuning): void {
  if (width * arrays * 4 <= sharedBytes) return;
  throw new RangeError(
    `Cannot run ctcLoss of ${
      (width - 1) / 2
    } labels on this WebGPU adapter as a workgroup shares ` +
      `${sharedBytes} bytes, enough for ${
        Math.floor((sharedBytes / arrays / 4 - 1) / 2)
      } labels: ` +
      `use fewer, or the device "cpu"`,
  );
}

/** Statements within braces. */
function block(head: string, lines: readonly string[]): string[] {
  return [`${head} {`, ...lines.map((line) => indent(line)), "}"];
}
