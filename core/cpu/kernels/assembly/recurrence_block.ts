/** The words that describe a recurrent cell, and what both ways through its steps share. */
import { loadPart, storePart } from "./lanes";

/** Bytes for what goes from step to step. */
const carriedBytes: i32 = 1 << 18;

/** Where the constants of activations lie: behind what goes from step to step. */
export function constantsOf(carried: usize): usize {
  return carried + <usize> carriedBytes;
}

export function cellOf(block: usize): i32 {
  return load<i32>(block);
}

export function stepsOf(block: usize): i32 {
  return load<i32>(block, 4);
}

export function batchOf(block: usize): i32 {
  return load<i32>(block, 8);
}

export function unitsOf(block: usize): i32 {
  return load<i32>(block, 12);
}

/** Blocks kept of a step. */
export function keptOf(block: usize): i32 {
  return load<i32>(block, 24);
}

export function productsAt(block: usize): i32 {
  return load<i32>(block, 28);
}

export function inputsOf(block: usize): i32 {
  return load<i32>(block, 32);
}

export function recurrentOf(block: usize): i32 {
  return load<i32>(block, 36);
}

export function gradientsOf(block: usize): i32 {
  return load<i32>(block, 40);
}

export function recurrentAt(block: usize): i32 {
  return load<i32>(block, 44);
}

/** Blocks of the recurrent kernel that see the state as it is; one behind them sees it reset. */
export function earlyOf(block: usize): i32 {
  return cellOf(block) == 3 ? recurrentOf(block) - 1 : recurrentOf(block);
}

/** Blocks that go from step to step. */
export function statesOf(block: usize): i32 {
  return cellOf(block) == 1 ? 2 : 1;
}

/** Rows that a thread takes at once, when each needs so many floats for every unit. */
export function rowsAtOnce(block: usize, floats: i32): i32 {
  const most = carriedBytes / (4 * floats * unitsOf(block));
  return most < 1 ? 1 : most;
}

/** to = x · scale, or to + x · scale, `count` numbers. */
export function scaleRow(to: usize, x: usize, scale: usize, count: i32, added: bool): void {
  for (let j = 0; j < count; j += 4) {
    const at = <usize> j * 4;
    const left = count - j;
    let value = f32x4.mul(loadPart(x + at, left), loadPart(scale + at, left));
    if (added) value = f32x4.add(value, loadPart(to + at, left));
    storePart(to + at, left, value);
  }
}
