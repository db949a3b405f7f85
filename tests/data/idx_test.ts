import assert from "node:assert/strict";
import fc from "fast-check";
import { DataError } from "../../core/graph/errors.ts";
import { parseIdx } from "../../data/mod.ts";
import { idx } from "./helpers.ts";

/** What may be wrong with a file, and what the message must say. */
const faults: [string, number[], RegExp][] = [
  ["empty", [], /it is empty/],
  ["shorter than its magic number", [0, 0, 8], /at least 4 bytes, this one 3/],
  ["a first byte that is not zero", [1, 0, 8, 1, 0, 0, 0, 1, 7], /not an IDX file.*01 00 08 01/],
  ["a little-endian magic number", [3, 8, 0, 0, 0, 0, 0, 1], /not an IDX file.*03 08 00 00/],
  ["text", [...new TextEncoder().encode("<html>")], /not an IDX file.*3c 68 74 6d/],
  ["gzip data", [0x1f, 0x8b, 8, 0], /compressed by gzip/],
  ["the unknown type 07", [0, 0, 7, 1, 0, 0, 0, 1, 7], /element type is unknown.*00 00 07 01/],
  ["the unknown type 0a", [0, 0, 10, 1, 0, 0, 0, 1, 7], /element type is unknown/],
  ["the unknown type 0f", [0, 0, 15, 1, 0, 0, 0, 1, 7], /element type is unknown/],
  ["no dimensions", [0, 0, 8, 0, 7], /it has no dimensions/],
  ["a header cut short", [0, 0, 8, 3, 0, 0, 0, 1, 0, 0], /3 dimensions takes 16 bytes.*holds 10/],
  ["255 dimensions in a short file", [0, 0, 8, 255, 0, 0, 0, 1], /255 dimensions takes 1024 bytes/],
  ["a dimension of 0", [0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 0], /dimension 1 .*\[1, 0\] is 0/],
  ["data cut short", [0, 0, 8, 1, 0, 0, 0, 3, 1, 2], /takes 11 bytes.*holds 10: it is truncated/],
  ["no data", [0, 0, 8, 1, 0, 0, 0, 3], /takes 11 bytes.*holds 8: it is truncated/],
  ["extra bytes", [0, 0, 8, 1, 0, 0, 0, 1, 1, 2], /takes 9 bytes.*holds 10: it has extra bytes/],
  ["half an element", [0, 0, 12, 1, 0, 0, 0, 1, 1, 2], /takes 12 bytes.*truncated/],
  ["a shape past 2^64", [0, 0, 8, 3, ...Array(12).fill(255)], /truncated/],
];

for (const [name, bytes, message] of faults) {
  Deno.test(`parseIdx refuses: ${name}`, () => {
    assert.throws(() => parseIdx(Uint8Array.from(bytes), "digits-idx"), (error) => {
      assert(error instanceof DataError, String(error));
      assert.match(error.message, message);
      assert(error.message.startsWith('Cannot read "digits-idx" as '));
      assert.equal(error.file, "digits-idx");
      return true;
    });
  });
}

const elements: Record<string, fc.Arbitrary<number>> = {
  u8: fc.nat(255),
  i8: fc.integer({ min: -128, max: 127 }),
  i16: fc.integer({ min: -32768, max: 32767 }),
  i32: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  f32: fc.float(),
  f64: fc.double(),
};

for (const [dtype, element] of Object.entries(elements)) {
  Deno.test(`parseIdx reads ${dtype} as it was written`, () => {
    const shapes = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 });
    const cases = shapes.chain((shape) => {
      const length = shape.reduce((product, size) => product * size, 1);
      const values = fc.array(element, { minLength: length, maxLength: length });
      return fc.tuple(fc.constant(shape), values);
    });
    fc.assert(fc.property(cases, fc.nat(7), ([shape, values], shift) => {
      const bytes = idx(dtype, shape, values);
      // A view at any offset: readers often hand out parts of larger buffers.
      const larger = new Uint8Array(bytes.length + shift);
      larger.set(bytes, shift);
      const parsed = parseIdx(larger.subarray(shift));
      assert.equal(parsed.dtype, dtype);
      assert.deepEqual(parsed.shape, shape);
      assert.deepEqual([...parsed.data], values);
    }));
  });
}

Deno.test("parseIdx accepts 255 dimensions", () => {
  const parsed = parseIdx(idx("u8", Array(255).fill(1), [9]));
  assert.equal(parsed.shape.length, 255);
  assert.deepEqual([...parsed.data], [9]);
});

Deno.test("parseIdx does not copy bytes", () => {
  const bytes = idx("u8", [2, 2], [1, 2, 3, 4]);
  assert.equal(parseIdx(bytes).data.buffer, bytes.buffer);
  const signed = idx("i8", [2], [-1, 1]);
  assert.equal(parseIdx(signed).data.buffer, signed.buffer);
});
