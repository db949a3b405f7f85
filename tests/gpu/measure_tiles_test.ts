import assert from "node:assert/strict";
import { inputLeaf } from "../../core/graph/leaf.ts";
import { matmul } from "../../core/ops/mod.ts";
import { openGpuDevice } from "../../gpu/gpu_device.ts";
import { type MeasuredSizes, measureTiles } from "../../gpu/measure_tiles.ts";
import { chooseSlices, chooseTile, defaultTiles, tileCandidates } from "../../gpu/tiles.ts";
import { defaultTuning } from "../../gpu/tuning.ts";
import { floats, mulberry32 } from "../core/ops/generator.ts";
import { evaluate, gpuTest, hardware, value } from "./harness.ts";

/** Products that a software adapter computes in a moment. */
const small: MeasuredSizes = { large: [128, 16, 128], medium: [64, 32, 64] };

const allTiles = [...new Set([...tileCandidates.large, ...tileCandidates.medium])];

gpuTest("tiles are chosen among those that fit", async (device) => {
  const { large, medium } = await measureTiles(device, small);
  // The large ones need 256 threads, and one of the medium ones.
  assert.equal(large, defaultTiles.large);
  const timed = device.resources.device.features.has("timestamp-query");
  const fitting = timed ? tileCandidates.medium.slice(1) : [defaultTiles.medium];
  assert.ok(fitting.includes(medium));
}, { ...hardware, invocations: 128 });

gpuTest("every tile gives the same bits, at odd sizes and in parts of sums", async (device) => {
  const random = mulberry32(21);
  for (const [rows, inner, columns] of [[67, 33, 130], [70, 2100, 66]]) {
    const a = inputLeaf("a", [rows, inner], "f32");
    const b = inputLeaf("b", [inner, columns], "f32");
    const bindings = new Map([a, b].map((leaf) => value(leaf, floats(random, leaf.shape).data)));
    const results: unknown[] = [];
    for (const tile of allTiles) {
      Object.assign(device.tuning, { tiles: { large: tile, medium: tile } });
      results.push((await evaluate(device, [matmul(a, b)], bindings))[0]);
    }
    for (const result of results) assert.deepEqual(result, results[0]);
  }
}, hardware);

Deno.test("the choice moves neither the class of a product nor the parts of its sums", () => {
  for (const tile of allTiles) {
    const tuning = { ...defaultTuning, tiles: { large: tile, medium: tile } };
    const sizes = { batches: 1, rows: 128, columns: 128, inner: 10000 };
    assert.equal(chooseTile(sizes, tuning), tile);
    assert.equal(chooseSlices(sizes, tuning), chooseSlices(sizes, defaultTuning));
    assert.equal(chooseTile({ ...sizes, rows: 32 }, tuning).kind, "shared");
  }
});

gpuTest("a software adapter is measured only when asked, and once", async (device) => {
  if (!device.tuning.software) return;
  assert.equal(device.statistics.submits, 0);
  assert.equal(device.tuning.tiles, defaultTiles);
  const timed = device.resources.device.features.has("timestamp-query");
  const submits: number[] = [];
  for (const fixed of [true, false, false]) {
    const tuning = { ...hardware, invocations: 64, ...(fixed ? { tiles: defaultTiles } : {}) };
    const other = (await openGpuDevice({ allowSoftware: true, measureTiles: true, tuning }))!;
    await other.idle();
    submits.push(other.statistics.submits);
    other.dispose();
    await other.idle();
  }
  const [fixed, first, second] = submits;
  assert.deepEqual([fixed, first > 0, second], [0, timed, 0]);
});
