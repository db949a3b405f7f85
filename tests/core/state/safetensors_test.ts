import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import {
  decodeSafetensors,
  encodeSafetensors,
  type SafetensorsTensor,
} from "../../../core/state/mod.ts";
import { DataError } from "../../../core/graph/errors.ts";

/** A file of a header, as text or bytes, and so many bytes of tensors. */
function file(header: string | Uint8Array, body = 0, length?: bigint): Uint8Array {
  const text = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + text.length + body);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

function entry(shape: unknown, begin: unknown, end: unknown, dtype: unknown = "F32"): string {
  return JSON.stringify({ dtype, shape, data_offsets: [begin, end] });
}

const good = `{"a":${entry([2], 0, 8)}}`;
const eightTimes = Array.from({ length: 10 }, (_, i) => `"t${i}":${entry([2], 0, 8)}`).join();

/** What may be wrong with a file, and what the message must say. */
const faults: [string, Uint8Array, RegExp][] = [
  ["empty", new Uint8Array(), /it is empty/],
  ["shorter than 8 bytes", new Uint8Array(7), /takes 8 bytes: the file holds 7/],
  ["header longer than the file", file(good, 8, 1000n), /1000 bytes and \d+ follow: it is trunc/],
  ["header past the cap", file(good, 8, 100_000_001n), /may take 100000000 bytes/],
  ["header of 2^63", file(good, 8, 2n ** 63n), /claims 9223372036854775808/],
  ["header of 2^64 - 1", file(good, 8, 2n ** 64n - 1n), /claims 18446744073709551615/],
  ["header of 0", file("", 8), /does not start with "\{"/],
  ["not UTF-8", file(Uint8Array.of(0x7b, 0xff, 0x7d)), /not UTF-8/],
  ["byte-order mark", file(`\ufeff${good}`, 8), /does not start with "\{"/],
  ["leading space", file(` ${good}`, 8), /does not start with "\{"/],
  ["an array", file("[]"), /does not start with "\{"/],
  ["not JSON", file("{a:1}"), /not JSON/],
  ["an unclosed object", file('{"a":'), /not JSON/],
  ["an unclosed string", file('{"a'), /not JSON/],
  ["a bad escape", file('{"\\x":1}'), /not JSON/],
  ["mismatched brackets", file('{"a":[}]'), /not JSON|other than spaces/],
  ["something behind the header", file(`${good}x`, 8), /other than spaces behind its end/],
  ["a newline behind the header", file(`${good}\n`, 8), /other than spaces behind its end/],
  ["a NUL behind the header", file(`${good}\0`, 8), /other than spaces behind its end/],
  ["a second object", file(`${good}${good}`, 8), /other than spaces behind its end/],
  ["trailing bytes", file(good, 9), /extra bytes at its end/],
  ["truncated tensors", file(good, 7), /is truncated/],
  ["a hole at the front", file(`{"a":${entry([1], 4, 8)}}`, 8), /a hole lies before tensor "a"/],
  [
    "a hole in the middle",
    file(`{"a":${entry([1], 0, 4)},"b":${entry([1], 8, 12)}}`, 12),
    /a hole lies before tensor "b"/,
  ],
  [
    "an overlap",
    file(`{"a":${entry([2], 0, 8)},"b":${entry([2], 4, 12)}}`, 12),
    /overlaps tensor "b"/,
  ],
  ["offsets shared ten times", file(`{${eightTimes}}`, 8), /overlaps tensor "t1"/],
  ["begin after end", file(`{"a":${entry([1], 4, 0)}}`, 4), /a begin and an end/],
  ["negative begin", file(`{"a":${entry([1], -4, 0)}}`, 4), /a begin and an end/],
  ["three offsets", file('{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1,1]}}', 1), /a begin/],
  ["shape against range", file(`{"a":${entry([3], 0, 8)}}`, 8), /takes 12 bytes.* hold 8/],
  ["dtype against range", file(`{"a":${entry([2], 0, 8, "F64")}}`, 8), /takes 16 bytes.* hold 8/],
  ["product past 2^53", file(`{"a":${entry([2 ** 30, 2 ** 30], 0, 8)}}`, 8), /more than 2\^53/],
  ["product of 2^64", file(`{"a":${entry([2 ** 32, 2 ** 32], 0, 0)}}`), /more than 2\^53/],
  ["dimension of 2^53", file(`{"a":${entry([2 ** 53], 0, 8)}}`, 8), /shape of integers/],
  ["negative dimension", file(`{"a":${entry([-1], 0, 4)}}`, 4), /shape of integers/],
  ["fractional dimension", file(`{"a":${entry([0.5], 0, 2)}}`, 2), /shape of integers/],
  [
    "infinite dimension",
    file('{"a":{"dtype":"U8","shape":[1e999],"data_offsets":[0,1]}}', 1),
    /shape of integers/,
  ],
  [
    "negative zero",
    file('{"a":{"dtype":"U8","shape":[-0],"data_offsets":[0,0]}}'),
    /shape of integers/,
  ],
  ["text as dimension", file(`{"a":${entry(["1"], 0, 4)}}`, 4), /shape of integers/],
  ["null as shape", file(`{"a":${entry(null, 0, 4)}}`, 4), /shape of integers/],
  ["unknown dtype", file(`{"a":${entry([1], 0, 4, "F31")}}`, 4), /element types .*received "F31"/],
  ["inherited dtype", file(`{"a":${entry([1], 0, 4, "toString")}}`, 4), /element types/],
  ["numeric dtype", file(`{"a":${entry([1], 0, 4, 7)}}`, 4), /element types/],
  [
    "duplicate tensors",
    file(`{"a":${entry([2], 0, 8)},"a":${entry([2], 0, 8)}}`, 8),
    /key "a" twice/,
  ],
  [
    "duplicate tensors, one escaped",
    file(`{"a":${entry([2], 0, 8)},"\\u0061" :${entry([2], 0, 8)}}`, 8),
    /key "\\u0061" twice/,
  ],
  [
    "duplicate keys in an entry",
    file('{"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}', 1),
    /key "dtype" twice/,
  ],
  ["duplicate metadata", file('{"__metadata__":{"k":"1","k":"2"}}'), /key "k" twice/],
  ["two metadata", file('{"__metadata__":{},"__metadata__":{}}'), /"__metadata__" twice/],
  ["tensor __proto__", file(`{"__proto__":${entry([2], 0, 8)}}`, 8), /key "__proto__"/],
  ["metadata __proto__", file('{"__metadata__":{"__proto__":"x"}}'), /key "__proto__"/],
  ["empty name", file(`{"":${entry([2], 0, 8)}}`, 8), /needs a name/],
  ["lone surrogate", file(`{"\\ud800":${entry([2], 0, 8)}}`, 8), /not well-formed/],
  [
    "metadata of numbers",
    file('{"__metadata__":{"epoch":3}}'),
    /metadata must be text: received 3/,
  ],
  ["metadata as text", file('{"__metadata__":"x"}'), /metadata must be text by key/],
  ["metadata as list", file('{"__metadata__":[]}'), /metadata must be text by key/],
  ["metadata null", file('{"__metadata__":null}'), /metadata must be text by key/],
  ["an entry that is a number", file('{"a":1}'), /must have dtype, shape and data_offsets/],
  ["an entry that is null", file('{"a":null}'), /must have dtype, shape and data_offsets/],
  ["a missing field", file('{"a":{"dtype":"U8","shape":[]}}'), /must have dtype, shape and data/],
  [
    "an unknown field",
    file('{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1],"x":1}}', 1),
    /nothing else/,
  ],
  ["deep nesting", file(`{"a":${"[".repeat(1_000_000)}`), /nested deeper than three levels/],
  ["deep objects", file('{"a":'.repeat(1000) + "1" + "}".repeat(1000)), /nested deeper/],
  [
    "a boolean of 2",
    withBody(`{"a":${entry([2], 0, 2, "BOOL")}}`, [1, 2]),
    /received 2 at index 1/,
  ],
];

function withBody(header: string, body: number[]): Uint8Array {
  const bytes = file(header, body.length);
  bytes.set(body, bytes.length - body.length);
  return bytes;
}

for (const [name, bytes, message] of faults) {
  Deno.test(`decodeSafetensors refuses: ${name}`, () => {
    assert.throws(() => decodeSafetensors(bytes, "x.safetensors"), (error) => {
      assert(error instanceof DataError, String(error));
      assert.match(error.message, message);
      assert(error.message.startsWith('Cannot read "x.safetensors" as '));
      assert(error.message.length < 600, "a hostile header does not fill the message");
      assert.equal(error.file, "x.safetensors");
      return true;
    });
  });
}

Deno.test("decodeSafetensors accepts a file of the format's own implementation", () => {
  // Source: safetensors, tests of the Rust crate, test_serialization.
  // deno-fmt-ignore
  const bytes = Uint8Array.from([
    64, 0, 0, 0, 0, 0, 0, 0, 123, 34, 97, 116, 116, 110, 46, 48, 34, 58, 123, 34, 100, 116, 121,
    112, 101, 34, 58, 34, 70, 51, 50, 34, 44, 34, 115, 104, 97, 112, 101, 34, 58, 91, 49, 44, 50,
    44, 51, 93, 44, 34, 100, 97, 116, 97, 95, 111, 102, 102, 115, 101, 116, 115, 34, 58, 91, 48, 44,
    50, 52, 93, 125, 125, 0, 0, 0, 0, 0, 0, 128, 63, 0, 0, 0, 64, 0, 0, 64, 64, 0, 0, 128, 64, 0, 0,
    160, 64,
  ]);
  const tensor = {
    dtype: "F32",
    shape: [1, 2, 3],
    data: Float32Array.of(0, 1, 2, 3, 4, 5),
  } as const;
  assert.deepEqual(decodeSafetensors(bytes).tensors, new Map([["attn.0", tensor]]));
  assert.deepEqual(encodeSafetensors(new Map([["attn.0", tensor]])), bytes);
});

Deno.test("decodeSafetensors accepts what is unusual but allowed", () => {
  const spaced = file(`{ "b" :\n${entry([2], 0, 8)} , "a":\t${entry([], 8, 12)}}   `, 12);
  assert.deepEqual([...decodeSafetensors(spaced).tensors.keys()], ["b", "a"]);
  assert.deepEqual(decodeSafetensors(file("{}")).tensors, new Map());
  const empty = file(`{"a":${entry([0, 2 ** 50, 2 ** 50], 0, 0)},"b":${entry([1], 0, 4)}}`, 4);
  assert.equal(decodeSafetensors(empty).tensors.get("a")!.data.length, 0);
  const named = file(`{"constructor":${entry([1], 0, 4)},"1":${entry([1], 4, 8)}}`, 8);
  assert.equal(decodeSafetensors(named).tensors.size, 2);
  const quoted = file(`{"{\\"a\\\\":${entry([1], 0, 4)}}`, 4);
  assert.deepEqual([...decodeSafetensors(quoted).tensors.keys()], ['{"a\\']);
  assert.deepEqual(decodeSafetensors(file('{"__metadata__":{}}')).metadata, {});
});

Deno.test("decodeSafetensors takes 100,000 tensors and a name of 20 MB in their stride", () => {
  const many = new Map(
    Array.from({ length: 100_000 }, (_, i): [string, SafetensorsTensor] => [
      `layer_${i}`,
      { dtype: "U8", shape: [1], data: Uint8Array.of(i) },
    ]),
  );
  assert.equal(decodeSafetensors(encodeSafetensors(many)).tensors.size, 100_000);
  const long = "\\\\".repeat(10_000_000);
  assert.equal(decodeSafetensors(file(`{"${long}":${entry([1], 0, 4)}}`, 4)).tensors.size, 1);
});

Deno.test("decodeSafetensors works on a view that is not aligned", () => {
  const encoded = encodeSafetensors(
    new Map([["a", { dtype: "F64", shape: [2], data: Float64Array.of(1.5, NaN) }]]),
  );
  const shifted = new Uint8Array(encoded.length + 3);
  shifted.set(encoded, 3);
  for (const bytes of [shifted.subarray(3), Buffer.from(shifted.buffer, 3)]) {
    const { data } = decodeSafetensors(bytes).tensors.get("a")!;
    assert.deepEqual([...data], [1.5, NaN]);
  }
  const aligned = decodeSafetensors(encoded).tensors.get("a")!;
  assert.equal(aligned.data.buffer, encoded.buffer);
});
