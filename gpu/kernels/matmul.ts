import type { GpuCall } from "../call.ts";
import { type MatmulSizes, matmulSizes, type Matrix, matrixOf } from "../matrix.ts";
import { indent, type ShaderBuilder } from "../shader_builder.ts";
import { chooseTile } from "../tiles.ts";
import type { Tuning } from "../tuning.ts";
import { emitFinish } from "./finish.ts";
import type { GpuKernel, Section } from "./kernel.ts";
import { perElement } from "./loop.ts";
import { emitTiled } from "./matmul_tiled.ts";

/** What all forms of the product's kernel need to know. */
export interface Product {
  /** Sizes; with slices, a batch is a slice. */
  readonly sizes: MatmulSizes;
  /** Terms that one slice adds up. */
  readonly share: number;
  /** Parts of the sums. */
  readonly slices: number;
  /** First operand's strides. */
  readonly a: Matrix;
  /** Second operand's strides. */
  readonly b: Matrix;
  /** Expression for the bits of an element of the first operand, by its index from its start. */
  readonly loadA: (index: string) => string;
  /** The same of the second operand. */
  readonly loadB: (index: string) => string;
  /** Function of an element's number and its value. */
  readonly finish: string;
}

/** Matrix product over the last two axes, any strides; each of its kernels takes tails. */
export const matmulKernel: GpuKernel = {
  ownLanes: (call, _slices, tuning) => {
    const tile = chooseTile(matmulSizes(call), tuning);
    if (tile.kind !== "tiled") return null;
    return (tile.rows / tile.blockRows) * (tile.columns / tile.blockColumns);
  },
  emit: (shader, call, tuning) => {
    const product = describeProduct(shader, call);
    if (product.sizes.inner === 0) {
      const { batches, rows, columns } = product.sizes;
      return perElement(batches * rows * columns, tuning.lanes, `${product.finish}(e, 0.0);`);
    }
    const tile = chooseTile({ ...product.sizes, batches: product.sizes.batches }, tuning);
    switch (tile.kind) {
      case "direct":
        return emitDirect(shader, product, tile, tuning);
      case "lanes":
        return emitLanes(shader, product, tile.lanes, tuning);
      case "tiled":
        return emitTiled(shader, product, tile);
    }
  },
};

function describeProduct(shader: ShaderBuilder, call: GpuCall): Product {
  if (call.work.kind !== "structured") throw new Error("Cannot multiply in another call");
  const { call: { operands: [a, b] }, slices } = call.work;
  const sizes = matmulSizes(call.work.call);
  const share = Math.ceil(sizes.inner / slices);
  const [left, right] = [matrixOf(a), matrixOf(b)];
  const startA = shader.start(a);
  const startB = shader.start(b);
  return {
    sizes: slices > 1 ? { ...sizes, batches: slices } : sizes,
    share,
    slices,
    a: slices > 1 ? { ...left, batchStride: share * left.columnStride } : left,
    b: slices > 1 ? { ...right, batchStride: share * right.rowStride } : right,
    loadA: (index) => shader.load(a.buffer, "f32", `${startA} + ${index}`),
    loadB: (index) => shader.load(b.buffer, "f32", `${startB} + ${index}`),
    finish: emitFinish(shader, call),
  };
}

/** How many terms a batch adds up: a number, or an expression where the last slice is shorter. */
export function innerOf({ sizes, share, slices }: Product): string {
  if (slices === 1) return `${sizes.inner}u`;
  const rest = `${sizes.inner}u - batch * ${share}u`;
  // Rounding up may leave whole slices without terms.
  const empty = (slices - 1) * share > sizes.inner;
  if (empty) return `select(0u, min(${share}u, ${rest}), batch * ${share}u < ${sizes.inner}u)`;
  return sizes.inner % slices === 0 ? `${share}u` : `min(${share}u, ${rest})`;
}

/** Terms that a thread adds between two tests of its loop. */
const unrolled = 4;

function emitDirect(
  shader: ShaderBuilder,
  product: Product,
  block: { rows: number; columns: number },
  tuning: Tuning,
): Section {
  const { sizes, a, b } = product;
  const down = Math.ceil(sizes.rows / block.rows);
  const across = Math.ceil(sizes.columns / block.columns);
  const rows = range(block.rows);
  const columns = range(block.columns);
  const exactRows = sizes.rows % block.rows === 0;
  const exactColumns = sizes.columns % block.columns === 0;
  const at = (name: string, step: number, exact: boolean, limit: number) =>
    step === 0 ? name : exact ? `${name} + ${step}u` : `min(${name} + ${step}u, ${limit - 1}u)`;
  const lines = [
    `let column = (t % ${across}u) * ${block.columns}u;`,
    `let row = (t / ${across}u) % ${down}u * ${block.rows}u;`,
    `let batch = t / ${down * across}u;`,
    ...rows.map((i) =>
      `var a${i} = batch * ${a.batchStride}u + (${
        at("row", i, exactRows, sizes.rows)
      }) * ${a.rowStride}u;`
    ),
    ...columns.map((j) =>
      `var b${j} = batch * ${b.batchStride}u + (${
        at("column", j, exactColumns, sizes.columns)
      }) * ${b.columnStride}u;`
    ),
    ...rows.flatMap((i) => columns.map((j) => `var c${i}_${j} = 0.0;`)),
  ];
  const term = (step: number) => [
    ...rows.map((i) =>
      `let x${step}_${i} = ${product.loadA(`a${i} + ${step * a.columnStride}u`)};`
    ),
    ...columns.map((j) =>
      `let y${step}_${j} = ${product.loadB(`b${j} + ${step * b.rowStride}u`)};`
    ),
    ...rows.flatMap((i) =>
      columns.map((j) => `c${i}_${j} = c${i}_${j} + x${step}_${i} * y${step}_${j};`)
    ),
  ];
  const advance = (steps: number) => [
    ...rows.map((i) => `a${i} += ${steps * a.columnStride}u;`),
    ...columns.map((j) => `b${j} += ${steps * b.rowStride}u;`),
  ];
  const loop = (steps: number, condition: string) =>
    `for (; ${condition}; k += ${steps}u) {\n` +
    indent([...range(steps).flatMap(term), ...advance(steps)].join("\n")) + "\n}";
  lines.push(
    `let inner = ${innerOf(product)};`,
    "var k = 0u;",
    loop(unrolled, `k + ${unrolled}u <= inner`),
    loop(1, "k < inner"),
  );
  for (const i of rows) {
    for (const j of columns) {
      const guards = [
        ...(exactRows || i === 0 ? [] : [`row + ${i}u < ${sizes.rows}u`]),
        ...(exactColumns || j === 0 ? [] : [`column + ${j}u < ${sizes.columns}u`]),
      ];
      const element = `(batch * ${sizes.rows}u + row + ${i}u) * ${sizes.columns}u + column + ${j}u`;
      const statement = `${product.finish}(${element}, c${i}_${j});`;
      lines.push(guards.length > 0 ? `if (${guards.join(" && ")}) { ${statement} }` : statement);
    }
  }
  const name = `matmul${shader.unique()}`;
  shader.declare(name, `fn ${name}(t: u32) {\n${indent(lines.join("\n"))}\n}`);
  return perElement(sizes.batches * down * across, tuning.lanes, `${name}(e);`);
}

/** Threads share one sum: thread `s` of an element adds terms s, s + lanes, … */
function emitLanes(
  shader: ShaderBuilder,
  product: Product,
  lanes: number,
  tuning: Tuning,
): Section {
  const { sizes, a, b } = product;
  const size = sizes.batches * sizes.rows * sizes.columns;
  const perGroup = tuning.lanes / lanes;
  const shared = shader.shared("f32", tuning.lanes);
  // Neighbouring threads take neighbouring columns, or neighbouring terms, whichever lie together.
  const alongInner = b.rowStride === 1 && a.columnStride === 1;
  const [part, element] = alongInner
    ? [`lane % ${lanes}u`, `lane / ${lanes}u`]
    : [`lane / ${perGroup}u`, `lane % ${perGroup}u`];
  const partStride = alongInner ? 1 : perGroup;
  const lines = [
    `let part = ${part};`,
    `let e = group * ${perGroup}u + ${element};`,
    "var total = 0.0;",
    `if (e < ${size}u) {`,
    `  let column = e % ${sizes.columns}u;`,
    `  let row = (e / ${sizes.columns}u) % ${sizes.rows}u;`,
    `  let batch = e / ${sizes.rows * sizes.columns}u;`,
    `  let inner = ${innerOf(product)};`,
    `  let a = batch * ${a.batchStride}u + row * ${a.rowStride}u;`,
    `  let b = batch * ${b.batchStride}u + column * ${b.columnStride}u;`,
    `  for (var k = part; k < inner; k += ${lanes}u) {`,
    `    total = total + ${product.loadA(`a + k * ${a.columnStride}u`)} * ` +
    `${product.loadB(`b + k * ${b.rowStride}u`)};`,
    "  }",
    "}",
    `${shared}[lane] = total;`,
  ];
  for (let half = lanes / 2; half >= 1; half /= 2) {
    lines.push(
      "workgroupBarrier();",
      `if (part < ${half}u) { ${shared}[lane] = ${shared}[lane] + ` +
        `${shared}[lane + ${half * partStride}u]; }`,
    );
  }
  lines.push(`if (part == 0u && e < ${size}u) { ${product.finish}(e, ${shared}[lane]); }`);
  return { groups: Math.ceil(size / perGroup), code: lines.join("\n") };
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
