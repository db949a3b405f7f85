/**
 * What stands where a picture has ended: the nearest pixel before that edge and so on inwards
 * (`reflect`: d c b a | a b c d), the other side (`wrap`), one value (`constant`), the last pixel
 * (`nearest`).
 */
export type FillMode = "reflect" | "wrap" | "constant" | "nearest";

/** Every one of them, in the order of the CPU's numbers. */
export const fillModes: readonly FillMode[] = ["constant", "nearest", "reflect", "wrap"];

/** Settings of a sampling of pictures. */
export interface SamplingAttributes {
  /** What stands beyond the edges. */
  readonly fillMode: FillMode;
  /** The value beyond the edges, for `constant`. */
  readonly fillValue: number;
}

/** Coordinates further out than this many pixels are taken to be this far, on every device. */
export const farthestPixel: number = 2 ** 20;

/** The pixel of `size` that stands at `index`, or −1 for the fill value. */
export function pixelAt(index: number, size: number, fillMode: FillMode): number {
  if (index >= 0 && index < size) return index;
  switch (fillMode) {
    case "constant":
      return -1;
    case "nearest":
      return index < 0 ? 0 : size - 1;
    case "wrap":
      return remainder(index, size);
    case "reflect": {
      const place = remainder(index, 2 * size);
      return place < size ? place : 2 * size - 1 - place;
    }
  }
}

/** The two pixels beside a coordinate, as {@link pixelAt} gives them, with their weights. */
export function pixelsBeside(
  coordinate: number,
  size: number,
  fillMode: FillMode,
): readonly (readonly [pixel: number, weight: number])[] {
  const below = Math.floor(coordinate);
  const share = coordinate - below;
  const index = Math.min(Math.max(below, -farthestPixel), farthestPixel);
  return [
    [pixelAt(index, size, fillMode), 1 - share],
    [pixelAt(index + 1, size, fillMode), share],
  ];
}

function remainder(value: number, divisor: number): number {
  return ((value % divisor) + divisor) % divisor;
}
