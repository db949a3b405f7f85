import assert from "node:assert/strict";
import fc from "fast-check";
import {
  decodeSafetensors,
  encodeSafetensors,
  type SafetensorsDType,
  type SafetensorsTensor,
} from "../../../core/state/mod.ts";
import { arrayTypes } from "../../../core/state/safetensors_types.ts";
import { DataError, DTypeError, ShapeError } from "../../../core/graph/errors.ts";

const tensor: fc.Arbitrary<SafetensorsTensor> = fc.tuple(
  fc.constantFrom(...Object.keys(arrayTypes) as SafetensorsDType[]),
  fc.array(fc.nat(3), { maxLength: 4 }),
  fc.uint8Array({ minLength: 81 * 8, maxLength: 81 * 8 }),
).map(([dtype, shape, random]) => {
  const length = shape.reduce((product, dimension) => product * dimension, 1);
  const bytes = dtype === "BOOL" ? random.map((byte) => byte % 2) : random;
  const data = new arrayTypes[dtype](bytes.slice().buffer).slice(0, length);
  return { dtype, shape, data } as SafetensorsTensor;
});
const name = fc.string({ unit: "grapheme", minLength: 1 })
  .filter((text) => text.isWellFormed() && text !== "__proto__" && text !== "__metadata__");
const metadata = fc.dictionary(name, fc.string().filter((text) => text.isWellFormed()));

function bits({ dtype, shape, data }: SafetensorsTensor): unknown {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { dtype, shape, type: data.constructor.name, bytes: [...bytes] };
}

Deno.test("what encodeSafetensors writes, decodeSafetensors reads to the last bit", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(name, tensor), { maxLength: 8 }), metadata, (list, notes) => {
      const tensors = new Map(list);
      const bytes = encodeSafetensors(tensors, notes);
      assert.deepEqual(encodeSafetensors(tensors, notes), bytes);
      const decoded = decodeSafetensors(bytes);
      assert.deepEqual([...decoded.tensors.keys()].sort(), [...tensors.keys()].sort());
      for (const [key, value] of tensors) {
        assert.deepEqual(bits(decoded.tensors.get(key)!), bits(value));
      }
      assert.deepEqual({ ...decoded.metadata }, { ...notes });
    }),
  );
});

Deno.test("a damaged file is refused with a DataError or read, never anything else", () => {
  const tensors = new Map<string, SafetensorsTensor>([
    ["a", { dtype: "F32", shape: [3], data: Float32Array.of(1, 2, 3) }],
    ["b", { dtype: "BOOL", shape: [2], data: Uint8Array.of(1, 0) }],
  ]);
  const whole = encodeSafetensors(tensors, { format: "millrace" });
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const bytes = whole.slice();
      bytes[at] ^= change;
      try {
        decodeSafetensors(bytes);
      } catch (error) {
        assert(error instanceof DataError, String(error));
      }
    }),
    { numRuns: 2000 },
  );
  for (let length = 0; length < whole.length; length++) {
    assert.throws(() => decodeSafetensors(whole.subarray(0, length)), DataError);
  }
});

Deno.test("encodeSafetensors aligns every tensor to its element", () => {
  const tensors = new Map<string, SafetensorsTensor>([
    ["bytes", { dtype: "U8", shape: [3], data: Uint8Array.of(1, 2, 3) }],
    ["doubles", { dtype: "F64", shape: [1], data: Float64Array.of(1) }],
    ["halves", { dtype: "BF16", shape: [1], data: Uint16Array.of(0x3f80) }],
  ]);
  const bytes = encodeSafetensors(tensors);
  for (const { data } of decodeSafetensors(bytes).tensors.values()) {
    assert.equal(data.buffer, bytes.buffer);
  }
});

Deno.test("encodeSafetensors refuses what could not be read again", () => {
  const one = { dtype: "F32", shape: [1], data: Float32Array.of(1) } as const;
  const encode = (key: string, value: unknown): Uint8Array =>
    encodeSafetensors(new Map([[key, value as SafetensorsTensor]]));
  for (const key of ["", "__metadata__", "__proto__", "\ud800"]) {
    assert.throws(() => encode(key, one), DataError);
  }
  assert.throws(() => encode("a", { ...one, dtype: "F31" }), DTypeError);
  assert.throws(() => encode("a", { ...one, dtype: "toString" }), DTypeError);
  assert.throws(() => encode("a", { ...one, data: new Float64Array(1) }), DTypeError);
  for (const shape of [[2], [-1], [0.5], [1, 0], [2 ** 40, 2 ** 40]]) {
    assert.throws(() => encode("a", { ...one, shape }), ShapeError);
  }
  const bool = { dtype: "BOOL", shape: [2], data: Uint8Array.of(1, 2) };
  assert.throws(() => encode("a", bool), /must be 0 or 1: received 2 at index 1/);
  const notes = { epoch: 3 } as unknown as Record<string, string>;
  assert.throws(() => encodeSafetensors(new Map(), notes), /metadata must be text/);
  const proto = JSON.parse('{"__proto__":"x"}');
  assert.throws(() => encodeSafetensors(new Map(), proto), /metadata must be text/);
  assert.throws(() => encodeSafetensors(new Map(), { a: "x".repeat(100_000_001) }), /100000000/);
});
