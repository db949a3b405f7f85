import assert from "node:assert/strict";
import { inputLeaf } from "../../core/graph/leaf.ts";
import { planProgram } from "../../core/graph/plan.ts";
import { createProgram } from "../../core/graph/program.ts";
import { matmul } from "../../core/ops/mod.ts";
import { compilePlan } from "../../gpu/compile.ts";
import { openGpuDevice } from "../../gpu/gpu_device.ts";
import { type MeasuredSizes, measuredTiles, measureTiles } from "../../gpu/measure_tiles.ts";
import {
  chooseSlices,
  chooseTile,
  defaultTiles,
  suitsTile,
  tileCandidates,
} from "../../gpu/tiles.ts";
import { defaultTuning } from "../../gpu/tuning.ts";
import { floats, mulberry32 } from "../core/ops/generator.ts";
import { assertParity, evaluate, gpuTest, hardware, value } from "./harness.ts";

/** Products that a software adapter computes in a moment. */
const small: MeasuredSizes = { large: [128, 16, 128], medium: [64, 32, 64] };

const allTiles = [...new Set([...tileCandidates.large, ...tileCandidates.medium])];

gpuTest("tiles are chosen among those that fit", async (device) => {
  const { large, medium } = await measureTiles(device, small);
  // The large ones need more threads, and so does the first of the medium ones.
  assert.equal(large, defaultTiles.large);
  const timed = device.resources.device.features.has("timestamp-query");
  const fitting = tileCandidates.medium.filter((tile) => suitsTile(tile, device.tuning));
  assert.ok((timed ? fitting : [defaultTiles.medium]).includes(medium));
}, { ...hardware, invocations: 64 });

gpuTest("every tile gives the same bits, at odd sizes and in parts of sums", async (device) => {
  const random = mulberry32(21);
  for (const [rows, inner, columns] of [[67, 33, 130], [70, 2100, 66]]) {
    // A software adapter compiles a tile for a second.
    const tiles = inner < 100 ? allTiles : [defaultTiles.medium, allTiles[1]];
    const a = inputLeaf("a", [rows, inner], "f32");
    const b = inputLeaf("b", [inner, columns], "f32");
    const bindings = new Map([a, b].map((leaf) => value(leaf, floats(random, leaf.shape).data)));
    const results: unknown[] = [];
    for (const tile of tiles) {
      Object.assign(device.tuning, { tiles: { large: tile, medium: tile } });
      results.push((await evaluate(device, [matmul(a, b)], bindings))[0]);
    }
    for (const result of results) assert.deepEqual(result, results[0]);
  }
}, hardware);

gpuTest(
  "tiles read operands four elements at a time, however they lie, to the same bits",
  async (device) => {
    const random = mulberry32(22);
    const [rows, inner, columns] = [72, 2104, 132];
    for (const [left, right] of [[false, false], [true, true]]) {
      const a = inputLeaf("a", left ? [inner, rows] : [rows, inner], "f32");
      const b = inputLeaf("b", right ? [columns, inner] : [inner, columns], "f32");
      const output = matmul(left ? a.transpose() : a, right ? b.transpose() : b);
      const bindings = new Map([a, b].map((leaf) => value(leaf, floats(random, leaf.shape).data)));
      const { dispatches } = compilePlan(
        planProgram(createProgram([output], [])),
        0,
        device.tuning,
      );
      const wide = dispatches[0].shader.wgsl.match(/<storage, read> \w+: array<vec4<u32>>/g);
      assert.equal(wide?.length, 2);
      await assertParity(device, [output], bindings, {
        tolerance: 16,
        magnitude: 9 * inner ** 0.5,
      });
      const results: unknown[] = [];
      for (const tile of [defaultTiles.medium, allTiles[1]]) {
        Object.assign(device.tuning, { tiles: { large: tile, medium: tile } });
        results.push((await evaluate(device, [output], bindings))[0]);
      }
      for (const result of results) assert.deepEqual(result, results[0]);
    }
  },
  hardware,
);

Deno.test("the choice moves neither the class of a product nor the parts of its sums", () => {
  for (const tile of allTiles) {
    const tuning = { ...defaultTuning, tiles: { large: tile, medium: tile } };
    const sizes = { batches: 1, rows: 128, columns: 128, inner: 10000 };
    assert.equal(chooseTile(sizes, tuning), tile);
    assert.equal(chooseSlices(sizes, tuning), chooseSlices(sizes, defaultTuning));
    assert.equal(chooseTile({ ...sizes, rows: 32 }, tuning).kind, "shared");
  }
});

gpuTest("a measurement that failed is made again for the next device", async (device) => {
  const gpu = device.resources.device;
  if (!gpu.features.has("timestamp-query")) return;
  Object.assign(device, { name: "an adapter of this test" });
  const usual = gpu.createQuerySet;
  gpu.createQuerySet = () => {
    throw new Error("no memory is left");
  };
  await assert.rejects(measuredTiles(device), /no memory is left/);
  gpu.createQuerySet = usual;
  assert.ok((await measuredTiles(device)).medium);
}, { ...hardware, invocations: 64 });

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
