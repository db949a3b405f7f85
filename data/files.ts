import { DataError } from "../core/graph/errors.ts";
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
  let bytes: Uint8Array;
  try {
    bytes = await Deno.readFile(path);
  } catch (cause) {
    const error = new DataError(`Cannot read "${path}" as ${explain(path, cause)}`, { file: path });
    error.cause = cause;
    throw error;
  }
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

function explain(path: string, error: unknown): string {
  if (error instanceof Deno.errors.NotCapable) {
    return `this program has no permission to: run it again with --allow-read=${path}`;
  }
  if (error instanceof Deno.errors.NotFound) return "there is no such file: check its path";
  if (error instanceof Deno.errors.PermissionDenied) {
    return "the system does not let this user read it: check the file's owner and mode";
  }
  if (error instanceof Deno.errors.IsADirectory) {
    return "it is a folder: name a file in it";
  }
  return `the system refused: ${error instanceof Error ? error.message : String(error)}`;
}
