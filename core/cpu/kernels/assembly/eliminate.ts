/** Systems of linear equations, by Gauss and Jordan; `core/ops/elimination.ts` says what is found. */

/** Matrices [start,end); `work` has room for one of them and what stands to its right. */
export function eliminate(record: usize, start: i32, end: i32, work: usize): void {
  const a = <usize> load<u32>(record, 16);
  const b = <usize> load<u32>(record, 20);
  const out = <usize> load<u32>(record, 24);
  const size = load<i32>(record, 28);
  const columns = load<i32>(record, 32);
  const width = size + columns;
  const pitch = <usize> width * 4;
  for (let matrix = start; matrix < end; ++matrix) {
    const first = <usize> (matrix * size);
    for (let row = 0; row < size; ++row) {
      const to = work + <usize> row * pitch;
      const at = first + <usize> row;
      memory.copy(to, a + at * <usize> size * 4, <usize> size * 4);
      if (columns) memory.copy(to + <usize> size * 4, b + at * <usize> columns * 4, <usize> columns * 4);
    }
    const target = out + first * <usize> (columns + 1) * 4;
    for (let column = 0; column < size; ++column) {
      const sign = pivotTo(work, pitch, column, size, width);
      const pivot = work + <usize> column * pitch;
      const value = load<f32>(pivot + <usize> column * 4);
      // The pivot's own place is in the last column of what is found.
      store<f32>(target + (<usize> (column + 1) * <usize> (columns + 1) - 1) * 4, sign * value);
      // Of no pivot at all nothing can be taken off: the determinant is 0.
      if (value == 0) continue;
      for (let row = 0; row < size; ++row) {
        if (row == column) continue;
        const line = work + <usize> row * pitch;
        takeOff(line, pivot, load<f32>(line + <usize> column * 4) / value, column + 1, width);
      }
    }
    for (let row = 0; row < size; ++row) {
      const line = work + <usize> row * pitch;
      const value = load<f32>(line + <usize> row * 4);
      const to = target + <usize> row * <usize> (columns + 1) * 4;
      for (let j = 0; j < columns; ++j) {
        store<f32>(to + <usize> j * 4, load<f32>(line + <usize> (size + j) * 4) / value);
      }
    }
  }
}

/** Brings the row with the largest number of a column to its place; −1 if another one was there. */
function pivotTo(work: usize, pitch: usize, column: i32, size: i32, width: i32): f32 {
  let best = column;
  let largest: f32 = -1;
  for (let row = column; row < size; ++row) {
    const value = abs<f32>(load<f32>(work + <usize> row * pitch + <usize> column * 4));
    if (value > largest) {
      largest = value;
      best = row;
    }
  }
  if (best == column) return 1;
  const mine = work + <usize> column * pitch;
  const other = work + <usize> best * pitch;
  for (let j = 0; j < width; ++j) {
    const at = <usize> j * 4;
    const value = load<f32>(mine + at);
    store<f32>(mine + at, load<f32>(other + at));
    store<f32>(other + at, value);
  }
  return -1;
}

/** line −= factor · pivot, from one column on. */
function takeOff(line: usize, pivot: usize, factor: f32, from: i32, width: i32): void {
  const factors = f32x4.splat(factor);
  let j = from;
  for (; j + 4 <= width; j += 4) {
    const at = <usize> j * 4;
    v128.store(
      line + at,
      f32x4.sub(v128.load(line + at), f32x4.mul(factors, v128.load(pivot + at))),
    );
  }
  for (; j < width; ++j) {
    const at = <usize> j * 4;
    store<f32>(line + at, load<f32>(line + at) - factor * load<f32>(pivot + at));
  }
}
