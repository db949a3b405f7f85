import { DataError } from "../core/graph/errors.ts";
import { received } from "../core/state/received.ts";
import type { Image } from "./images.ts";

/** Options of {@linkcode decodeImage}. */
export interface DecodeImageOptions {
  /**
   * Pixels down and across to which the picture is brought, stretched where it has another shape;
   * default its own.
   */
  readonly imageSize?: readonly [height: number, width: number];
  /**
   * Whether the picture keeps its shape: it is brought to a size that covers `imageSize`, and what
   * is in the middle is taken, rather than stretched; default false, as in Keras.
   */
  readonly cropToAspectRatio?: boolean;
  /** Whether there are three channels or one; default `"rgb"`, as in Keras. Transparency is left out. */
  readonly colorMode?: "rgb" | "grayscale";
  /** Where the bytes are from, for messages. */
  readonly file?: string;
}

/**
 * The pixels of a picture: a file of the formats PNG, JPEG, GIF (its first picture), WebP, BMP or ICO,
 * of eight bits a channel at most.
 *
 * Its size is changed bilinearly, and where it gets smaller each pixel is a mean of those that it
 * covers, as in Pillow and PyTorch's `Resize`; with `cropToAspectRatio` `CenterCrop` follows. Grey is
 * ITU-R 601's, as in Pillow: 0.299 red, 0.587 green, 0.114 blue.
 *
 * @param file The bytes of the file.
 * @param options Size and channels.
 * @returns The picture.
 * @throws {RangeError} If `imageSize` does not hold two whole numbers from 1, `colorMode` is another, or
 * there is no `imageSize` to crop to.
 * @throws {TypeError} If `file` is no bytes.
 * @throws {DataError} If the bytes are no such picture, or not a whole one.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { decodeImage, encodePng, greyImage } from "@millrace/millrace";
 *
 * const png = await encodePng(greyImage([0, 0.2, 0.4, 1], { width: 2, height: 2 }));
 * const { data, channels } = await decodeImage(png, { colorMode: "grayscale" });
 * assert.deepEqual([...data], [0, 51, 102, 255]);
 * assert.equal(channels, 1);
 * ```
 */
export async function decodeImage(
  file: Uint8Array,
  options: DecodeImageOptions = {},
): Promise<Image> {
  const { imageSize, colorMode = "rgb", file: name = "a picture" } = options;
  checkPicture("decode a picture", options);
  if (!(file instanceof Uint8Array)) {
    throw new TypeError(
      `Cannot decode ${name} as decodeImage takes the bytes of a file: received ${
        received(file)
      } ` +
        `(readDataFile gives those of a path)`,
    );
  }
  try {
    const bitmap = await bitmapOf(new Blob([file.slice()]), options);
    const [height, width] = imageSize ?? [bitmap.height, bitmap.width];
    const channels = colorMode === "rgb" ? 3 : 1;
    return { width, height, channels, data: await middleOf(bitmap, { width, height, channels }) };
  } catch (cause) {
    const [reason] = (cause as Error).message.split("\n");
    throw new DataError(
      `Cannot decode ${name} as it must be a whole PNG, JPEG, GIF, WebP, BMP or ICO file of at most ` +
        `8 bits a channel: ${reason}`,
      { cause },
    );
  }
}

/**
 * Refuses what no picture can become.
 *
 * @param what What cannot be done then.
 * @param options Its size and channels.
 * @throws {RangeError} If one is out of its range.
 */
export function checkPicture(
  what: string,
  { imageSize, colorMode, cropToAspectRatio }: DecodeImageOptions,
): void {
  if (colorMode !== undefined && colorMode !== "rgb" && colorMode !== "grayscale") {
    throw new RangeError(
      `Cannot ${what} as colorMode must be "rgb" or "grayscale": received ${received(colorMode)}`,
    );
  }
  if (imageSize === undefined) {
    if (!cropToAspectRatio) return;
    throw new RangeError(
      `Cannot ${what} as cropToAspectRatio needs an imageSize, whose shape the picture is cut to`,
    );
  }
  const isSize = (size: unknown) => Number.isInteger(size) && (size as number) >= 1;
  const isList = Array.isArray(imageSize);
  if (isList && imageSize.length === 2 && imageSize.every(isSize)) return;
  throw new RangeError(
    `Cannot ${what} as imageSize must be a height and a width, whole numbers from 1, as [224, 224]: ` +
      `received ${isList ? `[${imageSize.join(", ")}]` : received(imageSize)}`,
  );
}

/** The picture in its own size, in the one that is asked for, or in one of its shape that covers it. */
async function bitmapOf(
  file: Blob,
  { imageSize, cropToAspectRatio }: DecodeImageOptions,
): Promise<ImageBitmap> {
  if (!imageSize) return await createImageBitmap(file);
  const [resizeHeight, resizeWidth] = imageSize;
  const resizeQuality = "low";
  if (!cropToAspectRatio) {
    return await createImageBitmap(file, { resizeHeight, resizeWidth, resizeQuality });
  }
  const whole = await createImageBitmap(file);
  const scale = Math.max(resizeHeight / whole.height, resizeWidth / whole.width);
  const covering = await createImageBitmap(whole, {
    resizeHeight: Math.round(whole.height * scale),
    resizeWidth: Math.round(whole.width * scale),
    resizeQuality,
  });
  whole.close();
  return covering;
}

/** The bytes of a bitmap's middle: a BMP file holds them as they are, from the lowest line up. */
async function middleOf(
  bitmap: ImageBitmap,
  { width, height, channels }: Omit<Image, "data">,
): Promise<Uint8Array> {
  const [whole, lines] = [bitmap.width, bitmap.height];
  const [left, top] = [(whole - width) >> 1, (lines - height) >> 1];
  const canvas = new OffscreenCanvas(whole, lines);
  canvas.getContext("bitmaprenderer")!.transferFromImageBitmap(bitmap);
  const file = await (await canvas.convertToBlob({ type: "image/bmp" })).arrayBuffer();
  const view = new DataView(file);
  const stored = new Uint8Array(file, view.getUint32(10, true));
  const bytes = view.getUint16(28, true) / 8;
  const line = Math.ceil(whole * bytes / 4) * 4;
  const pixels = new Uint8Array(width * height * channels);
  for (let y = 0, to = 0; y < height; y++) {
    let at = (lines - 1 - top - y) * line + left * bytes;
    for (let x = 0; x < width; x++, at += bytes, to += channels) {
      // Blue comes first; a grey pixel is one byte.
      const blue = stored[at];
      const green = bytes === 1 ? blue : stored[at + 1];
      const red = bytes === 1 ? blue : stored[at + 2];
      if (channels === 1) {
        pixels[to] = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
      } else {
        pixels[to] = red;
        pixels[to + 1] = green;
        pixels[to + 2] = blue;
      }
    }
  }
  return pixels;
}
