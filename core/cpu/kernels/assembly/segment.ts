/** Rows folded by segment: sums and maxima over runs of rising ids. */

/** The number of the row that stands at place k. */
function rowAt(order: usize, k: i32): u32 {
  return order ? load<u32>(order + <usize> k * 4) : <u32> k;
}

/** The id of the row at place k; a row that is not there has none. */
function idAt(ids: usize, order: usize, count: i32, k: i32): u32 {
  const row = rowAt(order, k);
  return row < <u32> count ? load<u32>(ids + <usize> row * 4) : u32.MAX_VALUE;
}

/** The first place whose id is not below `id`. */
function firstPlace(ids: usize, order: usize, count: i32, id: u32): i32 {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (idAt(ids, order, count, middle) < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

function fold(total: v128, value: v128, mode: u32): v128 {
  return mode ? f32x4.max(total, value) : f32x4.add(total, value);
}

/** out[s, columns] = the sum or maximum of values[i, columns] over all i with ids[i] = s. */
export function segments(record: usize, start: i32, end: i32): void {
  const values = <usize> load<u32>(record, 16);
  const ids = <usize> load<u32>(record, 20);
  const order = <usize> load<u32>(record, 24);
  const count = load<i32>(record, 28);
  const length = load<i32>(record, 32);
  const out = <usize> load<u32>(record, 36);
  const mode = load<u32>(record, 44);
  const empty = f32x4.splat(load<f32>(record, 48));
  const byColumn = load<u32>(record, 52);
  const rowBytes = <usize> length * 4;
  const first = byColumn ? 0 : start;
  const last = byColumn ? load<i32>(record, 40) : end;
  const from = byColumn ? start : 0;
  const to = byColumn ? end : length;
  let k = firstPlace(ids, order, count, first);
  for (let segment = first; segment < last; ++segment) {
    const begin = k;
    while (k < count && idAt(ids, order, count, k) == <u32> segment) ++k;
    const target = out + <usize> segment * rowBytes;
    const some = begin < k;
    const opens = values + (some ? <usize> rowAt(order, begin) * rowBytes : 0);
    let column = from;
    for (; column + 16 <= to; column += 16) {
      const at = <usize> column * 4;
      let a = some ? v128.load(opens + at) : empty;
      let b = some ? v128.load(opens + at, 16) : empty;
      let c = some ? v128.load(opens + at, 32) : empty;
      let d = some ? v128.load(opens + at, 48) : empty;
      for (let i = begin + 1; i < k; ++i) {
        const row = values + <usize> rowAt(order, i) * rowBytes + at;
        a = fold(a, v128.load(row), mode);
        b = fold(b, v128.load(row, 16), mode);
        c = fold(c, v128.load(row, 32), mode);
        d = fold(d, v128.load(row, 48), mode);
      }
      v128.store(target + at, a);
      v128.store(target + at, b, 16);
      v128.store(target + at, c, 32);
      v128.store(target + at, d, 48);
    }
    for (; column + 4 <= to; column += 4) {
      const at = <usize> column * 4;
      let total = some ? v128.load(opens + at) : empty;
      for (let i = begin + 1; i < k; ++i) {
        const row = values + <usize> rowAt(order, i) * rowBytes + at;
        total = fold(total, v128.load(row), mode);
      }
      v128.store(target + at, total);
    }
    for (; column < to; ++column) {
      const at = <usize> column * 4;
      let total = some ? load<f32>(opens + at) : f32x4.extract_lane(empty, 0);
      for (let i = begin + 1; i < k; ++i) {
        const value = load<f32>(values + <usize> rowAt(order, i) * rowBytes + at);
        total = mode ? max<f32>(total, value) : total + value;
      }
      store<f32>(target + at, total);
    }
  }
}
