import { DataError } from "../core/graph/errors.ts";
import { received } from "../core/state/received.ts";
import { transposedData } from "../core/state/transposed_data.ts";

/** An array of NumPy's, in a type that data sets keep. */
export interface NpyArray {
  /** Sizes of the axes; empty for a single number. */
  readonly shape: readonly number[];
  /** The elements, row by row. */
  readonly data: Uint8Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Float32Array<ArrayBuffer>;
}

/** How an element type is read, and what its elements become. */
interface ElementType {
  readonly bytes: number;
  readonly array: Uint8ArrayConstructor | Int32ArrayConstructor | Float32ArrayConstructor;
  read(view: DataView, at: number, little: boolean): number;
}

/** Element types by NumPy's letters for them. */
const types: Readonly<Record<string, ElementType>> = {
  b1: { bytes: 1, array: Uint8Array, read: (view, at) => view.getUint8(at) },
  u1: { bytes: 1, array: Uint8Array, read: (view, at) => view.getUint8(at) },
  i1: { bytes: 1, array: Int32Array, read: (view, at) => view.getInt8(at) },
  u2: { bytes: 2, array: Int32Array, read: (view, at, little) => view.getUint16(at, little) },
  i2: { bytes: 2, array: Int32Array, read: (view, at, little) => view.getInt16(at, little) },
  u4: { bytes: 4, array: Int32Array, read: (view, at, little) => view.getUint32(at, little) },
  i4: { bytes: 4, array: Int32Array, read: (view, at, little) => view.getInt32(at, little) },
  u8: {
    bytes: 8,
    array: Int32Array,
    read: (view, at, little) => Number(view.getBigUint64(at, little)),
  },
  i8: {
    bytes: 8,
    array: Int32Array,
    read: (view, at, little) => Number(view.getBigInt64(at, little)),
  },
  f2: { bytes: 2, array: Float32Array, read: (view, at, little) => view.getFloat16(at, little) },
  f4: { bytes: 4, array: Float32Array, read: (view, at, little) => view.getFloat32(at, little) },
  f8: { bytes: 8, array: Float32Array, read: (view, at, little) => view.getFloat64(at, little) },
};

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/**
 * Reads an array that NumPy has saved: `np.save("x.npy", x)`.
 *
 * Bytes and truth values stay bytes; other whole numbers become int32, and floats float32, as data sets
 * keep them. Arrays in Fortran's order come row by row, too.
 *
 * @param bytes The file.
 * @param options `file`: its name, for messages.
 * @returns The array, for {@linkcode arrays} and `predict`.
 * @throws {DataError} If it is no such file, is cut off, holds anything but numbers, or whole numbers
 * beyond 32 bits.
 * @throws {TypeError} If `bytes` is no bytes.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseNpy } from "@millrace/millrace";
 *
 * const header = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2), }\n";
 * const text = [..."\x93NUMPY\x01\x00", String.fromCharCode(header.length), "\x00", ...header];
 * const file = Uint8Array.from([...text.map((sign) => sign.charCodeAt(0)), 1, 2, 3, 4]);
 * const { shape, data } = parseNpy(file);
 * assert.deepEqual(shape, [2, 2]);
 * assert.deepEqual([...data], [1, 2, 3, 4]);
 * ```
 *
 * Source: `numpy.lib.format`.
 */
export function parseNpy(
  bytes: Uint8Array,
  options: { readonly file?: string } = {},
): NpyArray {
  const { file = "an array of NumPy" } = options;
  if (!(bytes instanceof Uint8Array)) {
    throw new TypeError(
      `Cannot read ${file} as parseNpy takes the bytes of a file: received ${received(bytes)} ` +
        `(readDataFile gives those of a path)`,
    );
  }
  const refuse = (why: string): never => {
    throw new DataError(`Cannot read "${file}" as ${why}`, { file });
  };
  const { header, start } = headerOf(bytes, refuse);
  const [, order, letters] = /'descr':\s*'([<>=|])(\w+)'/.exec(header) ?? [];
  const type = types[letters] ??
    refuse(
      `its elements must be numbers or truth values: received ${
        /'descr':\s*('[^']*'|\[)/.exec(header)?.[1] ?? "none"
      } (save x.astype("float32"))`,
    );
  const sizes = /'shape':\s*\(([\d\s,]*)\)/.exec(header)?.[1] ?? refuse("its header has no shape");
  const shape = sizes.split(",").map((size) => size.trim()).filter(Boolean).map(Number);
  const count = shape.reduce((product, size) => product * size, 1);
  const expected = start + count * type.bytes;
  if (bytes.length !== expected) {
    refuse(
      `its shape [${
        shape.join(", ")
      }] with ${type.bytes} bytes an element takes ${expected} bytes ` +
        `and the file holds ${bytes.length}: get it again`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + start);
  const data = new type.array(count);
  for (let place = 0; place < count; place++) {
    const value = type.read(view, place * type.bytes, order !== ">");
    data[place] = value;
    if (data[place] !== value && type.array === Int32Array) {
      refuse(`whole numbers must fit into 32 bits: received ${value} at index ${place}`);
    }
  }
  if (!/'fortran_order':\s*True/.test(header)) return { shape, data };
  // Column by column is row by row with the axes the other way round.
  const axes = shape.map((_, axis) => shape.length - 1 - axis);
  return { shape, data: transposedData(data, shape.toReversed(), axes) };
}

/** The text that says what is in the file, and where that begins. */
function headerOf(bytes: Uint8Array, refuse: (why: string) => never) {
  if (bytes.length < 10 || magic.some((byte, at) => bytes[at] !== byte)) {
    refuse(
      bytes[0] === 0x50 && bytes[1] === 0x4b
        ? "it is an archive of several arrays: read it by parseNpz"
        : "it is no array that NumPy has saved: expected it to start with \\x93NUMPY",
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  // Version 1 has a length of two bytes, later ones of four.
  const [from, length] = bytes[6] === 1
    ? [10, view.getUint16(8, true)]
    : [12, bytes.length < 12 ? Infinity : view.getUint32(8, true)];
  const start = from + length;
  if (start > bytes.length) refuse("it ends within its header: get it again");
  return { header: new TextDecoder().decode(bytes.subarray(from, start)), start };
}
