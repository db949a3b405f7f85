/**
 * Attention, a block of queries by a block of keys at a time: scores stay in the cache. Blocks follow
 * from the shapes alone, so that the bits do not depend on the number of threads.
 */
import { logarithm, power } from "./activate";
import {
  batchOf,
  biasRow,
  drops,
  headsOf,
  isCausal,
  keyBlockOf,
  keyHeadsOf,
  keysOf,
  positionOf,
  queriesOf,
  queryBlockOf,
  sizeOf,
  valueSizeOf,
  visibleTo,
} from "./attention_block";
import { matmul } from "./matmul";
import { dropRow, gradientRow, listConstants, multiplyRow, powersOfRow, scaleRow } from "./scores";

function blocksOf(count: i32, each: i32): i32 {
  return (count + each - 1) / each;
}

function least(a: i32, b: i32): i32 {
  return a < b ? a : b;
}

/** Floats from one row of scores to the next: not a multiple of lines that fall on each other. */
function pitchOf(block: usize): i32 {
  return keyBlockOf(block) + 4;
}

/** Where the constants of the rows lie: behind the scores, and what the gradient has besides. */
function constantsAt(block: usize, tile: usize): usize {
  return tile + 8 * <usize> (queryBlockOf(block) * pitchOf(block));
}

/** Where the row of a head (of all samples) begins among `rows` rows of `size` numbers. */
function place(head: i32, heads: i32, rows: i32, row: i32, size: i32): usize {
  return <usize> ((head / heads * rows + row) * heads + head % heads) * <usize> size * 4;
}

/** The head of keys that serves a head of queries. */
function keyHeadOf(block: usize, head: i32): i32 {
  return head / (headsOf(block) / keyHeadsOf(block));
}

/** Later queries of causal attention see more: first and last ones by turns, for even shares. */
function spread(at: i32, count: i32): i32 {
  return at & 1 ? count - 1 - (at >> 1) : at >> 1;
}

/** Results and logarithms of sums for the blocks of queries [start,end). */
export function attention(record: usize, start: i32, end: i32, scratch: usize, tile: usize): void {
  const block = <usize> load<u32>(record, 32);
  const count = blocksOf(queriesOf(block), queryBlockOf(block));
  listConstants(constantsAt(block, tile));
  for (let unit = start; unit < end; ++unit) {
    attend(record, block, unit / count, spread(unit % count, count), scratch, tile);
  }
}

function attend(
  record: usize,
  block: usize,
  head: i32,
  part: i32,
  scratch: usize,
  tile: usize,
): void {
  const heads = headsOf(block);
  const keyHeads = keyHeadsOf(block);
  const queries = queriesOf(block);
  const size = sizeOf(block);
  const valueSize = valueSizeOf(block);
  const width = pitchOf(block);
  const scale = load<f32>(block, 36);
  const first = part * queryBlockOf(block);
  const rows = least(queryBlockOf(block), queries - first);
  const query = <usize> load<u32>(record, 16) + place(head, heads, queries, first, size);
  const out = <usize> load<u32>(record, 28) + place(head, heads, queries, first, valueSize);
  const sums = <usize> load<u32>(record, 28) +
    4 * (<usize> (batchOf(block) * queries * heads) * <usize> valueSize +
      <usize> (head * queries + first));
  const pitch = heads * valueSize;
  const most = tile + 4 * <usize> (queryBlockOf(block) * width);
  const totals = most + 4 * <usize> queryBlockOf(block);
  for (let row = 0; row < rows; ++row) {
    store<f32>(most + 4 * <usize> row, -Infinity);
    store<f32>(totals + 4 * <usize> row, 0);
  }
  const last = visibleTo(block, first + rows - 1);
  for (let from = 0; from < last; from += keyBlockOf(block)) {
    const columns = least(keyBlockOf(block), last - from);
    const keyHead = keyHeadOf(block, head);
    const key = <usize> load<u32>(record, 20) + place(keyHead, keyHeads, keysOf(block), from, size);
    const value = <usize> load<u32>(record, 24) +
      place(keyHead, keyHeads, keysOf(block), from, valueSize);
    matmul(query, heads * size, 1, key, 1, keyHeads * size, tile, width, 0, rows, 0, columns, size, scratch, 0);
    for (let row = 0; row < rows; ++row) {
      const number = first + row;
      const at = tile + 4 * <usize> (row * width);
      const mostAt = most + 4 * <usize> row;
      const totalAt = totals + 4 * <usize> row;
      const seen = least(columns, visibleTo(block, number) - from);
      let bias = biasRow(block, head, number);
      if (bias) bias += 4 * <usize> from;
      const before = load<f32>(mostAt);
      const now = max<f32>(before, scaleRow(at, seen, scale, bias));
      // A row that has seen nothing yet has nothing to be scaled.
      const shift: f32 = now == -Infinity ? 0 : now;
      const total = powersOfRow(at, seen, columns, shift, constantsAt(block, tile));
      if (drops(block)) dropRow(block, at, seen, positionOf(block, head, number, from));
      store<f32>(mostAt, now);
      if (from > 0 && now != before) {
        const factor = power(before - shift);
        multiplyRow(out + 4 * <usize> (row * pitch), valueSize, factor);
        store<f32>(totalAt, load<f32>(totalAt) * factor + total);
      } else {
        store<f32>(totalAt, load<f32>(totalAt) + total);
      }
    }
    matmul(tile, width, 1, value, keyHeads * valueSize, 1, out, pitch, 0, rows, 0, valueSize, columns, scratch, i32(from > 0));
  }
  for (let row = 0; row < rows; ++row) {
    const total = load<f32>(totals + 4 * <usize> row);
    const at = out + 4 * <usize> (row * pitch);
    // Zeros also where nothing was written yet.
    if (last <= 0) memory.fill(at, 0, 4 * <usize> valueSize);
    else if (total != 0) multiplyRow(at, valueSize, 1 / total);
    const most1 = load<f32>(most + 4 * <usize> row);
    store<f32>(sums + 4 * <usize> row, total == 0 ? Infinity : most1 + logarithm(total));
  }
}

function clear(at: usize, pitch: i32, rows: i32, size: i32): void {
  for (let row = 0; row < rows; ++row) {
    memory.fill(at + 4 * <usize> (row * pitch), 0, 4 * <usize> size);
  }
}

/** Clears the gradient of a block of a head's queries, unless each of them sees the first keys. */
function clearQueries(record: usize, block: usize, head: i32, first: i32): void {
  if (!isCausal(block)) return;
  const heads = headsOf(block);
  const size = sizeOf(block);
  const rows = least(queryBlockOf(block), queriesOf(block) - first);
  const out = <usize> load<u32>(record, 28) + place(head, heads, queriesOf(block), first, size);
  clear(out, heads * size, rows, size);
}

/** Where the gradients of keys begin. */
function keysAt(record: usize, block: usize): usize {
  const queries = <usize> (batchOf(block) * queriesOf(block) * headsOf(block));
  return <usize> load<u32>(record, 28) + 4 * queries * <usize> sizeOf(block);
}

/** Where the gradients of values begin. */
function valuesAt(record: usize, block: usize): usize {
  const keys = <usize> (batchOf(block) * keysOf(block) * keyHeadsOf(block));
  return keysAt(record, block) + 4 * keys * <usize> sizeOf(block);
}

/** Clears the gradients of a block of a head's keys and values, unless the first queries see all. */
function clearKeys(record: usize, block: usize, keyHead: i32, from: i32): void {
  if (!isCausal(block)) return;
  const heads = keyHeadsOf(block);
  const keys = keysOf(block);
  const rows = least(keyBlockOf(block), keys - from);
  const size = sizeOf(block);
  const valueSize = valueSizeOf(block);
  clear(keysAt(record, block) + place(keyHead, heads, keys, from, size), heads * size, rows, size);
  const values = valuesAt(record, block) + place(keyHead, heads, keys, from, valueSize);
  clear(values, heads * valueSize, rows, valueSize);
}

/** Gradients for the pieces of work [start,end): blocks of queries and of keys, or whole heads. */
export function attentionGradient(
  record: usize,
  start: i32,
  end: i32,
  scratch: usize,
  tile: usize,
): void {
  const block = <usize> load<u32>(record, 32);
  const queryBlocks = blocksOf(queriesOf(block), queryBlockOf(block));
  const keyBlocks = blocksOf(keysOf(block), keyBlockOf(block));
  const group = headsOf(block) / keyHeadsOf(block);
  const whole = load<i32>(block, 80) > 0;
  listConstants(constantsAt(block, tile));
  for (let unit = start; unit < end; ++unit) {
    if (whole) {
      for (let head = unit * group; head < (unit + 1) * group; ++head) {
        for (let i = 0; i < queryBlocks; ++i) clearQueries(record, block, head, i * queryBlockOf(block));
      }
      for (let j = 0; j < keyBlocks; ++j) gradientOfKeys(record, block, unit, j, true, scratch, tile);
    } else if (unit < load<i32>(block, 76)) {
      const head = unit / queryBlocks;
      const first = spread(unit % queryBlocks, queryBlocks) * queryBlockOf(block);
      clearQueries(record, block, head, first);
      for (let j = 0; j < keyBlocks; ++j) {
        pair(record, block, head, first, j * keyBlockOf(block), true, false, scratch, tile);
      }
    } else {
      const rest = unit - load<i32>(block, 76);
      const part = spread(rest % keyBlocks, keyBlocks);
      gradientOfKeys(record, block, rest / keyBlocks, part, false, scratch, tile);
    }
  }
}

/** Gradients of a block of keys and values, and what they give to those of the queries. */
function gradientOfKeys(
  record: usize,
  block: usize,
  keyHead: i32,
  part: i32,
  toQueries: bool,
  scratch: usize,
  tile: usize,
): void {
  const group = headsOf(block) / keyHeadsOf(block);
  const from = part * keyBlockOf(block);
  clearKeys(record, block, keyHead, from);
  for (let head = keyHead * group; head < (keyHead + 1) * group; ++head) {
    for (let first = 0; first < queriesOf(block); first += queryBlockOf(block)) {
      pair(record, block, head, first, from, toQueries, true, scratch, tile);
    }
  }
}

/** What a block of queries and a block of keys give to each other's gradients. */
function pair(
  record: usize,
  block: usize,
  head: i32,
  first: i32,
  from: i32,
  toQueries: bool,
  toKeys: bool,
  scratch: usize,
  tile: usize,
): void {
  const heads = headsOf(block);
  const keyHeads = keyHeadsOf(block);
  const queries = queriesOf(block);
  const keys = keysOf(block);
  const size = sizeOf(block);
  const valueSize = valueSizeOf(block);
  const width = pitchOf(block);
  const rows = least(queryBlockOf(block), queries - first);
  const columns = least(keyBlockOf(block), visibleTo(block, first + rows - 1) - from);
  if (columns <= 0) return;
  const keyHead = keyHeadOf(block, head);
  const queryPlace = place(head, heads, queries, first, size);
  const keyPlace = place(keyHead, keyHeads, keys, from, size);
  const valuePlace = place(keyHead, keyHeads, keys, from, valueSize);
  const query = <usize> load<u32>(record, 16) + queryPlace;
  const key = <usize> load<u32>(record, 20) + keyPlace;
  const value = <usize> load<u32>(record, 24) + valuePlace;
  const grad = <usize> load<u32>(record, 36) + place(head, heads, queries, first, valueSize);
  const slopes = tile + 4 * <usize> (queryBlockOf(block) * width);
  const constants = constantsAt(block, tile);
  matmul(query, heads * size, 1, key, 1, keyHeads * size, tile, width, 0, rows, 0, columns, size, scratch, 0);
  matmul(grad, heads * valueSize, 1, value, 1, keyHeads * valueSize, slopes, width, 0, rows, 0, columns, valueSize, scratch, 0);
  for (let row = 0; row < rows; ++row) {
    const number = first + row;
    const at = 4 * <usize> (row * width);
    const seen = least(columns, visibleTo(block, number) - from);
    let bias = biasRow(block, head, number);
    if (bias) bias += 4 * <usize> from;
    const sum = load<f32>(<usize> load<u32>(record, 40) + 4 * <usize> (head * queries + number));
    const dot = load<f32>(<usize> load<u32>(record, 44) + place(head, heads, queries, number, 1));
    const position = positionOf(block, head, number, from);
    gradientRow(block, tile + at, slopes + at, seen, columns, bias, position, sum, dot, constants);
  }
  if (toKeys) {
    const adds = i32(isCausal(block) || first > 0 || head % (heads / keyHeads) > 0);
    const toKey = keysAt(record, block) + keyPlace;
    const toValue = valuesAt(record, block) + valuePlace;
    matmul(tile, 1, width, grad, heads * valueSize, 1, toValue, keyHeads * valueSize, 0, columns, 0, valueSize, rows, scratch, adds);
    matmul(slopes, 1, width, query, heads * size, 1, toKey, keyHeads * size, 0, columns, 0, size, rows, scratch, adds);
  }
  if (toQueries) {
    const adds = i32(isCausal(block) || from > 0);
    const toQuery = <usize> load<u32>(record, 28) + queryPlace;
    matmul(slopes, width, 1, key, keyHeads * size, 1, toQuery, heads * size, 0, rows, 0, size, columns, scratch, adds);
  }
}
