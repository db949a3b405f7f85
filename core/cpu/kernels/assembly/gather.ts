/**
 * Rows of a data set, picked by an order, converted and scaled on the way; and the way back, rows
 * added up by number.
 */

/** A row of bytes as float32: 16 at a time. */
function rowOfBytes(from: usize, to: usize, length: i32, scale: f32, offset: f32): void {
  const scales = f32x4.splat(scale);
  const offsets = f32x4.splat(offset);
  let i = 0;
  for (; i + 16 <= length; i += 16) {
    const bytes = v128.load(from + i);
    const low = i16x8.extend_low_i8x16_u(bytes);
    const high = i16x8.extend_high_i8x16_u(bytes);
    const out = to + <usize> i * 4;
    v128.store(out, scaled(i32x4.extend_low_i16x8_u(low), scales, offsets));
    v128.store(out, scaled(i32x4.extend_high_i16x8_u(low), scales, offsets), 16);
    v128.store(out, scaled(i32x4.extend_low_i16x8_u(high), scales, offsets), 32);
    v128.store(out, scaled(i32x4.extend_high_i16x8_u(high), scales, offsets), 48);
  }
  for (; i < length; ++i) {
    store<f32>(to + <usize> i * 4, <f32> load<u8>(from + i) * scale + offset);
  }
}

function scaled(values: v128, scales: v128, offsets: v128): v128 {
  return f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(values), scales), offsets);
}

function rowOfFloats(from: usize, to: usize, length: i32, scale: f32, offset: f32): void {
  const scales = f32x4.splat(scale);
  const offsets = f32x4.splat(offset);
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    const at = <usize> i * 4;
    v128.store(to + at, f32x4.add(f32x4.mul(v128.load(from + at), scales), offsets));
  }
  for (; i < length; ++i) {
    store<f32>(to + <usize> i * 4, load<f32>(from + <usize> i * 4) * scale + offset);
  }
}

/** Bytes of rows that are asked for together. */
const touchedBytes: i32 = 1 << 14;
/** Keeps the loads of `touch` from being left out. */
let touched: u32 = 0;

/**
 * Asks for the lines of some bytes, so that memory brings those of several rows at the same time: rows
 * of a shuffled data set lie far apart, and one after the other would be waited for.
 */
function touch(from: usize, bytes: usize): void {
  let sum: u32 = 0;
  for (let at: usize = 0; at < bytes; at += 64) sum += <u32> load<u8>(from + at);
  touched += sum;
}

/** The row of data at a position of the order; the largest number where there is none. */
function rowAt(order: usize, position: u32, positions: u32): u32 {
  if (!order) return position;
  return position < positions ? load<u32>(order + <usize> position * 4) : u32.MAX_VALUE;
}

/** out[i,:] = convert(data[order[first + i],:])·scale + offset for i in [start,end). */
export function gather(record: usize, start: i32, end: i32): void {
  const data = <usize> load<u32>(record, 16);
  const kind = load<u32>(record, 20);
  const order = <usize> load<u32>(record, 24);
  const firstAt = <usize> load<u32>(record, 28);
  const length = load<i32>(record, 32);
  const out = <usize> load<u32>(record, 36);
  const scale = load<f32>(record, 40);
  const offset = load<f32>(record, 44);
  const rows = load<u32>(record, 48);
  const positions = load<u32>(record, 52);
  const first = firstAt ? load<u32>(firstAt) : 0;
  const rowBytes = <usize> length * 4;
  const dataBytes = kind == 1 || kind == 2 ? <usize> length : rowBytes;
  // Longer rows are asked for line by line by the processor itself.
  const together = order && dataBytes > 0 ? touchedBytes / <i32> dataBytes : 0;
  let asked = start;
  for (let i = start; i < end; ++i) {
    if (together > 1 && i == asked) {
      asked = i + together < end ? i + together : end;
      for (let next = i; next < asked; ++next) {
        const index = rowAt(order, first + <u32> next, positions);
        if (index < rows) touch(data + <usize> index * dataBytes, dataBytes);
      }
    }
    const index = rowAt(order, first + <u32> i, positions);
    const from = data + <usize> index * dataBytes;
    const to = out + <usize> i * rowBytes;
    if (index >= rows) {
      // A NaN as a float, the largest number as an index: neither passes unseen.
      if (kind < 2) { for (let j: usize = 0; j < rowBytes; j += 4) store<f32>(to + j, NaN); }
      else memory.fill(to, 0xff, rowBytes);
    } else if (kind == 1) {
      rowOfBytes(from, to, length, scale, offset);
    } else if (kind == 0) {
      rowOfFloats(from, to, length, scale, offset);
    } else if (kind == 2) {
      for (let j = 0; j < length; ++j) store<u32>(to + <usize> j * 4, <u32> load<u8>(from + j));
    } else {
      memory.copy(to, from, rowBytes);
    }
  }
}

/** out[r, columns] = sum of updates[i, columns] over all i with indices[i] = r, in order of i. */
export function scatterAdd(record: usize, start: i32, end: i32): void {
  const updates = <usize> load<u32>(record, 16);
  const indices = <usize> load<u32>(record, 20);
  const count = load<i32>(record, 24);
  const rowBytes = <usize> load<u32>(record, 28) * 4;
  const out = <usize> load<u32>(record, 32);
  const rows = load<u32>(record, 36);
  const from = <usize> start * 4;
  const bytes = <usize> (end - start) * 4;
  for (let row: u32 = 0; row < rows; ++row) {
    memory.fill(out + <usize> row * rowBytes + from, 0, bytes);
  }
  for (let i = 0; i < count; ++i) {
    const row = load<u32>(indices + <usize> i * 4);
    if (row >= rows) continue;
    const to = out + <usize> row * rowBytes + from;
    const update = updates + <usize> i * rowBytes + from;
    let at: usize = 0;
    for (; at + 16 <= bytes; at += 16) {
      v128.store(to + at, f32x4.add(v128.load(to + at), v128.load(update + at)));
    }
    for (; at < bytes; at += 4) store<f32>(to + at, load<f32>(to + at) + load<f32>(update + at));
  }
}
