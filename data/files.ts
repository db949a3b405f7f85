import { readBytes } from "../core/state/read_bytes.ts";
import { gunzip, isGzip } from "./gzip.ts";
import { type IdxArray, parseIdx } from "./idx.ts";

/**
 * Reads a whole file, decompressing it if it is gzip data.
 *
 * @param path The file's path. Needs the permission `--allow-read=PATH`.
 * @returns The file's bytes, decompressed.
 * @throws {DataError} If the file is missing, is a folder, may not be read, or is damaged gzip data;
 * the message says what to do and `cause` holds the system's error.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { readDataFile } from "@millrace/millrace";
 *
 * await assert.rejects(readDataFile("no-such-file.gz"), /no-such-file.gz/);
 * ```
 */
export async function readDataFile(path: string): Promise<Uint8Array> {
  const bytes = await readBytes(path);
  return isGzip(bytes) ? await gunzip(bytes, { file: path }) : bytes;
}

/**
 * Reads an IDX file, plain or compressed by gzip.
 *
 * @param path The file's path. Needs the permission `--allow-read=PATH`.
 * @returns Element type, shape and data.
 * @throws {DataError} If the file cannot be read (see {@linkcode readDataFile}) or is not a whole
 * IDX file (see {@linkcode parseIdx}).
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { readIdxFile } from "@millrace/millrace";
 *
 * await assert.rejects(readIdxFile("no-such-file-idx1-ubyte"), /no-such-file-idx1-ubyte/);
 * ```
 */
export async function readIdxFile(path: string): Promise<IdxArray> {
  return parseIdx(await readDataFile(path), path);
}
