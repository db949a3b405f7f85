import { indent, type ShaderBuilder } from "../shader_builder.ts";
import { type TiledTile, tileThreads } from "../tiles.ts";
import type { Section } from "./kernel.ts";
import { elementIndex, type Operand } from "./operand.ts";
import { innerOf, type Product } from "./product.ts";

/**
 * Emits the product for large matrices: a workgroup loads a tile of each operand into shared
 * memory, four neighbours in one vector, and each thread keeps a block of sums in registers.
 *
 * @param shader Where the parts go.
 * @param product Operands and sizes.
 * @param tile Sizes of tiles and blocks, multiples of four.
 * @returns A section with a number of threads of its own.
 */
export function emitTiled(shader: ShaderBuilder, product: Product, tile: TiledTile): Section {
  const { sizes } = product;
  const across = Math.ceil(sizes.columns / tile.columns);
  const down = Math.ceil(sizes.rows / tile.rows);
  const threadsAcross = tile.columns / tile.blockColumns;
  const lanes = tileThreads(tile);
  const left = shader.shared("vec4<f32>", tile.inner * tile.rows / 4);
  const right = shader.shared("vec4<f32>", tile.inner * tile.columns / 4);
  const rows = range(tile.blockRows);
  const vectors = range(tile.blockColumns / 4);
  const code = [
    `let batch = group / ${across * down}u;`,
    `let firstRow = (group / ${across}u) % ${down}u * ${tile.rows}u;`,
    `let firstColumn = group % ${across}u * ${tile.columns}u;`,
    `let threadRow = lane / ${threadsAcross}u;`,
    `let threadColumn = lane % ${threadsAcross}u;`,
    `let inner = ${innerOf(product)};`,
    ...rows.flatMap((i) => vectors.map((j) => `var c${i}_${j} = vec4<f32>();`)),
    `for (var first = 0u; first < inner; first += ${tile.inner}u) {`,
    indent(emitLoad(shader, left, lanes, tile.rows, tile.inner, {
      limit: sizes.rows,
      first: "firstRow",
      operand: product.a,
    })),
    indent(emitLoad(shader, right, lanes, tile.columns, tile.inner, {
      limit: sizes.columns,
      first: "firstColumn",
      operand: product.b,
    })),
    "  workgroupBarrier();",
    `  for (var k = 0u; k < ${tile.inner}u; k++) {`,
    ...range(tile.blockRows / 4).map((i) =>
      `    let x${i} = ${left}[k * ${tile.rows / 4}u + threadRow * ${tile.blockRows / 4}u + ${i}u];`
    ),
    // A thread's vectors lie apart, so that neighbouring threads read neighbouring vectors.
    ...vectors.map((j) =>
      `    let y${j} = ${right}[k * ${tile.columns / 4}u + threadColumn + ${j * threadsAcross}u];`
    ),
    ...rows.flatMap((i) =>
      vectors.map((j) => `    c${i}_${j} = c${i}_${j} + x${i >> 2}.${"xyzw"[i & 3]} * y${j};`)
    ),
    "  }",
    "  workgroupBarrier();",
    "}",
    ...rows.flatMap((i) => [
      `let row${i} = firstRow + threadRow * ${tile.blockRows}u + ${i}u;`,
      `if (row${i} < ${sizes.rows}u) {`,
      `  let start = (batch * ${sizes.rows}u + row${i}) * ${sizes.columns}u;`,
      ...vectors.flatMap((j) =>
        [0, 1, 2, 3].flatMap((part) => {
          const column = `firstColumn + (threadColumn + ${j * threadsAcross}u) * 4u + ${part}u`;
          const store = `${product.finish}(start + ${column}, c${i}_${j}.${"xyzw"[part]});`;
          return sizes.columns % tile.columns === 0
            ? [`  ${store}`]
            : [`  if (${column} < ${sizes.columns}u) { ${store} }`];
        })
      ),
      "}",
    ]),
  ];
  return { groups: sizes.batches * across * down, code: code.join("\n"), lanes };
}

interface Side {
  /** Rows or columns that the operand has. */
  readonly limit: number;
  /** The tile's first row or column. */
  readonly first: string;
  /** How it is read. */
  readonly operand: Operand;
}

/** Loads `outer` × `inner` elements of an operand as vectors of four along the outer axis. */
function emitLoad(
  shader: ShaderBuilder,
  shared: string,
  lanes: number,
  outer: number,
  inner: number,
  side: Side,
): string {
  const vectors = outer / 4;
  const count = vectors * inner;
  // Neighbouring threads read along the axis whose elements lie together.
  const { operand } = side;
  const read = `load${shader.unique()}`;
  shader.declare(
    read,
    `fn ${read}(batch: u32, inner: u32, i: u32, k: u32) -> f32 {\n` +
      `  if (i >= ${side.limit}u || k >= inner) { return 0.0; }\n` +
      `  return ${
        operand.load({
          index: elementIndex(operand, "i", "k"),
          place: operand.place("i"),
          term: operand.term("k"),
        })
      };\n}`,
  );
  const fill = (slot: string) => {
    const part = operand.alongTerms
      ? [`let k = ${slot} % ${inner}u;`, `let v = ${slot} / ${inner}u;`]
      : [`let v = ${slot} % ${vectors}u;`, `let k = ${slot} / ${vectors}u;`];
    const values = [0, 1, 2, 3].map((step) =>
      `${read}(batch, inner, ${side.first} + v * 4u + ${step}u, first + k)`
    );
    return [...part, `${shared}[k * ${vectors}u + v] = vec4<f32>(${values.join(", ")});`];
  };
  if (operand.isLong) {
    const loop = `for (var slot = lane; slot < ${count}u; slot += ${lanes}u)`;
    return `${loop} {\n${indent(fill("slot").join("\n"))}\n}`;
  }
  const lines: string[] = [];
  for (let start = 0; start < count; start += lanes) {
    const slot = start === 0 ? "lane" : `(lane + ${start}u)`;
    const guard = start + lanes > count ? `if (${slot} < ${count}u) ` : "";
    lines.push(`${guard}{\n${indent(fill(slot).join("\n"))}\n}`);
  }
  return lines.join("\n");
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
