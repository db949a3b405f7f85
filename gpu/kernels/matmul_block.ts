import { indent, type ShaderBuilder, times } from "../shader_builder.ts";
import type { Tile } from "../tiles.ts";
import type { Tuning } from "../tuning.ts";
import type { Section } from "./kernel.ts";
import { perElement } from "./loop.ts";
import { innerOf, type Product } from "./product.ts";

type DirectTile = Extract<Tile, { kind: "direct" }>;
type SharedTile = Extract<Tile, { kind: "shared" }>;

/** Results of a block up to which each has its own copy of what becomes of it. */
const unrolledResults = 4;

/** Multiplications in the body of a loop over terms, up to which it is unrolled. */
const unrolledWork = 64;

/**
 * Emits the product without shared memory: a thread loads rows and columns and keeps a block of
 * sums in registers.
 */
export function emitDirect(
  shader: ShaderBuilder,
  product: Product,
  tile: DirectTile,
  tuning: Tuning,
): Section {
  const { rows, columns, batches } = product.sizes;
  const blocks = batches * Math.ceil(rows / tile.rows) * Math.ceil(columns / tile.columns);
  const lines = [
    ...locate(product, tile, "t"),
    ...sums(product, tile, "0u", 1),
    ...(tile.rows * tile.columns <= unrolledResults
      ? each(tile, (i, j) => finishElement(product, tile, i, j))
      : finishInTurn(product, tile)),
  ];
  const name = `matmul${shader.unique()}`;
  shader.declare(name, `fn ${name}(t: u32) {\n${indent(lines.join("\n"))}\n}`);
  return perElement(blocks, tuning.lanes, `${name}(e);`);
}

/**
 * Emits the product for small results of long sums: threads of a workgroup take turns in the terms
 * of a block's sums and add up their parts through shared memory, always in the same order.
 */
export function emitShared(
  shader: ShaderBuilder,
  product: Product,
  tile: SharedTile,
  { lanes }: Tuning,
): Section {
  const { rows, columns, batches } = product.sizes;
  const blocks = batches * Math.ceil(rows / tile.rows) * Math.ceil(columns / tile.columns);
  const perGroup = lanes / tile.slices;
  const size = tile.rows * tile.columns;
  const parts = shader.shared("f32", size * lanes);
  const lines = [
    `let part = lane % ${tile.slices}u;`,
    // Threads beyond the last block do its work once more, and write nothing.
    `let block = min(group * ${perGroup}u + lane / ${tile.slices}u, ${blocks - 1}u);`,
    "{",
    indent(
      [
        ...locate(product, tile, "block"),
        ...sums(product, tile, "part", tile.slices),
        ...each(
          tile,
          (i, j) => `${parts}[${(i * tile.columns + j) * lanes}u + lane] = c${i}_${j};`,
        ),
      ].join("\n"),
    ),
    "}",
    "workgroupBarrier();",
    `for (var n = lane; n < ${perGroup * size}u; n += ${lanes}u) {`,
    `  let slot = n % ${size}u;`,
    `  let offset = n / ${size}u;`,
    `  let t = group * ${perGroup}u + offset;`,
    `  let first = slot * ${lanes}u + offset * ${tile.slices}u;`,
    `  var total = ${parts}[first];`,
    ...Array.from(
      { length: tile.slices - 1 },
      (_, slice) => `  total = total + ${parts}[first + ${slice + 1}u];`,
    ),
    indent(locate(product, tile, "t").join("\n")),
    `  let r = row + slot / ${tile.columns}u;`,
    `  let c = column + slot % ${tile.columns}u;`,
    `  if (t < ${blocks}u && r < ${rows}u && c < ${columns}u) {`,
    `    ${product.finish}((batch * ${rows}u + r) * ${columns}u + c, total);`,
    "  }",
    "}",
  ];
  return { groups: Math.ceil(blocks / perGroup), code: lines.join("\n") };
}

interface Block {
  readonly rows: number;
  readonly columns: number;
}

/** First row and column of a block, and its batch. */
function locate({ sizes }: Product, block: Block, number: string): string[] {
  const across = Math.ceil(sizes.columns / block.columns);
  const down = Math.ceil(sizes.rows / block.rows);
  return [
    `let column = ${times(`${number} % ${across}u`, block.columns)};`,
    `let row = ${times(`${number} / ${across}u % ${down}u`, block.rows)};`,
    `let batch = ${number} / ${down * across}u;`,
  ];
}

/** Sums `c0_0` … of the terms `first`, `first + step`, …; rows and columns past the end repeat. */
function sums(product: Product, block: Block, first: string, step: number): string[] {
  const { sizes, a, b } = product;
  const rows = range(block.rows);
  const columns = range(block.columns);
  const at = (name: string, by: number, size: number, of: number) =>
    by === 0
      ? name
      : size % of === 0
      ? `(${name} + ${by}u)`
      : `min(${name} + ${by}u, ${size - 1}u)`;
  const steps = Math.max(1, Math.min(4, Math.floor(unrolledWork / (block.rows * block.columns))));
  const terms = (unrolled: number) => {
    const body = range(unrolled).flatMap((term) => [
      ...rows.map((i) =>
        `let x${term}_${i} = ${load(product.loadA, `a${i}`, term * step * a.columnStride)};`
      ),
      ...columns.map((j) =>
        `let y${term}_${j} = ${load(product.loadB, `b${j}`, term * step * b.rowStride)};`
      ),
      ...each(block, (i, j) => `c${i}_${j} = c${i}_${j} + x${term}_${i} * y${term}_${j};`),
    ]);
    const moves = [
      ...rows.map((i) => `a${i} += ${unrolled * step * a.columnStride}u;`),
      ...columns.map((j) => `b${j} += ${unrolled * step * b.rowStride}u;`),
    ];
    const last = (unrolled - 1) * step;
    const condition = last === 0 ? "k < inner" : `k + ${last}u < inner`;
    return `for (; ${condition}; k += ${unrolled * step}u) {\n` +
      `${indent([...body, ...moves].join("\n"))}\n}`;
  };
  return [
    `let inner = ${innerOf(product)};`,
    `var k = ${first};`,
    ...rows.map((i) => {
      const row = times(at("row", i, sizes.rows, block.rows), a.rowStride);
      return `var a${i} = ${times("batch", a.batchStride)} + ${row} + ${
        times("k", a.columnStride)
      };`;
    }),
    ...columns.map((j) => {
      const column = times(at("column", j, sizes.columns, block.columns), b.columnStride);
      return `var b${j} = ${times("batch", b.batchStride)} + ${column} + ${
        times("k", b.rowStride)
      };`;
    }),
    ...each(block, (i, j) => `var c${i}_${j} = 0.0;`),
    terms(steps),
    ...(steps === 1 ? [] : [terms(1)]),
  ];
}

function load(read: (index: string) => string, index: string, by: number): string {
  return read(by === 0 ? index : `${index} + ${by}u`);
}

function finishElement({ sizes, finish }: Product, block: Block, i: number, j: number): string {
  const guards = [
    ...(sizes.rows % block.rows === 0 || i === 0 ? [] : [`row + ${i}u < ${sizes.rows}u`]),
    ...(sizes.columns % block.columns === 0 || j === 0
      ? []
      : [`column + ${j}u < ${sizes.columns}u`]),
  ];
  const element = `(batch * ${sizes.rows}u + row + ${i}u) * ${sizes.columns}u + column + ${j}u`;
  const statement = `${finish}(${element}, c${i}_${j});`;
  return guards.length > 0 ? `if (${guards.join(" && ")}) { ${statement} }` : statement;
}

/** One copy of what becomes of a result, in a loop: compilers take minutes over hundreds. */
function finishInTurn({ sizes, finish }: Product, block: Block): string[] {
  const size = block.rows * block.columns;
  return [
    `var sums = array<f32, ${size}>(${each(block, (i, j) => `c${i}_${j}`).join(", ")});`,
    `for (var n = 0u; n < ${size}u; n++) {`,
    `  let r = row + n / ${block.columns}u;`,
    `  let c = column + n % ${block.columns}u;`,
    `  if (r < ${sizes.rows}u && c < ${sizes.columns}u) {`,
    `    ${finish}((batch * ${sizes.rows}u + r) * ${sizes.columns}u + c, sums[n]);`,
    "  }",
    "}",
  ];
}

function each(block: Block, emit: (i: number, j: number) => string): string[] {
  return range(block.rows).flatMap((i) => range(block.columns).map((j) => emit(i, j)));
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
