import { indent, type ShaderBuilder, times } from "../shader_builder.ts";
import type { Tile } from "../tiles.ts";
import type { Tuning } from "../tuning.ts";
import type { Section } from "./kernel.ts";
import { perElement } from "./loop.ts";
import { type Block, each, emitSums } from "./matmul_sums.ts";
import type { Product } from "./product.ts";

type DirectTile = Extract<Tile, { kind: "direct" }>;
type SharedTile = Extract<Tile, { kind: "shared" }>;

/**
 * Reads and writes of memory, in all copies of what becomes of a block's results, up to which each
 * result has a copy of its own: a step of the small digit network then takes 0.1 ms less on a
 * software adapter, but Adam's six for each of 64 results made it compile twice as long.
 */
const mostAccesses = 128;

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
    ...emitSums(product, tile, "0u", 1),
    ...(tile.rows * tile.columns * product.accesses <= mostAccesses
      ? each(tile, (i, j) => finishElement(product, tile, i, j))
      : finishInTurn(product, tile)),
  ];
  const name = `matmul${shader.unique()}`;
  shader.declare(name, `fn ${name}(t: u32) {\n${indent(lines.join("\n"))}\n}`);
  // Not in turns: a software adapter goes once more through the body of every loop, with no lanes.
  return perElement(blocks, { ...tuning, software: false }, `${name}(e);`);
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
        ...emitSums(product, tile, "part", tile.slices),
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

/** One copy of what becomes of a result, in a loop: compilers take seconds over hundreds. */
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
