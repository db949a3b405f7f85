import { mulberry32 } from "../ops/generator.ts";

/** `[height, width, channels]`. */
export type Picture = number[][][];

/** A picture by what stands at a place of it. */
export function drawn(
  [height, width, channels]: readonly number[],
  at: (y: number, x: number, c: number) => number,
): Picture {
  const range = (count: number) => Array.from({ length: count }, (_, place) => place);
  return range(height).map((y) => range(width).map((x) => range(channels).map((c) => at(y, x, c))));
}

/** Pictures of random values. */
export function randomPictures(
  count: number,
  shape: readonly number[],
  seed: number,
  value: (random: number) => number = (random) => random,
): Picture[] {
  const random = mulberry32(seed);
  return Array.from({ length: count }, () => drawn(shape, () => value(random())));
}

/** The mean of the eight pixels around and five times the own one; the border as it is. */
export function blurredAround(picture: Picture): Picture {
  const [height, width, channels] = [picture.length, picture[0].length, picture[0][0].length];
  return drawn([height, width, channels], (y, x, c) => {
    if (y === 0 || x === 0 || y === height - 1 || x === width - 1) return picture[y][x][c];
    let sum = 4 * picture[y][x][c];
    for (let p = y - 1; p <= y + 1; p++) {
      for (let q = x - 1; q <= x + 1; q++) sum += picture[p][q][c];
    }
    return sum / 13;
  });
}

/** Histogram equalization as Pillow and Keras have it, of values from black to white. */
export function equalizedBy(
  picture: Picture,
  black: number,
  white: number,
  bins = 256,
): Picture {
  const channels = picture[0][0].length;
  const bin = (value: number) => {
    const place = (value - black) / (white - black) * (bins - 1);
    return Math.min(bins - 1, Math.max(0, Math.round(place)));
  };
  const tables = Array.from({ length: channels }, (_, c) => {
    const values = picture.flat().map((pixel) => bin(pixel[c]));
    const darkest = Math.min(...values);
    const first = values.filter((value) => value === darkest).length;
    return { values, first };
  });
  return drawn([picture.length, picture[0].length, channels], (y, x, c) => {
    const { values, first } = tables[c];
    if (first === values.length) return picture[y][x][c];
    const below = values.filter((value) => value <= bin(picture[y][x][c])).length;
    const level = Math.round((below - first) * 255 / (values.length - first));
    return black + (white - black) * level / 255;
  });
}
