import { type DataSet, foldKey, RandomStream, type StoredInputs } from "../mod.ts";

/** What is measured of the lower half of a digit, in the order of the table's columns. */
export const measurements: readonly string[] = [
  ...["ink", "left", "right", "top", "bottom", "middle_x", "middle_y", "slant"],
  ...[1, 4, 7, 10].map((row) => `strokes_in_row_${row}`),
  ...[7, 11, 16, 20].map((column) => `strokes_in_column_${column}`),
  ...[0, 1, 2, 3, 4].map((band) => `ink_in_band_${band}`),
];

/** A digit in two ways, and which of them is known. */
export interface HalfDigits {
  /** The upper halves as pictures, `[n, 14, 28, 1]`. */
  readonly picture: StoredInputs;
  /** Measurements of the lower halves, `[n, measurements]`. */
  readonly table: StoredInputs;
  /** 1 where the picture is known, and 1 where the table is, `[n, 2]`. */
  readonly present: StoredInputs;
}

/** Digits with inputs by name. */
export type HalfDigitData = DataSet<Readonly<Record<keyof HalfDigits, StoredInputs>>>;

const [side, half] = [28, 14];

/** The upper half of each digit as a picture, and of the lower half a row of measurements. */
export function halfDigits({ x, y, classes }: DataSet): HalfDigitData {
  const [count] = x.shape;
  const bytes = x.data as Uint8Array;
  const pixels = half * side;
  const pictures = new Uint8Array(count * pixels);
  const table = new Float32Array(count * measurements.length);
  for (let n = 0; n < count; n++) {
    const start = n * side * side;
    pictures.set(bytes.subarray(start, start + pixels), n * pixels);
    table.set(measure(bytes.subarray(start + pixels, start + 2 * pixels)), n * measurements.length);
  }
  return {
    x: {
      picture: { data: pictures, shape: [count, half, side, 1], scale: x.scale },
      table: { data: table, shape: [count, measurements.length] },
      present: { data: new Uint8Array(count * 2).fill(1), shape: [count, 2] },
    },
    y,
    classes,
    name: "half digits",
  };
}

/**
 * The same digits, where pictures and tables are missing in some rows, never both: zeros stand there,
 * and `present` says so.
 *
 * @param data The digits.
 * @param shares The share of the rows that lack the picture, and of those that lack the table.
 * @param seed Decides which rows.
 */
export function withMissing(
  data: HalfDigitData,
  shares: { readonly picture: number; readonly table: number },
  seed: number,
): HalfDigitData {
  const { picture, table } = data.x;
  const [count] = picture.shape;
  const parts = { picture: picture.data.slice(), table: table.data.slice() };
  const present = new Uint8Array(count * 2).fill(1);
  const random = new RandomStream(foldKey(seed, "missing inputs"));
  for (let n = 0; n < count; n++) {
    const chance = random.uniform();
    const missing = chance < shares.picture
      ? "picture"
      : chance < shares.picture + shares.table
      ? "table"
      : null;
    if (missing === null) continue;
    const length = parts[missing].length / count;
    parts[missing].fill(0, n * length, (n + 1) * length);
    present[2 * n + (missing === "picture" ? 0 : 1)] = 0;
  }
  return {
    ...data,
    x: {
      picture: { ...picture, data: parts.picture },
      table: { ...table, data: parts.table },
      present: { data: present, shape: [count, 2] },
    },
  };
}

/** The measurements of the lower half of one digit. */
function measure(pixels: Uint8Array): number[] {
  const at = (row: number, column: number) => pixels[row * side + column] / 255;
  // Four columns at either side are empty in nearly all digits.
  const bands = new Array<number>(5).fill(0);
  let [ink, sumX, sumY, left, right, top, bottom] = [0, 0, 0, side, -1, half, -1];
  for (let row = 0; row < half; row++) {
    for (let column = 0; column < side; column++) {
      const value = at(row, column);
      ink += value;
      sumX += value * column;
      sumY += value * row;
      bands[Math.min(Math.max(Math.floor(column / 4) - 1, 0), 4)] += value;
      if (value <= 0.5) continue;
      [left, right] = [Math.min(left, column), Math.max(right, column)];
      [top, bottom] = [Math.min(top, row), Math.max(bottom, row)];
    }
  }
  const [middleX, middleY] = ink > 0 ? [sumX / ink, sumY / ink] : [side / 2, half / 2];
  let [leaning, upright] = [0, 0];
  for (let row = 0; row < half; row++) {
    for (let column = 0; column < side; column++) {
      leaning += at(row, column) * (column - middleX) * (row - middleY);
      upright += at(row, column) * (row - middleY) ** 2;
    }
  }
  const strokes = (length: number, value: (place: number) => number) =>
    Array.from({ length }, (_, place) => place)
      .filter((place) => value(place) > 0.5 && !(place > 0 && value(place - 1) > 0.5)).length;
  return [
    ...[ink, left, right, top, bottom, middleX, middleY, upright > 0 ? leaning / upright : 0],
    ...[1, 4, 7, 10].map((row) => strokes(side, (column) => at(row, column))),
    ...[7, 11, 16, 20].map((column) => strokes(half, (row) => at(row, column))),
    ...bands,
  ];
}
