import { DataError } from "../graph/errors.ts";
import { scanHeader } from "./scan_header.ts";
import {
  arrayTypes,
  countElements,
  headerLimit,
  type SafetensorsContents,
  type SafetensorsDType,
  type SafetensorsTensor,
} from "./safetensors_types.ts";

type Fail = (why: string) => DataError;

interface Entry {
  name: string;
  dtype: SafetensorsDType;
  shape: number[];
  begin: number;
  end: number;
}

/**
 * Reads tensors in the safetensors format, refusing whatever the format does not allow.
 *
 * Every byte must be accounted for: the header, which is JSON without duplicate keys, and behind it
 * the tensors without hole, overlap or rest. Nothing in the file is run or looked up by name.
 *
 * @param bytes The whole file.
 * @param file The file's name, for messages; default `"safetensors data"`.
 * @returns The tensors by name, and the metadata. Aligned tensors share memory with `bytes`, the
 * others are copies.
 * @throws {DataError} If the file is empty, truncated, too long, or breaks any rule of the format;
 * the message names the tensor.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { decodeSafetensors } from "@millrace/millrace";
 *
 * assert.throws(() => decodeSafetensors(new Uint8Array(7), "digits.safetensors"), {
 *   name: "DataError",
 *   file: "digits.safetensors",
 * });
 * ```
 *
 * Source: the format's description and tests, https://github.com/huggingface/safetensors. Stricter
 * than those: unknown keys in an entry, the names "" and `__proto__`, and booleans other than 0
 * and 1 are refused.
 */
export function decodeSafetensors(
  bytes: Uint8Array,
  file = "safetensors data",
): SafetensorsContents {
  const fail: Fail = (why) => new DataError(`Cannot read "${file}" as ${why}`, { file });
  const { text, start } = readHeader(bytes, fail);
  const header = parseHeader(text, fail);
  const metadata = readMetadata(header.get("__metadata__"), fail);
  header.delete("__metadata__");
  const entries = [...header].map(([name, entry]) => readEntry(name, entry, fail));
  checkLayout(entries, bytes.length - start, fail);
  const tensors = new Map(entries.map((entry) => [
    entry.name,
    readTensor(entry, bytes, start, fail),
  ]));
  return { tensors, metadata };
}

function readHeader(bytes: Uint8Array, fail: Fail): { text: string; start: number } {
  if (bytes.length === 0) throw fail("it is empty: expected a safetensors file");
  if (bytes.length < 8) {
    throw fail(`the length of its header takes 8 bytes: the file holds ${bytes.length}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getBigUint64(0, true);
  if (length > headerLimit) {
    throw fail(
      `its header may take ${headerLimit} bytes: it claims ${length} (is it a safetensors file?)`,
    );
  }
  const start = 8 + Number(length);
  if (start > bytes.length) {
    throw fail(`its header takes ${length} bytes and ${bytes.length - 8} follow: it is truncated`);
  }
  if (bytes[8] !== 0x7b || start === 8) throw fail('its header does not start with "{"');
  try {
    const text = new TextDecoder("utf-8", { fatal: true })
      .decode(bytes.subarray(8, start));
    return { text, start };
  } catch {
    throw fail("its header is not UTF-8");
  }
}

function parseHeader(text: string, fail: Fail): Map<string, unknown> {
  const wrong = scanHeader(text);
  if (wrong !== undefined) throw fail(wrong);
  let header: object;
  try {
    header = JSON.parse(text);
  } catch (error) {
    throw fail(`its header is not JSON: ${(error as Error).message}`);
  }
  return new Map(Object.entries(header));
}

function readMetadata(value: unknown, fail: Fail): Record<string, string> {
  if (value === undefined) return {};
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw fail(`its metadata must be text by key: received ${shorten(value)}`);
  }
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== "string") {
      throw fail(`its metadata must be text: received ${shorten(text)} for ${shorten(key)}`);
    }
  }
  return value as Record<string, string>;
}

function readEntry(name: string, entry: unknown, fail: Fail): Entry {
  if (name === "") throw fail("a tensor needs a name: received an empty one");
  const where = `tensor ${shorten(name)}`;
  const keys = typeof entry === "object" && entry !== null ? Object.keys(entry).sort() : [];
  if (keys.join() !== "data_offsets,dtype,shape") {
    throw fail(
      `${where} must have dtype, shape and data_offsets and nothing else: received ` +
        `${shorten(entry)}`,
    );
  }
  const { dtype, shape, data_offsets: offsets } = entry as Record<string, unknown>;
  if (typeof dtype !== "string" || !Object.hasOwn(arrayTypes, dtype)) {
    const known = Object.keys(arrayTypes).join(", ");
    throw fail(`${where} must have one of the element types ${known}: received ${shorten(dtype)}`);
  }
  if (!isCounts(shape)) {
    throw fail(`${where} must have a shape of integers from 0: received ${shorten(shape)}`);
  }
  if (!isCounts(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) {
    throw fail(
      `${where} must have a begin and an end not before it as data_offsets: received ` +
        `${shorten(offsets)}`,
    );
  }
  const [begin, end] = offsets;
  const elements = countElements(shape);
  const size = arrayTypes[dtype as SafetensorsDType].BYTES_PER_ELEMENT;
  if (elements === undefined || elements * size !== end - begin) {
    throw fail(
      `${where} of type ${dtype} and shape [${shorten(shape.join(", "), false)}] takes ` +
        `${elements === undefined ? "more than 2^53" : elements * size} bytes: its data_offsets ` +
        `hold ${end - begin}`,
    );
  }
  return { name, dtype: dtype as SafetensorsDType, shape, begin, end };
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) &&
    value.every((item) => Number.isSafeInteger(item) && item >= 0 && !Object.is(item, -0));
}

function checkLayout(entries: readonly Entry[], available: number, fail: Fail): void {
  const byOffset = [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end);
  let next = 0;
  for (const { name, begin, end } of byOffset) {
    if (begin !== next) {
      const what = begin > next ? "a hole lies before" : "another tensor overlaps";
      throw fail(
        `${what} tensor ${shorten(name)}: expected it to begin at ${next}, received ${begin}`,
      );
    }
    next = end;
  }
  if (next !== available) {
    throw fail(
      `its tensors take ${next} bytes and ${available} follow the header: it ${
        next > available ? "is truncated" : "has extra bytes at its end"
      }`,
    );
  }
}

function readTensor(entry: Entry, bytes: Uint8Array, start: number, fail: Fail): SafetensorsTensor {
  const { name, dtype, shape, begin, end } = entry;
  const ArrayType = arrayTypes[dtype];
  const raw = bytes.subarray(start + begin, start + end);
  // Copied by the constructor: a slice of a Buffer of Node's would be the same bytes.
  const aligned = raw.byteOffset % ArrayType.BYTES_PER_ELEMENT === 0 ? raw : new Uint8Array(raw);
  const length = raw.length / ArrayType.BYTES_PER_ELEMENT;
  const data = new ArrayType(aligned.buffer as ArrayBuffer, aligned.byteOffset, length);
  const wrong = dtype === "BOOL" ? raw.findIndex((byte) => byte > 1) : -1;
  if (wrong >= 0) {
    throw fail(
      `tensor ${shorten(name)} must hold booleans of 0 or 1: received ${
        raw[wrong]
      } at index ${wrong}`,
    );
  }
  // The compiler does not see that the array is the one of this element type.
  return { dtype, shape, data } as SafetensorsTensor;
}

/** A hostile header may hold values of megabytes: a message shows their start. */
function shorten(value: unknown, quote = true): string {
  const text = quote ? String(JSON.stringify(value)) : String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
