import { iota } from "../../../graph/leaf.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { add } from "../../../ops/add.ts";
import { slice } from "../../../ops/concat.ts";
import { floor } from "../../../ops/round.ts";
import { mul } from "../../../ops/mul.ts";
import { sampleImage } from "../../../ops/sample_image.ts";
import { broadcastTo } from "../../../ops/sum.ts";

/** A part of a picture: its first row and column, and its sizes. */
export interface ImageWindow {
  /** First row. */
  readonly top: number;
  /** First column. */
  readonly left: number;
  /** Rows. */
  readonly height: number;
  /** Columns. */
  readonly width: number;
}

/** The part of that size in the middle; what cannot be halved is left out behind. */
export function middleWindow(x: Tensor, height: number, width: number): ImageWindow {
  const [, rows, columns] = x.shape;
  return {
    top: Math.floor((rows - height) / 2),
    left: Math.floor((columns - width) / 2),
    height,
    width,
  };
}

/** The largest part in the middle that has the proportions of `height` to `width`. */
export function largestWindow(x: Tensor, height: number, width: number): ImageWindow {
  const [, rows, columns] = x.shape;
  const within = (size: number, most: number) => Math.max(1, Math.min(most, Math.trunc(size)));
  return middleWindow(
    x,
    within((columns * height) / width, rows),
    within((rows * width) / height, columns),
  );
}

/** A part of a batch of pictures. */
export function part(x: Tensor, { top, left, height, width }: ImageWindow): Tensor {
  const [batch, , , channels] = x.shape;
  return slice(x, [0, top, left, 0], [batch, top + height, left + width, channels]);
}

/** A part of a batch of pictures, brought to another size. */
export function resized(
  x: Tensor,
  window: ImageWindow,
  height: number,
  width: number,
  interpolation: "bilinear" | "nearest" = "bilinear",
): Tensor {
  const [batch] = x.shape;
  const seen = part(x, window);
  if (window.height === height && window.width === width) return seen;
  // The middle of a pixel is half a pixel behind its beginning.
  const along = (axis: 1 | 2, from: number, to: number) => {
    const shape = [1, 1, 1].with(axis, to);
    const middle = mul(add(iota(shape, axis, "f32"), 0.5), from / to);
    const position = interpolation === "nearest" ? floor(middle) : add(middle, -0.5);
    return broadcastTo(position, [batch, height, width]);
  };
  return sampleImage(seen, along(1, window.height, height), along(2, window.width, width), {
    fillMode: "nearest",
  });
}
