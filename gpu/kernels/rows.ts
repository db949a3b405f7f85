import type { LoopKernel, LoopOperand } from "../../core/graph/loop.ts";
import { sizeOf } from "../../core/graph/shape.ts";
import { type GpuCall, isContiguous, placeKey, type RowWork, touchedBy } from "../call.ts";
import { matmulSizes, matrixOf } from "../matrix.ts";
import { splitRows } from "../row_access.ts";
import { indent, registerType, type ShaderBuilder, times } from "../shader_builder.ts";
import type { Tuning } from "../tuning.ts";
import { emitBody, type RowPlace } from "./body.ts";
import type { Section } from "./kernel.ts";
import { literalExpression } from "./literal.ts";
import { declarePair, neutralElement, perElement } from "./loop.ts";

/**
 * Columns of a product that a thread adds up at once. A software adapter, which has no registers to
 * lose, reads the row and goes round the loop half as often with 16.
 */
const mostColumns = { hardware: 8, software: 16 };

/** What the emitters of a row's calls share. */
interface RowContext extends RowPlace {
  readonly shader: ShaderBuilder;
  readonly work: RowWork;
  /** See {@link mostColumns}. */
  readonly columns: number;
  /** Buffers whose row is read again, and kept. */
  readonly arrays: ReadonlySet<number>;
}

/** Emits calls that work row by row: a thread a row, which it keeps in arrays of its own. */
export function emitRows(shader: ShaderBuilder, call: GpuCall, tuning: Tuning): Section {
  if (call.work.kind !== "rows") throw new Error("Cannot emit another call row by row");
  const { work } = call;
  const read = new Set(work.calls.flatMap((part) => touchedBy(part).reads.map((r) => r.buffer)));
  const arrays = new Set([...work.own.keys()].filter((buffer) => read.has(buffer)));
  const own = new Map([...work.own.keys()].map((buffer) => [buffer, `row${shader.unique()}`]));
  for (const buffer of arrays) {
    const type = registerType(shader.dtype(buffer));
    const name = own.get(buffer)!;
    shader.declare(name, `var<private> ${name}: array<${type}, ${work.own.get(buffer)}>;`);
  }
  const columns = tuning.software ? mostColumns.software : mostColumns.hardware;
  const context: RowContext = { shader, work, columns, index: "row", own, arrays };
  const steps = work.calls.map((part) => {
    const step = emitCall(context, part);
    return `{\n${indent(step.join("\n"))}\n}`;
  });
  const name = `rows${shader.unique()}`;
  shader.declare(name, `fn ${name}(row: u32) {\n${indent(steps.join("\n"))}\n}`);
  const turns = work.calls.reduce((sum, part) => sum + turnsOf(context, part), 0);
  return perElement(work.rows, tuning, `${name}(e);`, turns);
}

function emitCall(context: RowContext, call: GpuCall): string[] {
  if (call.work.kind === "structured") return emitProduct(context, call);
  if (call.work.kind !== "loop") throw new Error(`Cannot emit ${call.label} row by row`);
  const kernel = splitRows(call.work.kernel, context.work.rows)!;
  return kernel.reducer ? emitFold(context, call, kernel) : emitLoop(context, kernel);
}

/** Turns that the loops of a call take for a row, about as many as the statements below say. */
function turnsOf({ work, columns }: RowContext, call: GpuCall): number {
  if (call.work.kind === "structured") {
    const sizes = matmulSizes(call.work.call);
    return Math.ceil(sizes.columns / columns) * (1 + sizes.inner + columns);
  }
  if (call.work.kind !== "loop") return 0;
  const { shape, reduced } = call.work.kernel;
  const each = sizeOf(shape) / work.rows;
  return reduced > 0 ? 2 * each : each;
}

/** A product with a row: some columns at a time. */
function emitProduct(context: RowContext, call: GpuCall): string[] {
  if (call.work.kind !== "structured") throw new Error("Cannot multiply in another call");
  const { shader } = context;
  const [a, b] = call.work.call.operands;
  const { columns, inner } = matmulSizes(call.work.call);
  const [left, right] = [matrixOf(a), matrixOf(b)];
  const own = context.own.get(a.buffer);
  const x = own ? `${own}[${a.offset}u + ${times("k", left.columnStride)}]` : shader.load(
    a.buffer,
    "f32",
    `${shader.start(a)} + ${times("row", left.rowStride)} + ${times("k", left.columnStride)}`,
  );
  const across = Math.ceil(columns / Math.ceil(columns / context.columns));
  const whole = columns % across === 0;
  const block = Array.from({ length: across }, (_, j) => j);
  // The last block begins early, so that each column is a column of the operand.
  const first = whole ? "j" : `min(j, ${columns - across}u)`;
  const start = shader.start(b);
  const y = (j: number) =>
    shader.load(
      b.buffer,
      "f32",
      `${start} + ${times(`(column + ${j}u)`, right.columnStride)} + ${
        times("k", right.rowStride)
      }`,
    );
  const finish = emitResult(context, call);
  return [
    `for (var j = 0u; j < ${columns}u; j += ${across}u) {`,
    `  let column = ${first};`,
    `  var sums = array<f32, ${across}>();`,
    ...block.map((j) => `  var c${j} = 0.0;`),
    `  for (var k = 0u; k < ${inner}u; k++) {`,
    `    let x = ${x};`,
    ...block.map((j) => `    c${j} = c${j} + x * ${y(j)};`),
    "  }",
    ...block.map((j) => `  sums[${j}] = c${j};`),
    `  for (var n = 0u; n < ${across}u; n++) { ${finish}(row, column + n, sums[n]); }`,
    "}",
  ];
}

function emitFold(context: RowContext, call: GpuCall, kernel: LoopKernel): string[] {
  const { shader } = context;
  const [store] = kernel.stores;
  const split = kernel.shape.length - kernel.reduced;
  const pair = declarePair(shader, kernel.reducer!, store.dtype);
  const start = neutralElement(kernel.reducer!, store.dtype);
  const body = emitBody(shader, kernel, { prefix: "", element: "c", folded: "r", row: context });
  const finish = emitResult(context, call);
  return [
    `for (var c = 0u; c < ${sizeOf(kernel.shape.slice(1, split))}u; c++) {`,
    `  var total = ${literalExpression(shader, start, store.dtype)};`,
    `  for (var r = 0u; r < ${sizeOf(kernel.shape.slice(split))}u; r++) {`,
    ...body.lines.map((line) => `    ${line}`),
    `    total = ${pair}(total, ${body.values[store.value]});`,
    "  }",
    `  ${finish}(row, c, total);`,
    "}",
  ];
}

function emitLoop(context: RowContext, kernel: LoopKernel): string[] {
  const lines = emitElement(context, kernel, "");
  const size = sizeOf(kernel.shape.slice(1));
  return [`for (var c = 0u; c < ${size}u; c++) {`, indent(lines.join("\n")), "}"];
}

/** A function of a row, the element in it, and its value, which is stored and goes into the tails. */
function emitResult(context: RowContext, call: GpuCall): string {
  const { shader, work } = context;
  const result = call.result!;
  const name = `finish${shader.unique()}`;
  const known = new Map([[placeKey(result), "value"]]);
  const lines = [
    ...(call.stored ? emitStore(context, result, "c", "value") : []),
    ...call.tails.flatMap((tail, number) =>
      emitElement(context, splitRows(tail, work.rows)!, `t${number}`, known)
    ),
  ];
  const type = registerType(result.dtype);
  shader.declare(
    name,
    `fn ${name}(row: u32, c: u32, value: ${type}) {\n${indent(lines.join("\n"))}\n}`,
  );
  return name;
}

/** An unfolded loop at element `c` of the row. */
function emitElement(
  context: RowContext,
  kernel: LoopKernel,
  prefix: string,
  known: Map<string, string> = new Map(),
): string[] {
  const body = emitBody(context.shader, kernel, {
    prefix,
    element: "c",
    row: context,
    known: (load) => isContiguous(load, kernel) ? known.get(placeKey(load)) ?? null : null,
  });
  const stores = kernel.stores.flatMap((store) => {
    const value = body.values[store.value];
    if (isContiguous(store, kernel)) known.set(placeKey(store), value);
    return emitStore(context, store, body.address(store), value);
  });
  return [...body.lines, ...stores];
}

/** Keeps a value for the calls that follow, and stores it if others read it. */
function emitStore(
  { shader, work, own, arrays }: RowContext,
  { buffer, dtype }: Pick<LoopOperand, "buffer" | "dtype">,
  index: string,
  value: string,
): string[] {
  const keep = (kept: string) =>
    arrays.has(buffer) ? [`${own.get(buffer)}[${index}] = ${kept};`] : [];
  if (work.hidden.has(buffer)) return keep(value);
  // Others look for what is found here, as for the places of largest values: they must read the same.
  const lines = keep(shader.rounded(buffer, value));
  const row = times("row", work.own.get(buffer)!);
  const at = `${shader.start({ buffer, offset: 0 })} + ${row} + ${index}`;
  return [...lines, shader.store(buffer, dtype, at, value)];
}
