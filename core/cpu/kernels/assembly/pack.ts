/** Operands of matrix products laid out in the order in which the innermost loops read them. */

export function least(a: i32, b: i32): i32 {
  return a < b ? a : b;
}

/** Steps of k in blocks of about equal depth, of `most` at most, in whole steps of four. */
export function evenStep(k: i32, most: i32): i32 {
  const blocks = (k + most - 1) / most;
  return ((k + blocks - 1) / blocks + 3) & ~3;
}

/** Four vectors, turned: their first numbers become the first vector, `step` bytes before the next. */
@inline
function transpose4(to: usize, step: usize, r0: v128, r1: v128, r2: v128, r3: v128): void {
  const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
  const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
  const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
  const high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<i64>(low01, low23, 0, 2));
  v128.store(to + step, v128.shuffle<i64>(low01, low23, 1, 3));
  v128.store(to + 2 * step, v128.shuffle<i64>(high01, high23, 0, 2));
  v128.store(to + 3 * step, v128.shuffle<i64>(high01, high23, 1, 3));
}

/** Packs columns of a B stored by column into panels of `panel` columns, whole fours: [panel][k][column]. */
export function packTransposed(
  b: usize,
  columnStep: usize,
  columns: i32,
  k: i32,
  to: usize,
  panel: i32,
): void {
  const width = 4 * <usize> panel;
  const panelBytes = width * <usize> ((k + 3) & ~3);
  for (let j = 0; j < columns; j += 4) {
    // Columns past the last one repeat it: nothing is read far outside.
    const b0 = b + <usize> j * columnStep;
    const b1 = b0 + (j + 1 < columns ? columnStep : 0);
    const b2 = b1 + (j + 2 < columns ? columnStep : 0);
    const b3 = b2 + (j + 3 < columns ? columnStep : 0);
    let out = to + <usize> (j / panel) * panelBytes + 4 * <usize> (j % panel);
    const end = <usize> k * 4;
    for (let i: usize = 0; i < end; i += 16) {
      transpose4(
        out,
        width,
        v128.load(b0 + i),
        v128.load(b1 + i),
        v128.load(b2 + i),
        v128.load(b3 + i),
      );
      out += 4 * width;
    }
  }
}

/** Packs columns of a row-major B into the same panels, of whole eights. */
export function packRows(
  b: usize,
  rowStep: usize,
  columns: i32,
  k: i32,
  to: usize,
  panel: i32,
): void {
  const width = <usize> panel * 4;
  for (let j = 0; j < columns; j += panel) {
    let from = b + <usize> j * 4;
    const end = to + width * <usize> k;
    while (to < end) {
      for (let at: usize = 0; at < width; at += 32) {
        v128.store(to + at, v128.load(from + at));
        v128.store(to + at, v128.load(from + at, 16), 16);
      }
      from += rowStep;
      to += width;
    }
    to += width * <usize> (((k + 3) & ~3) - k);
  }
}

/** Copies `count` ≤ 6 neighbours of each of `places`, `step` bytes apart, to rows of `width` bytes. */
export function copyRows(
  from: usize,
  step: usize,
  places: i32,
  count: i32,
  to: usize,
  width: usize,
): void {
  const end = to + width * <usize> places;
  if (count == 6) {
    for (; to < end; to += width) {
      v128.store(to, v128.load(from));
      store<u64>(to, load<u64>(from, 16), 16);
      from += step;
    }
    return;
  }
  if (count == 4) {
    for (; to < end; to += width) {
      v128.store(to, v128.load(from));
      from += step;
    }
    return;
  }
  if (count == 2) {
    for (; to < end; to += width) {
      store<u64>(to, load<u64>(from));
      from += step;
    }
    return;
  }
  const second = 4 * <usize> (count & 4);
  const third = second + 4 * <usize> (count & 2);
  for (; to < end; to += width) {
    if (count & 4) v128.store(to, v128.load(from));
    if (count & 2) store<u64>(to + second, load<u64>(from + second));
    if (count & 1) store<f32>(to + third, load<f32>(from + third));
    from += step;
  }
}

/** Packs `height` rows of a row-major A, 4 or 6, four steps of k at a time. */
function turnRows(a: usize, rowStep: usize, k: i32, height: i32, to: usize): void {
  const width = 4 * <usize> height;
  const a1 = a + rowStep;
  const a2 = a1 + rowStep;
  const a3 = a2 + rowStep;
  const a4 = a3 + rowStep;
  const a5 = a4 + rowStep;
  const whole = <usize> (k & ~3) * 4;
  for (let i: usize = 0; i < whole; i += 16) {
    transpose4(
      to,
      width,
      v128.load(a + i),
      v128.load(a1 + i),
      v128.load(a2 + i),
      v128.load(a3 + i),
    );
    if (height == 6) {
      const r4 = v128.load(a4 + i);
      const r5 = v128.load(a5 + i);
      const low = v128.shuffle<f32>(r4, r5, 0, 4, 1, 5);
      const high = v128.shuffle<f32>(r4, r5, 2, 6, 3, 7);
      v128.store64_lane(to, low, 0, 16);
      v128.store64_lane(to + width, low, 1, 16);
      v128.store64_lane(to + 2 * width, high, 0, 16);
      v128.store64_lane(to + 3 * width, high, 1, 16);
    }
    to += 4 * width;
  }
  for (let r = 0; r < height; ++r) {
    copyRows(a + <usize> r * rowStep + whole, 4, k & 3, 1, to + 4 * <usize> r, width);
  }
}

/** Packs rows of A into blocks of `height`: [block][k][height]; absent rows hold anything. */
export function packA(
  a: usize,
  rowStep: usize,
  kStep: usize,
  rows: i32,
  height: i32,
  k: i32,
  to: usize,
): void {
  const width = 4 * <usize> height;
  for (let i = 0; i < rows; i += height) {
    const block = to + 4 * <usize> (i * k);
    const count = least(height, rows - i);
    const from = a + <usize> i * rowStep;
    if (rowStep == 4) copyRows(from, kStep, k, count, block, width);
    else if (kStep == 4 && count == height) turnRows(from, rowStep, k, height, block);
    else {
      for (let r = 0; r < count; ++r) {
        copyRows(from + <usize> r * rowStep, kStep, k, 1, block + 4 * <usize> r, width);
      }
    }
  }
}
