import { crc32 } from "node:zlib";
import { DataError } from "../graph/errors.ts";

/** The place of the checksum: the first of the metadata, while it is worked out. */
export const noChecksum = { checksum: "00000000" };

/** What stands before it in the header, after the header's length. */
const before = new TextEncoder().encode('{"__metadata__":{"checksum":"');
const start = 8 + before.length;
const end = start + noChecksum.checksum.length;

/**
 * Writes the CRC-32 of a safetensors file into its metadata, whose first is {@link noChecksum}.
 *
 * The format itself has none: a bit that has changed on the disk would be another weight.
 *
 * @param bytes The file, which is changed.
 */
export function writeChecksum(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  new TextEncoder().encodeInto(checksumOf(bytes), bytes.subarray(start, end));
  return bytes;
}

/**
 * Compares the checksum of a file with its bytes.
 *
 * @param bytes The file. @param file Its name, for the message.
 * @returns Whether it has one.
 * @throws {DataError} when it is wrong.
 */
export function checkChecksum(bytes: Uint8Array, file: string): boolean {
  if (before.some((byte, at) => bytes[8 + at] !== byte)) return false;
  const found = new TextDecoder().decode(bytes.subarray(start, end));
  const expected = checksumOf(bytes);
  if (found === expected) return true;
  throw new DataError(
    `Cannot read "${file}" as it is damaged: its bytes have the checksum ${expected}, ` +
      `${JSON.stringify(found)} was written (use an older file, or copy it again)`,
    { file },
  );
}

function checksumOf(bytes: Uint8Array): string {
  const zeros = new TextEncoder().encode(noChecksum.checksum);
  const sum = crc32(bytes.subarray(end), crc32(zeros, crc32(bytes.subarray(0, start))));
  return sum.toString(16).padStart(8, "0");
}
