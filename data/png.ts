import { writeFileAtomic } from "../core/state/atomic_write.ts";
import { joined } from "../core/state/joined.ts";
import type { Image } from "./images.ts";

const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/**
 * A picture as the bytes of a PNG file, eight bits a channel.
 *
 * @param image The picture.
 * @returns The file.
 * @throws {RangeError} When the picture does not hold `height * width * channels` bytes.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { encodePng, greyImage } from "@millrace/millrace";
 *
 * const png = await encodePng(greyImage([0, 1], { width: 2, height: 1 }));
 * assert.deepEqual(new TextDecoder().decode(png.subarray(1, 4)), "PNG");
 * ```
 *
 * Source: Portable Network Graphics (PNG) Specification, second edition, W3C 2003.
 */
export async function encodePng(image: Image): Promise<Uint8Array> {
  const { width, height, channels, data } = image;
  const stride = width * channels;
  if (data.length !== stride * height) {
    throw new RangeError(
      `Cannot encode an image of ${width} by ${height} pixels of ${channels} bytes as it needs ` +
        `${stride * height} bytes: received ${data.length}`,
    );
  }
  // Before each line stands the number of its filter: 0 leaves the bytes as they are.
  const lines = new Uint8Array((stride + 1) * height);
  for (let y = 0; y < height; y++) {
    lines.set(data.subarray(y * stride, (y + 1) * stride), y * (stride + 1) + 1);
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  // Eight bits; colour type 0 is grey, 2 is red, green and blue.
  header.set([8, channels === 1 ? 0 : 2], 8);
  return joined([
    signature,
    chunk("IHDR", header),
    chunk("IDAT", await deflate(lines)),
    chunk("IEND", new Uint8Array()),
  ]);
}

/**
 * Writes a picture to a PNG file, which is wholly replaced or left as it was.
 *
 * @param path The file. Needs `--allow-read` and `--allow-write` for its folder.
 * @param image The picture.
 * @throws {Error} When it cannot be written; the message says what to do.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { greyImage, writePng } from "@millrace/millrace";
 *
 * const dot = greyImage([1], { width: 1, height: 1 });
 * await assert.rejects(writePng("no-such-folder/dot.png", dot), /no-such-folder/);
 * ```
 */
export async function writePng(path: string, image: Image): Promise<void> {
  await writeFileAtomic(path, await encodePng(image));
}

/** Length, type, contents and check sum. */
function chunk(type: string, contents: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(contents.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, contents.length);
  bytes.set(new TextEncoder().encode(type), 4);
  bytes.set(contents, 8);
  view.setUint32(contents.length + 8, crc32(bytes.subarray(4, contents.length + 8)));
  return bytes;
}

/** The check sum of a chunk's type and contents, bit by bit: pictures here are small. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

async function deflate(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return await new Response(stream).bytes();
}
