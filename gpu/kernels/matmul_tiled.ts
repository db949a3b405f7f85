import { indent, type ShaderBuilder } from "../shader_builder.ts";
import { type TiledTile, tileThreads } from "../tiles.ts";
import type { Section } from "./kernel.ts";
import { innerOf, type Product } from "./product.ts";
import { emitTileLoad, type TileLoad } from "./tile_load.ts";

/** Terms of a tile that are written out; the loop over them costs as much as a few multiplications. */
const unrolled = 4;

/**
 * Emits the product for large matrices: a workgroup loads a tile of each operand into shared
 * memory, four neighbours in one vector, and each thread keeps a block of sums in registers.
 *
 * A tile that looks ahead fetches the next terms into registers before it multiplies those that
 * are there, so that the memory works at the same time.
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
  const common = { inner: tile.inner, lanes };
  const left = emitTileLoad(shader, {
    ...{ ...common, name: "a", outer: tile.rows, first: "firstRow" },
    ...{ limit: sizes.rows, operand: product.a },
  });
  const right = emitTileLoad(shader, {
    ...{ ...common, name: "b", outer: tile.columns, first: "firstColumn" },
    ...{ limit: sizes.columns, operand: product.b },
  });
  const rows = range(tile.blockRows);
  const vectors = range(tile.blockColumns / 4);
  const fetch = (terms: string) => `${left.fetch(terms)}\n${right.fetch(terms)}`;
  // What is looked up at length has no registers to wait in.
  const ahead = tile.ahead && left.held.length > 0 && right.held.length > 0;
  const code = [
    `let batch = group / ${across * down}u;`,
    `let firstRow = (group / ${across}u) % ${down}u * ${tile.rows}u;`,
    `let firstColumn = group % ${across}u * ${tile.columns}u;`,
    `let threadRow = lane / ${threadsAcross}u;`,
    `let threadColumn = lane % ${threadsAcross}u;`,
    `let inner = ${innerOf(product)};`,
    ...rows.flatMap((i) => vectors.map((j) => `var c${i}_${j} = vec4<f32>();`)),
    ...[...left.held, ...right.held].map((name) => `var ${name} = vec4<f32>();`),
    ...(ahead ? [fetch("0u")] : []),
    `for (var first = 0u; first < inner; first += ${tile.inner}u) {`,
    indent(
      [
        ...(ahead ? [] : [fetch("first")]),
        left.put(),
        right.put(),
        "workgroupBarrier();",
        ...(ahead ? [fetch(`(first + ${tile.inner}u)`)] : []),
        ...emitTerms(tile, left, right, threadsAcross),
        "workgroupBarrier();",
      ].filter(Boolean).join("\n"),
    ),
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

/** The multiplications of the terms in shared memory. */
function emitTerms(
  tile: TiledTile,
  left: TileLoad,
  right: TileLoad,
  threadsAcross: number,
): string[] {
  const rows = range(tile.blockRows);
  const vectors = range(tile.blockColumns / 4);
  const term = (step: number) => [
    "{",
    `  let k = term + ${step}u;`,
    ...range(tile.blockRows / 4).map((i) =>
      `  let x${i} = ${left.at("k", `threadRow * ${tile.blockRows / 4}u + ${i}u`)};`
    ),
    // A thread's vectors lie apart, so that neighbouring threads read neighbouring vectors.
    ...vectors.map((j) =>
      `  let y${j} = ${right.at("k", `threadColumn + ${j * threadsAcross}u`)};`
    ),
    ...rows.flatMap((i) =>
      vectors.map((j) => `  c${i}_${j} = c${i}_${j} + x${i >> 2}.${"xyzw"[i & 3]} * y${j};`)
    ),
    "}",
  ];
  return [
    `for (var term = 0u; term < ${tile.inner}u; term += ${unrolled}u) {`,
    indent(range(unrolled).flatMap(term).join("\n")),
    "}",
  ];
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
