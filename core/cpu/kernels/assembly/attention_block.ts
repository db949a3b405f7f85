/** The block of words that says what attention works on; `attention_records.ts` writes it. */

export function batchOf(block: usize): i32 {
  return load<i32>(block);
}

export function queriesOf(block: usize): i32 {
  return load<i32>(block, 4);
}

export function keysOf(block: usize): i32 {
  return load<i32>(block, 8);
}

export function headsOf(block: usize): i32 {
  return load<i32>(block, 12);
}

export function keyHeadsOf(block: usize): i32 {
  return load<i32>(block, 16);
}

export function sizeOf(block: usize): i32 {
  return load<i32>(block, 20);
}

export function valueSizeOf(block: usize): i32 {
  return load<i32>(block, 24);
}

export function queryBlockOf(block: usize): i32 {
  return load<i32>(block, 28);
}

export function keyBlockOf(block: usize): i32 {
  return load<i32>(block, 32);
}

/** Whether keys may be hidden from queries. */
export function isCausal(block: usize): bool {
  return load<u32>(block, 40) != 0;
}

/** How many keys a query sees. */
export function visibleTo(block: usize, query: i32): i32 {
  const keys = keysOf(block);
  const offset = <usize> load<u32>(block, 40);
  if (!offset) return keys;
  const seen = query + load<i32>(offset) + 1;
  return seen < 0 ? 0 : seen < keys ? seen : keys;
}

/** Where the bias of a query of a head (of all samples) begins; 0 if there is none. */
export function biasRow(block: usize, head: i32, query: i32): usize {
  const bias = <usize> load<u32>(block, 44);
  if (!bias) return 0;
  const heads = headsOf(block);
  const at = head / heads * load<i32>(block, 64) + head % heads * load<i32>(block, 68) +
    query * load<i32>(block, 72);
  return bias + <usize> at * 4;
}

/** Whether weights are dropped. */
export function drops(block: usize): bool {
  return load<u32>(block, 48) != 0;
}

/** The position of a head's weight in the whole matrix. */
export function positionOf(block: usize, head: i32, query: i32, key: i32): i32 {
  return (head * queriesOf(block) + query) * keysOf(block) + key;
}
