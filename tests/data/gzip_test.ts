import assert from "node:assert/strict";
import fc from "fast-check";
import { DataError } from "../../core/graph/errors.ts";
import { gunzip, isGzip } from "../../data/mod.ts";
import { gzip, join } from "./helpers.ts";

const contents = Uint8Array.from({ length: 100_000 }, (_, i) => (i * i * 7919) >> 3);
const packed = await gzip(contents);
const random = crypto.getRandomValues(new Uint8Array(60_000));
const packedRandom = await gzip(random);
const last = packed.length - 1;

function flip(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.map((byte, i) => i === at ? byte ^ 4 : byte);
}

/** What may be wrong with the data, and what the message must say. */
const faults: [string, Uint8Array, RegExp][] = [
  ["empty", new Uint8Array(), /it is empty/],
  ["one byte", packed.subarray(0, 1), /not gzip data/],
  [
    "another format",
    new TextEncoder().encode("PK\x03\x04 is a zip file, longer than 20"),
    /not gzip/,
  ],
  ["a header alone", packed.subarray(0, 10), /at least 20 bytes, received 10/],
  ["truncated early", packed.subarray(0, 30), /truncated or damaged/],
  ["truncated halfway", packed.subarray(0, packed.length >> 1), /truncated or damaged/],
  ["truncated by its trailer", packed.subarray(0, -8), /truncated or damaged/],
  ["truncated by a byte", packed.subarray(0, -1), /truncated or damaged/],
  ["random data truncated", packedRandom.subarray(0, -9), /truncated or damaged/],
  ["an unknown method", flip(packed, 2), /it is damaged/],
  ["a bit flipped in the data", flip(packed, 60), /damaged/],
  ["a bit flipped in stored data", flip(packedRandom, 30_000), /damaged/],
  ["a bit flipped in the checksum", flip(packed, last - 6), /damaged/],
  ["a bit flipped in the length", flip(packed, last), /damaged/],
  ["trailing junk", join(packed, [1, 2, 3]), /something follows the end/],
  ["much trailing junk", join(packed, new Uint8Array(100_000)), /something follows the end/],
  ["a second member", join(packed, packed), /something follows the end/],
  ["an empty second member", join(packedRandom, await gzip(new Uint8Array())), /something follows/],
];

for (const [name, bytes, message] of faults) {
  Deno.test(`gunzip refuses: ${name}`, async () => {
    await assert.rejects(gunzip(bytes, { file: "x.gz" }), (error) => {
      assert(error instanceof DataError, String(error));
      assert.match(error.message, message);
      assert(error.message.startsWith('Cannot decompress "x.gz" as '));
      assert.equal(error.file, "x.gz");
      return true;
    });
  });
}

Deno.test("gunzip gives back what was compressed", async () => {
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), async (bytes) => {
    assert.deepEqual(await gunzip(await gzip(bytes)), bytes);
  }));
  assert.deepEqual(await gunzip(packed), contents);
  assert.deepEqual(await gunzip(packedRandom), random);
  const larger = join([1, 2, 3], packed);
  assert.deepEqual(await gunzip(larger.subarray(3)), contents);
});

Deno.test("gunzip refuses any data with one bit flipped, or gives the same contents", async () => {
  const small = contents.subarray(0, 300);
  const bytes = await gzip(small);
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(7), async (at, bit) => {
      try {
        const result = await gunzip(bytes.map((byte, i) => i === at ? byte ^ (1 << bit) : byte));
        // Some bits carry no contents: flags, time, the fill of the last byte.
        assert.deepEqual(result, small);
      } catch (error) {
        assert(error instanceof DataError, String(error));
      }
    }),
    { numRuns: 300 },
  );
});

Deno.test("gunzip stops at its limit", async () => {
  const bomb = await gzip(new Uint8Array(50_000_000));
  assert(bomb.length < 60_000);
  await assert.rejects(
    gunzip(bomb, { limit: 1_000_000 }),
    /longer than the limit of 1000000 bytes/,
  );
  assert.equal((await gunzip(packed, { limit: contents.length })).length, contents.length);
  await assert.rejects(gunzip(packed, { limit: contents.length - 1 }), DataError);
  await assert.rejects(gunzip(packed, { limit: NaN }), /limit must be a number .*received NaN/);
});

Deno.test("isGzip looks at the first two bytes", () => {
  assert(isGzip(packed));
  assert(!isGzip(packed.subarray(0, 1)));
  assert(!isGzip(packed.subarray(1)));
  assert(!isGzip(new Uint8Array()));
});
