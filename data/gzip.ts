import { DataError } from "../core/graph/errors.ts";
import { received } from "../core/state/received.ts";

/** What {@linkcode gunzip} may be told beyond the bytes. */
export interface GunzipOptions {
  /** The file's name, for messages; default `"gzip data"`. */
  file?: string;
  /** Most bytes the output may have, as a guard against bombs; default 2^30 (1 GiB). */
  limit?: number;
}

/**
 * Tells whether bytes start as gzip data do, with `1f 8b`.
 *
 * @param bytes Any bytes.
 * @returns `true` if they start with gzip's magic number.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { isGzip } from "@millrace/millrace";
 *
 * assert(isGzip(new Uint8Array([0x1f, 0x8b, 8, 0])));
 * assert(!isGzip(new Uint8Array([0, 0, 8, 3])));
 * ```
 */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes.length >= 2 && bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/**
 * Decompresses gzip data (one member, nothing after it).
 *
 * @param bytes The compressed bytes.
 * @param options The file's name and the cap on the output.
 * @returns The decompressed bytes, in memory of their own.
 * @throws {RangeError} If the limit is no number from 0.
 * @throws {DataError} If the data are empty, not gzip, truncated, damaged, followed by something
 * else, or longer than `limit` once decompressed.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { gunzip } from "@millrace/millrace";
 *
 * const text = new Blob(["a".repeat(1000)]).stream();
 * const packed = await new Response(text.pipeThrough(new CompressionStream("gzip"))).bytes();
 * assert.equal((await gunzip(packed)).length, 1000);
 * await assert.rejects(gunzip(packed.subarray(0, 12)), /truncated/);
 * ```
 */
export async function gunzip(
  bytes: Uint8Array,
  options: GunzipOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const { file = "gzip data", limit = 2 ** 30 } = options;
  const fail = (why: string, cause?: unknown): DataError =>
    new DataError(`Cannot decompress "${file}" as ${why}`, { file, cause });
  if (!(typeof limit === "number" && limit >= 0)) {
    throw new RangeError(
      `Cannot decompress "${file}" as limit must be a number of at least 0: received ` +
        received(limit),
    );
  }
  if (bytes.length === 0) throw fail("it is empty: expected gzip data");
  if (!isGzip(bytes)) throw fail("it is not gzip data: expected it to start with the bytes 1f 8b");
  // Ten bytes of header, at least two of deflate data, eight of checksum and length.
  if (bytes.length < 20) {
    throw fail(`gzip data have at least 20 bytes, received ${bytes.length}: it is truncated`);
  }
  const output: Uint8Array[] = [];
  let length = 0;
  try {
    const stream = ReadableStream.from(slices(bytes))
      .pipeThrough(new DecompressionStream("gzip"));
    for await (const chunk of stream) {
      length += chunk.length;
      if (length > limit) {
        throw fail(
          `its contents are longer than the limit of ${limit} bytes: raise the limit if you ` +
            `trust where the file comes from`,
        );
      }
      output.push(chunk);
    }
  } catch (error) {
    if (error instanceof DataError) throw error;
    throw fail(explain(error), error);
  }
  return concatenate(output, length);
}

/** Deflate expands at most 1,032 times, so small slices bound what is decompressed past the cap. */
function* slices(bytes: Uint8Array): Generator<Uint8Array<ArrayBuffer>> {
  const size = 1 << 14;
  for (let start = 0; start < bytes.length; start += size) yield bytes.slice(start, start + size);
}

/** The runtime's messages name its own internals, so say what they mean for the file. */
function explain(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (message.includes("write whole buffer")) {
    return "something follows the end of its gzip data: expected one member and nothing after it";
  }
  if (message.includes("checksum")) {
    return "its end is missing or its checksum is wrong: it is truncated or damaged, get it again";
  }
  return `it is damaged (${message}): get it again`;
}

function concatenate(chunks: Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}
