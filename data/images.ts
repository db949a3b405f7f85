import { received } from "../core/state/received.ts";

/** A picture: bytes row by row, the channels of a pixel side by side. */
export interface Image {
  /** Pixels across, from 1. */
  readonly width: number;
  /** Pixels down, from 1. */
  readonly height: number;
  /** 1 for grey (0 black, 255 white), 3 for red, green and blue. */
  readonly channels: 1 | 3;
  /** `height * width * channels` bytes. */
  readonly data: Uint8Array;
}

/** Size of a picture, and which values are its darkest and brightest. */
export interface ImageOptions {
  /** Pixels across. */
  readonly width: number;
  /** Pixels down. */
  readonly height: number;
  /** The values of black and of white; default [0, 1]. Values beyond are cut off. */
  readonly range?: readonly [black: number, white: number];
}

/**
 * A grey picture of numbers.
 *
 * @param values `[height, width]`, row by row.
 * @param options Size, and the values of black and white.
 * @returns The picture, one channel.
 * @throws {RangeError} When there are not `height * width` values, or the range is empty.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { greyImage } from "@millrace/millrace";
 *
 * const image = greyImage([0, 0.2, 1, 7], { width: 2, height: 2 });
 * assert.deepEqual([...image.data], [0, 51, 255, 255]);
 * ```
 */
export function greyImage(values: ArrayLike<number>, options: ImageOptions): Image {
  const { width, height, range: [black, white] = [0, 1] } = options;
  checkSize("greyImage", values, options);
  if (!(white > black)) {
    throw new RangeError(
      `Cannot make a grey image as white must be above black: received [${black}, ${white}]`,
    );
  }
  const data = Uint8Array.from(values, (value) => toByte((value - black) / (white - black)));
  return { width, height, channels: 1, data };
}

/**
 * A picture of numbers of both signs: red above 0, blue below, white at 0.
 *
 * @param values `[height, width]`, row by row, such as the contributions of pixels to a decision.
 * @param options Size; `limit` is the value of full red, and −`limit` that of full blue; by default
 * the largest absolute value there is.
 * @returns The picture, three channels.
 * @throws {RangeError} When there are not `height * width` values, or the limit is not above 0.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { signedImage } from "@millrace/millrace";
 *
 * const { data } = signedImage([-2, 0, 2], { width: 3, height: 1 });
 * assert.deepEqual([...data], [0, 0, 255, 255, 255, 255, 255, 0, 0]);
 * ```
 */
export function signedImage(
  values: ArrayLike<number>,
  options: Omit<ImageOptions, "range"> & { readonly limit?: number },
): Image {
  const { width, height } = options;
  checkSize("signedImage", values, options);
  const largest = Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const limit = options.limit ?? (largest || 1);
  if (!(Number.isFinite(limit) && limit > 0)) {
    throw new RangeError(
      `Cannot make signedImage as limit must be a finite number above 0: received ${
        received(limit)
      }`,
    );
  }
  const data = Uint8Array.from(
    Array.from(values).flatMap((value) => {
      const faded = toByte(1 - Math.abs(value) / limit);
      return value >= 0 ? [255, faded, faded] : [faded, faded, 255];
    }),
  );
  return { width, height, channels: 3, data };
}

/** How {@linkcode imageGrid} puts pictures together. */
export interface ImageGridOptions {
  /** Pictures in a row, from 1. */
  readonly columns: number;
  /** Grey pixels between pictures, from 0; default 2. */
  readonly gap?: number;
  /** Pixels across and down that become of one, from 1; default 2. */
  readonly scale?: number;
}

/**
 * Puts pictures of one size side by side, row by row.
 *
 * @param images The pictures, grey or in colour.
 * @param options How many in a row, how far apart, and how large.
 * @returns One picture; in colour if one of them is.
 * @throws {RangeError} When there is no picture, they differ in size, or an option is out of range.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { greyImage, imageGrid } from "@millrace/millrace";
 *
 * const [dark, bright] = [0, 1].map((value) => greyImage([value], { width: 1, height: 1 }));
 * const { data, width } = imageGrid([dark, bright], { columns: 2, gap: 1, scale: 1 });
 * assert.deepEqual([width, ...data], [3, 0, 128, 255]);
 * ```
 */
export function imageGrid(images: readonly Image[], options: ImageGridOptions): Image {
  const { columns, gap = 2, scale = 2 } = options;
  checkWhole("columns", columns, 1);
  checkWhole("gap", gap, 0);
  checkWhole("scale", scale, 1);
  const [first] = images;
  const other = images.find(({ width, height }) =>
    width !== first.width || height !== first.height
  );
  if (!first || other) {
    throw new RangeError(
      `Cannot put images together as they must have one size: received ${
        other
          ? `${first.width} by ${first.height} and ${other.width} by ${other.height}`
          : "no image"
      }`,
    );
  }
  const rows = Math.ceil(images.length / columns);
  const [tileWidth, tileHeight] = [first.width * scale, first.height * scale];
  const width = columns * (tileWidth + gap) - gap;
  const height = rows * (tileHeight + gap) - gap;
  const channels = images.some((image) => image.channels === 3) ? 3 : 1;
  const data = new Uint8Array(width * height * channels).fill(128);
  images.forEach((image, place) => {
    const left = (place % columns) * (tileWidth + gap);
    const top = Math.floor(place / columns) * (tileHeight + gap);
    for (let y = 0; y < tileHeight; y++) {
      for (let x = 0; x < tileWidth; x++) {
        const from = Math.floor(y / scale) * image.width + Math.floor(x / scale);
        const to = ((top + y) * width + left + x) * channels;
        for (let channel = 0; channel < channels; channel++) {
          data[to + channel] = image.channels === 3
            ? image.data[from * 3 + channel]
            : image.data[from];
        }
      }
    }
  });
  return { width, height, channels, data };
}

function toByte(share: number): number {
  return Math.round(255 * Math.min(1, Math.max(0, share)));
}

function checkSize(
  name: string,
  values: ArrayLike<number>,
  { width, height }: { readonly width: number; readonly height: number },
): void {
  checkWhole("width", width, 1);
  checkWhole("height", height, 1);
  if (values.length === width * height) return;
  throw new RangeError(
    `Cannot make an image by ${name} as ${width} by ${height} pixels need ${width * height} ` +
      `values: received ${values.length}`,
  );
}

function checkWhole(option: string, value: number, minimum: number): void {
  if (Number.isInteger(value) && value >= minimum) return;
  throw new RangeError(
    `Cannot make an image as ${option} must be a whole number from ${minimum}: received ${value}`,
  );
}
