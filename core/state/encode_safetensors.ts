import { DataError, DTypeError, ShapeError } from "../graph/errors.ts";
import {
  arrayTypes,
  countElements,
  headerLimit,
  type SafetensorsTensor,
} from "./safetensors_types.ts";

/**
 * Writes tensors in the safetensors format.
 *
 * The header names the tensors in the map's order; their bytes follow, the widest element types
 * first, so that every tensor is aligned. The same tensors and metadata give the same bytes.
 *
 * @param tensors The tensors by name; names are non-empty and are neither `__metadata__` nor
 * `__proto__`.
 * @param metadata Text to keep with them, by key; default none.
 * @returns The bytes of the file.
 * @throws {DTypeError} If an element type is unknown or its array is of another type.
 * @throws {ShapeError} If a shape is not of integers from 0, or does not fit the array's length.
 * @throws {DataError} If a name cannot be used, metadata are not text, a boolean is neither 0 nor
 * 1, or the header passes 100 MB.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { decodeSafetensors, encodeSafetensors } from "@millrace/millrace";
 *
 * const kernel = { dtype: "F32", shape: [2, 1], data: Float32Array.of(0.5, -1) } as const;
 * const bytes = encodeSafetensors(new Map([["dense_1/kernel", kernel]]), { epoch: "3" });
 * const { tensors, metadata } = decodeSafetensors(bytes);
 * assert.deepEqual(tensors.get("dense_1/kernel"), kernel);
 * assert.equal(metadata.epoch, "3");
 * ```
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, SafetensorsTensor>,
  metadata: Record<string, string> = {},
): Uint8Array<ArrayBuffer> {
  for (const [name, tensor] of tensors) checkTensor(name, tensor);
  checkMetadata(metadata);
  const begins = new Map<string, number>();
  let length = 0;
  const byWidth = [...tensors].sort(([, a], [, b]) =>
    b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT
  );
  for (const [name, { data }] of byWidth) {
    begins.set(name, length);
    length += data.byteLength;
  }
  const header = encodeHeader(tensors, metadata, begins);
  const bytes = new Uint8Array(8 + header.length + length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(header, 8);
  for (const [name, { data }] of tensors) {
    const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    bytes.set(raw, 8 + header.length + begins.get(name)!);
  }
  return bytes;
}

function encodeHeader(
  tensors: ReadonlyMap<string, SafetensorsTensor>,
  metadata: Record<string, string>,
  begins: ReadonlyMap<string, number>,
): Uint8Array {
  // Built entry by entry: an object would move names that look like numbers to its front.
  const entries = Object.keys(metadata).length > 0
    ? [`"__metadata__":${JSON.stringify(metadata)}`]
    : [];
  for (const [name, { dtype, shape, data }] of tensors) {
    const begin = begins.get(name)!;
    const entry = { dtype, shape, data_offsets: [begin, begin + data.byteLength] };
    entries.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
  }
  const text = new TextEncoder().encode(`{${entries.join(",")}}`);
  // Spaces up to a multiple of 8, so that the tensors are aligned in the file.
  const header = new Uint8Array(Math.ceil(text.length / 8) * 8).fill(0x20);
  header.set(text);
  if (header.length > headerLimit) {
    throw new DataError(
      `Cannot write safetensors as the header may take ${headerLimit} bytes: this one takes ` +
        `${header.length}`,
    );
  }
  return header;
}

function checkTensor(name: string, { dtype, shape, data }: SafetensorsTensor): void {
  if (name === "" || name === "__metadata__" || name === "__proto__" || !name.isWellFormed()) {
    throw new DataError(
      `Cannot write safetensors as a tensor needs a name that is well-formed text and neither ` +
        `empty, "__metadata__" nor "__proto__": received ${JSON.stringify(name)}`,
    );
  }
  if (!Object.hasOwn(arrayTypes, dtype)) {
    throw new DTypeError(
      `Cannot write tensor "${name}" as its element type must be one of ` +
        `${Object.keys(arrayTypes).join(", ")}: received ${dtype}`,
    );
  }
  if (!(data instanceof arrayTypes[dtype])) {
    throw new DTypeError(
      `Cannot write tensor "${name}" as ${dtype} needs a ${arrayTypes[dtype].name}: received ` +
        `${Object.prototype.toString.call(data).slice(8, -1)}`,
    );
  }
  if (shape.some((length) => !Number.isSafeInteger(length) || length < 0)) {
    throw new ShapeError(
      `Cannot write tensor "${name}" as its shape must be of integers from 0: received ` +
        `[${shape.join(", ")}]`,
    );
  }
  if (countElements(shape) !== data.length) {
    throw new ShapeError(
      `Cannot write tensor "${name}" as its shape [${shape.join(", ")}] takes ` +
        `${countElements(shape) ?? "too many"} elements: received ${data.length}`,
    );
  }
  const wrong = dtype === "BOOL" ? data.findIndex((byte) => byte > 1) : -1;
  if (wrong >= 0) {
    throw new DataError(
      `Cannot write tensor "${name}" as a boolean must be 0 or 1: received ${data[wrong]} at ` +
        `index ${wrong}`,
    );
  }
}

function checkMetadata(metadata: Record<string, string>): void {
  for (const [key, value] of Object.entries(metadata)) {
    const isText = typeof value === "string" && value.isWellFormed() && key.isWellFormed();
    if (!isText || key === "__proto__") {
      throw new DataError(
        `Cannot write safetensors as metadata must be text under keys other than "__proto__": ` +
          `received ${JSON.stringify(key)}: ${JSON.stringify(value)}`,
      );
    }
  }
}
