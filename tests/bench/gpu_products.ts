/**
 * TFLOP/s of large matrix products on WebGPU with each tile, and their share of what the GPU's
 * arithmetic gives: a kernel of nothing but multiply-adds.
 *
 * `deno run -A tests/bench/gpu_products.ts [--sizes 4096,2048,1024] [--layouts nn,tn,nt]
 * [--rounds 5]`: square products, plain and with either operand transposed. A line of JSON each, with the tile that is the fastest,
 * the one that a measurement at opening chooses, and the largest relative error of some results
 * against float64. A software adapter will do, with small sizes.
 */

import { parseArgs } from "node:util";
import { inputLeaf } from "../../core/graph/leaf.ts";
import { createProgram } from "../../core/graph/program.ts";
import type { Tensor } from "../../core/graph/tensor.ts";
import { matmul, transpose } from "../../core/ops/mod.ts";
import { type GpuDevice, openGpuDevice } from "../../gpu/gpu_device.ts";
import { measureTiles } from "../../gpu/measure_tiles.ts";
import { suitsTile, tileCandidates, type TiledTile } from "../../gpu/tiles.ts";

const { values } = parseArgs({
  options: {
    sizes: { type: "string", default: "4096,2048,1024" },
    layouts: { type: "string", default: "nn,tn,nt" },
    rounds: { type: "string", default: "5" },
  },
});
const rounds = Number(values.rounds);

const device = await openGpuDevice({ allowSoftware: true, measureTiles: false });
if (!device) throw new Error("Cannot measure as there is no WebGPU adapter");
const { software } = device.tuning;
// A software adapter shows that the tiles compute the same; its speeds mean nothing.
device.tuning = { ...device.tuning, software: false, lanes: 64, uniformBytes: 0 };

const title = ({ rows, columns, blockRows, blockColumns, ahead }: TiledTile) =>
  `${rows}x${columns}/${blockRows}x${blockColumns}${ahead ? " ahead" : ""}`;
const tiles = [...new Set([...tileCandidates.large, ...tileCandidates.medium])]
  .filter((tile) => suitsTile(tile, device.tuning));

const { flops: peak, bytes } = await device.measureCeilings();
console.log(JSON.stringify({ gpu: device.name, teraflops: peak / 1e12, gigabytes: bytes / 1e9 }));
const small = { large: [128, 16, 128], medium: [64, 32, 64] } as const;
const { large, medium } = await measureTiles(device, software ? small : undefined);
console.log(JSON.stringify({ chosen: { large: title(large), medium: title(medium) } }));

const layouts = { nn: [false, false], tn: [true, false], nt: [false, true] } as const;
for (const size of values.sizes.split(",").map(Number)) {
  for (const [layout, turned] of Object.entries(layouts)) {
    if (!values.layouts.split(",").includes(layout)) continue;
    await measureProduct(device, size, layout, turned);
  }
}
device.dispose();
await device.idle();

async function measureProduct(
  device: GpuDevice,
  size: number,
  layout: string,
  turned: readonly [boolean, boolean],
): Promise<void> {
  const leaves = ["a", "b"].map((name) => inputLeaf(name, [size, size], "f32"));
  const data = [7919, 6007].map((factor) =>
    Float32Array.from({ length: size * size }, (_, place) => (place * factor % 1000) / 1000 - 0.5)
  );
  const storages = leaves.map((_, place) => {
    const storage = device.allocate("f32", size * size, "operand");
    storage.write(data[place]);
    return storage;
  });
  const operands = leaves.map((leaf, place) => turned[place] ? transpose(leaf) : leaf);
  const program = createProgram([matmul(operands[0], operands[1])], []);
  const bind = (leaf: Tensor) => storages[leaves.indexOf(leaf)];
  const times: Record<string, number> = {};
  let error = 0;
  for (const tile of tiles) {
    device.tuning = { ...device.tuning, tiles: { large: tile, medium: tile } };
    const executable = device.prepare(program, bind);
    await executable.run([]);
    let least = Infinity;
    for (let round = 0; round < rounds; round++) {
      least = Math.min(least, await device.clock.duration((pass) => executable.encode(pass, 0)));
    }
    times[title(tile)] = least;
    error = Math.max(error, errorOf(await executable.read(0), data, turned, size));
    executable.dispose();
  }
  for (const storage of storages) storage.dispose();
  const [fastest, milliseconds] = Object.entries(times).sort(([, a], [, b]) => a - b)[0];
  const rate = 2 * size ** 3 / (milliseconds / 1000);
  console.log(JSON.stringify({
    product: `${size}x${size}x${size}-${layout}`,
    fastest,
    teraflops: rate / 1e12,
    share: rate / peak,
    milliseconds: times,
    error,
  }));
}

/** The largest error of some results, relative to the root of the sum of the squares of its terms. */
function errorOf(
  result: ArrayLike<number>,
  [a, b]: readonly Float32Array[],
  [left, right]: readonly [boolean, boolean],
  size: number,
): number {
  let worst = 0;
  for (let sample = 0; sample < 64; sample++) {
    const [row, column] = [sample * 7919 % size, sample * 6007 % size];
    let [exact, squares] = [0, 0];
    for (let k = 0; k < size; k++) {
      const term = a[left ? k * size + row : row * size + k] *
        b[right ? column * size + k : k * size + column];
      exact += term;
      squares += term ** 2;
    }
    worst = Math.max(worst, Math.abs(result[row * size + column] - exact) / Math.sqrt(squares));
  }
  return worst;
}
