import type { DType } from "../../core/graph/dtype.ts";
import type { LoopKernel } from "../../core/graph/loop.ts";
import { sizeOf } from "../../core/graph/shape.ts";
import type { GpuCall } from "../call.ts";
import { indent, registerType, type ShaderBuilder } from "../shader_builder.ts";
import type { Tuning } from "../tuning.ts";
import { emitBody } from "./body.ts";
import { mostTurns } from "./counted_loop.ts";
import { emitElement, emitFinish } from "./finish.ts";
import type { Section } from "./kernel.ts";
import { literalExpression } from "./literal.ts";

/** Elements that one thread folds one after the other before a workgroup shares the work. */
const serial = 64;

/** Workgroups that keep all cores of a software adapter busy; each costs as much as some elements. */
export const softwareGroups = 16;

/**
 * Statements that run `statement` for every element `e` of `size`: a thread an element, or a few
 * threads that take turns on an adapter with few cores.
 *
 * @param size Elements.
 * @param tuning The adapter.
 * @param statement What is done with one of them.
 * @param turns Turns that all loops of the statement take together, at most; default 0.
 */
export function perElement(
  size: number,
  { lanes, software }: Tuning,
  statement: string,
  turns = 0,
): Section {
  const groups = Math.ceil(size / lanes);
  const each = Math.max(1, Math.floor(mostTurns / (turns + 1)));
  const busy = Math.max(softwareGroups, Math.ceil(groups / each));
  if (software && groups > busy) {
    const threads = busy * lanes;
    const loop = `for (var e = group * ${lanes}u + lane; e < ${size}u; e += ${threads}u) {\n` +
      `${indent(statement)}\n}`;
    return { groups: busy, code: loop };
  }
  const guarded = size % lanes === 0 ? statement : `if (e < ${size}u) {\n${indent(statement)}\n}`;
  return { groups, code: `let e = group * ${lanes}u + lane;\n${guarded}` };
}

/**
 * Emits a fused loop: one thread an element, or one workgroup an element where many are folded.
 *
 * @param shader Where the functions go.
 * @param call A call of a loop.
 * @param tuning Shapes of kernels.
 * @returns The statements and the number of workgroups.
 */
export function emitLoop(shader: ShaderBuilder, call: GpuCall, tuning: Tuning): Section {
  if (call.work.kind !== "loop") throw new Error("Cannot emit another call as a loop");
  const { kernel, slices } = call.work;
  const size = sizeOf(kernel.shape.slice(0, kernel.shape.length - kernel.reduced));
  if (!kernel.reducer) {
    const name = `loop${shader.unique()}`;
    const lines = emitElement(shader, kernel, "", "e");
    shader.declare(name, `fn ${name}(e: u32) {\n${indent(lines.join("\n"))}\n}`);
    return perElement(size, tuning, `${name}(e);`);
  }
  const fold = emitFold(shader, kernel);
  const finish = emitFinish(shader, call);
  const length = sizeOf(kernel.shape) / Math.max(size, 1);
  const share = Math.ceil(length / slices);
  const parts = slices === 1 ? { element: "e", first: "0u", last: `${length}u` } : {
    element: `e / ${slices}u`,
    first: `e % ${slices}u * ${share}u`,
    last: `min(e % ${slices}u * ${share}u + ${share}u, ${length}u)`,
  };
  if (share <= serial) {
    const value = `${fold.name}(${parts.element}, ${parts.first}, ${parts.last}, 1u)`;
    return perElement(size * slices, tuning, `${finish}(e, ${value});`, share);
  }
  return { groups: size * slices, code: emitTree(shader, kernel, fold, parts, finish, tuning) };
}

interface Fold {
  /** The function that folds a run of a result's values. */
  readonly name: string;
  /** The function that folds two values. */
  readonly pair: string;
  readonly dtype: DType;
}

/** A function that folds values `first`, `first + step`, … of element `e`. */
function emitFold(shader: ShaderBuilder, kernel: LoopKernel): Fold {
  const [store] = kernel.stores;
  const { dtype } = store;
  const type = registerType(dtype);
  const pair = declarePair(shader, kernel.reducer!, dtype);
  const name = `fold${shader.unique()}`;
  const body = emitBody(shader, kernel, { prefix: "", element: "e", folded: "r" });
  const step = [...body.lines, `total = ${pair}(total, ${body.values[store.value]});`].join("\n");
  const start = literalExpression(shader, neutralElement(kernel.reducer!, dtype), dtype);
  shader.declare(
    name,
    `fn ${name}(e: u32, first: u32, last: u32, step: u32) -> ${type} {\n` +
      `  var total = ${start};\n` +
      `  for (var r = first; r < last; r += step) {\n${indent(indent(step))}\n  }\n` +
      "  return total;\n}",
  );
  return { name, pair, dtype };
}

/** One workgroup folds one element: its threads take turns, then meet in a tree of fixed order. */
function emitTree(
  shader: ShaderBuilder,
  kernel: LoopKernel,
  fold: Fold,
  parts: { element: string; first: string; last: string },
  finish: string,
  { lanes }: Tuning,
): string {
  const shared = shader.shared(registerType(kernel.stores[0].dtype), lanes);
  const lines = [
    "let e = group;",
    `${shared}[lane] = ${fold.name}(${parts.element}, ${parts.first} + lane, ${parts.last}, ` +
    `${lanes}u);`,
  ];
  for (let half = lanes / 2; half >= 1; half /= 2) {
    lines.push(
      "workgroupBarrier();",
      `if (lane < ${half}u) { ` +
        `${shared}[lane] = ${fold.pair}(${shared}[lane], ${shared}[lane + ${half}u]); }`,
    );
  }
  lines.push(`if (lane == 0u) { ${finish}(e, ${shared}[0]); }`);
  return lines.join("\n");
}

/** The value that folding begins with. */
export function neutralElement(reducer: "sum" | "max" | "min", dtype: DType): number {
  if (reducer === "sum") return 0;
  const low = dtype === "f32" ? -Infinity : dtype === "i32" ? -(2 ** 31) : 0;
  const high = dtype === "f32" ? Infinity : dtype === "i32" ? 2 ** 31 - 1 : 2 ** 32 - 1;
  return reducer === "max" ? low : high;
}

/** Declares the function that folds two values, and gives its name. */
export function declarePair(
  shader: ShaderBuilder,
  reducer: "sum" | "max" | "min",
  dtype: DType,
): string {
  const type = registerType(dtype);
  const name = `${reducer}_pair_${type}`;
  const plain = reducer === "sum" ? "a + b" : `${reducer}(a, b)`;
  // WGSL's max and min may drop a NaN, and its own tests for one may be optimised away.
  const isNaN = (value: string) => `(bitcast<u32>(${value}) & 0x7fffffffu) > 0x7f800000u`;
  const result = reducer === "sum" || dtype !== "f32"
    ? plain
    : `select(select(${plain}, b, ${isNaN("b")}), a, ${isNaN("a")})`;
  shader.declare(name, `fn ${name}(a: ${type}, b: ${type}) -> ${type} {\n  return ${result};\n}`);
  return name;
}
