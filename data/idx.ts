import { DataError } from "../core/graph/errors.ts";

/**
 * The contents of an IDX file: an array of one element type with its shape.
 *
 * `dtype` decides the type of `data`; `shape` holds 1 to 255 dimensions, each at least 1; `data` is
 * in row-major order, in the machine's own byte order.
 */
export type IdxArray =
  | { readonly dtype: "u8"; readonly shape: readonly number[]; readonly data: Uint8Array }
  | { readonly dtype: "i8"; readonly shape: readonly number[]; readonly data: Int8Array }
  | { readonly dtype: "i16"; readonly shape: readonly number[]; readonly data: Int16Array }
  | { readonly dtype: "i32"; readonly shape: readonly number[]; readonly data: Int32Array }
  | { readonly dtype: "f32"; readonly shape: readonly number[]; readonly data: Float32Array }
  | { readonly dtype: "f64"; readonly shape: readonly number[]; readonly data: Float64Array };

const bytesPerElement = new Map([[0x08, 1], [0x09, 1], [0x0b, 2], [0x0c, 4], [0x0d, 4], [0x0e, 8]]);

/**
 * Parses the bytes of an IDX file, the format of MNIST and its relatives.
 *
 * Every byte is accounted for: the file must be exactly as long as its header says. Bytes
 * (`u8`, `i8`) are not copied, so the result shares memory with `bytes`; other types are big-endian
 * in the file and are copied into the machine's order.
 *
 * @param bytes The whole file, uncompressed (see {@linkcode gunzip} for compressed ones).
 * @param file The file's name, for messages; default `"IDX data"`.
 * @returns Element type, shape and data.
 * @throws {DataError} If the magic number, element type, dimensions or length are not those of an
 * IDX file, or a dimension is 0.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseIdx } from "@millrace/millrace";
 *
 * const labels = parseIdx(new Uint8Array([0, 0, 0x08, 1, 0, 0, 0, 3, 5, 0, 4]));
 * assert.deepEqual(labels.shape, [3]);
 * assert.deepEqual([...labels.data], [5, 0, 4]);
 * ```
 *
 * Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", section
 * "The IDX file format".
 */
export function parseIdx(bytes: Uint8Array, file = "IDX data"): IdxArray {
  const fail = (why: string): DataError =>
    new DataError(`Cannot read "${file}" as ${why}`, { file });
  const type = checkMagic(bytes, fail);
  const rank = bytes[3];
  const start = 4 + 4 * rank;
  if (bytes.length < start) {
    throw fail(
      `its header of ${rank} dimensions takes ${start} bytes and the file holds ${bytes.length}: ` +
        `it is truncated, get it again`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const zero = shape.indexOf(0);
  if (zero >= 0) {
    throw fail(`dimension ${zero} of its shape [${shape.join(", ")}] is 0: the file holds no data`);
  }
  const size = bytesPerElement.get(type)!;
  // A product past 2^53 loses its last digits, but no file is as long as that, so the comparison
  // with the length still refuses it.
  const expected = start + size * shape.reduce((product, length) => product * length, 1);
  if (bytes.length !== expected) {
    const short = bytes.length < expected;
    throw fail(
      `its shape [${shape.join(", ")}] with ${size} bytes an element takes ${expected} bytes and ` +
        `the file holds ${bytes.length}: it ${
          short ? "is truncated, get it again" : "has extra bytes at its end"
        }`,
    );
  }
  return decode(type, shape, view, start);
}

function checkMagic(bytes: Uint8Array, fail: (why: string) => DataError): number {
  if (bytes.length === 0) throw fail("it is empty: expected an IDX file");
  if (bytes.length < 4) {
    throw fail(`an IDX file has at least 4 bytes, this one ${bytes.length}: it is truncated`);
  }
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    throw fail("it is compressed by gzip: expected a plain IDX file, decompress it first");
  }
  const magic = Array.from(
    bytes.subarray(0, 4),
    (byte) => byte.toString(16).padStart(2, "0"),
  ).join(" ");
  if (bytes[0] !== 0 || bytes[1] !== 0) {
    throw fail(
      `it is not an IDX file: expected it to start with two zero bytes, as in 00 00 08 03, ` +
        `received ${magic}`,
    );
  }
  if (!bytesPerElement.has(bytes[2])) {
    throw fail(
      `its element type is unknown: expected 08, 09, 0b, 0c, 0d or 0e as the third byte, ` +
        `received ${magic}`,
    );
  }
  if (bytes[3] === 0) {
    throw fail(`it has no dimensions: expected 1 or more as the fourth byte, received ${magic}`);
  }
  return bytes[2];
}

function decode(type: number, shape: number[], view: DataView, start: number): IdxArray {
  const { buffer, byteOffset } = view;
  const length = view.byteLength - start;
  switch (type) {
    case 0x08:
      return { dtype: "u8", shape, data: new Uint8Array(buffer, byteOffset + start, length) };
    case 0x09:
      return { dtype: "i8", shape, data: new Int8Array(buffer, byteOffset + start, length) };
    case 0x0b: {
      const data = new Int16Array(length / 2);
      for (let i = 0; i < data.length; i++) data[i] = view.getInt16(start + 2 * i);
      return { dtype: "i16", shape, data };
    }
    case 0x0c: {
      const data = new Int32Array(length / 4);
      for (let i = 0; i < data.length; i++) data[i] = view.getInt32(start + 4 * i);
      return { dtype: "i32", shape, data };
    }
    case 0x0d: {
      const data = new Float32Array(length / 4);
      for (let i = 0; i < data.length; i++) data[i] = view.getFloat32(start + 4 * i);
      return { dtype: "f32", shape, data };
    }
    default: {
      const data = new Float64Array(length / 8);
      for (let i = 0; i < data.length; i++) data[i] = view.getFloat64(start + 8 * i);
      return { dtype: "f64", shape, data };
    }
  }
}
