import assert from "node:assert/strict";
import type { BufferSpec } from "../../core/graph/call.ts";
import { alternateArenas } from "../../gpu/alternate_arenas.ts";
import { layOutArenas } from "../../gpu/arena.ts";
import { arenaMemory, conflicts, overlaps, spanOf } from "../../gpu/call.ts";
import { literalExpression } from "../../gpu/kernels/literal.ts";
import type { GpuBuffer } from "../../gpu/packed.ts";
import { ShaderBuilder } from "../../gpu/shader_builder.ts";
import { chooseSlices, chooseTile } from "../../gpu/tiles.ts";
import { defaultTuning } from "../../gpu/tuning.ts";

Deno.test("numbers become WGSL that every compiler takes", () => {
  const shader = new ShaderBuilder([]);
  const cases = [
    [1, "f32", "1.0f"],
    [0.1, "f32", "0.10000000149011612f"],
    [1e-30, "f32", "1.0000000031710769e-30f"],
    [3.4028234663852886e38, "f32", "3.4028234663852886e+38f"],
    [Infinity, "f32", "bitcast<f32>(bits_7f800000)"],
    [1e39, "f32", "bitcast<f32>(bits_7f800000)"],
    [NaN, "f32", "bitcast<f32>(bits_7fc00000)"],
    [-0, "f32", "bitcast<f32>(bits_80000000)"],
    [1e-40, "f32", "bitcast<f32>(bits_116c2)"],
    [-5, "i32", "-5i"],
    [-2147483648, "i32", "(-2147483647i - 1i)"],
    [4294967295, "u32", "4294967295u"],
    [1, "bool", "true"],
  ] as const;
  for (const [value, dtype, text] of cases) {
    assert.equal(literalExpression(shader, value, dtype), text);
  }
});

Deno.test("spans say which elements a strided walk can touch", () => {
  const walk = { buffer: 3, offset: 10, strides: [8, 1] };
  assert.deepEqual(spanOf(walk, [2, 4]), { buffer: 3, start: 10, end: 22 });
  assert.deepEqual(spanOf(walk, [0, 4]), { buffer: 3, start: 0, end: 0 });
  const span = (start: number, end: number, buffer = 0) => ({ buffer, start, end });
  assert.ok(overlaps(span(0, 4), span(3, 5)));
  assert.ok(!overlaps(span(0, 4), span(4, 5)));
  assert.ok(!overlaps(span(0, 4), span(0, 4, 1)));
});

Deno.test("only writes make the order of calls matter", () => {
  const span = { buffer: 0, start: 0, end: 4 };
  const reader = { reads: [span], writes: [] };
  const writer = { reads: [], writes: [span] };
  assert.ok(!conflicts(reader, reader));
  assert.ok(conflicts(reader, writer) && conflicts(writer, reader) && conflicts(writer, writer));
});

Deno.test("buffers of the arena overlap only when they live apart", () => {
  const buffer = (elements: number): BufferSpec => ({
    leaf: null,
    dtype: "f32",
    elements,
    offset: 0,
  });
  const buffers = [buffer(10), buffer(100), buffer(20)];
  const touch = (reads: number[], writes: number[]) => {
    const spans = (list: number[]) => list.map((place) => ({ buffer: place, start: 0, end: 1 }));
    return [{ reads: spans(reads), writes: spans(writes) }];
  };
  const arenas = layOutArenas([touch([], [0]), touch([0], [1]), touch([1], [2])], buffers, []);
  assert.deepEqual([...arenas], [[arenaMemory, 448 + 128]]);
  assert.equal(buffers[1].offset, 0);
  assert.equal(buffers[0].offset, 448);
  assert.equal(buffers[2].offset, 448);
});

Deno.test("a buffer that is read beside what is written gets another arena, the smaller one if none is left", () => {
  const sizes = [10, 100, 20, 5, 30];
  const buffers: GpuBuffer[] = sizes.map((elements) => ({
    leaf: null,
    dtype: "f32",
    elements,
    offset: 0,
  }));
  const spans = (list: number[]) => list.map((buffer) => ({ buffer, start: 0, end: 1 }));
  alternateArenas([
    [{ reads: [], writes: spans([0, 1]) }],
    [{ reads: spans([0]), writes: spans([2]) }],
    [{ reads: spans([1, 2]), writes: spans([3]) }],
    [{ reads: spans([1, 2, 3]), writes: spans([4]) }],
  ], buffers);
  const arenas = buffers.map(({ arena }) => arena);
  assert.deepEqual(arenas, [undefined, undefined, -4, -5, -5]);
});

Deno.test("tiles follow the shape of the product", () => {
  const kind = (rows: number, inner: number, columns: number) =>
    chooseTile({ batches: 1, rows, inner, columns }, defaultTuning).kind;
  assert.equal(kind(32, 784, 30), "shared");
  assert.equal(kind(784, 4, 30), "direct");
  assert.equal(kind(512, 512, 512), "tiled");
  assert.equal(kind(4096, 512, 10), "direct");
  const slices = (rows: number, inner: number, columns: number) =>
    chooseSlices({ batches: 1, rows, inner, columns }, defaultTuning);
  assert.equal(slices(128, 10000, 128), 32);
  assert.equal(slices(2048, 10000, 2048), 1);
  assert.equal(slices(128, 512, 128), 1);
});

Deno.test("on a software adapter threads share sums by a product's shape, wherever its operands are bound", () => {
  const perPlace = (cost: number) => (places: number) => cost * places;
  const bound = [60, 8, 3].map((cost) => ({
    a: perPlace(cost),
    b: perPlace(60),
    isLong: false,
  }));
  let shared = 0;
  for (const uniformBytes of [0, 65536]) {
    const tuning = { ...defaultTuning, software: true, processors: 2, uniformBytes };
    for (const rows of [1, 2, 7, 30, 32, 100]) {
      for (const inner of [8, 30, 784]) {
        for (const columns of [1, 5, 10, 30]) {
          const sums = bound.map((loads) => {
            const tile = chooseTile({ batches: 1, rows, inner, columns }, tuning, loads);
            // Of a shared sum, the block decides in which order terms are added up.
            return tile.kind === "shared" ? tile : null;
          });
          if (sums[0]) shared++;
          assert.deepEqual(sums, [sums[0], sums[0], sums[0]], `${rows} × ${inner} × ${columns}`);
        }
      }
    }
  }
  assert.ok(shared > 0);
});
