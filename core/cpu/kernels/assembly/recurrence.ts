/**
 * Recurrent cells over time: a thread takes its rows of the batch through all steps, with a matrix
 * product a step, so that threads need not meet. `core/graph/recurrence.ts` says how rows lie.
 */
import { activateRow, listConstants } from "./activate_rows";
import { loadPart, storePart } from "./lanes";
import { hold, matmul } from "./matmul";
import {
  batchOf,
  cellOf,
  constantsOf,
  earlyOf,
  inputsOf,
  keptOf,
  productsAt,
  recurrentOf,
  rowsAtOnce,
  scaleRow,
  statesOf,
  stepsOf,
  unitsOf,
} from "./recurrence_block";

/** h = activation(h · W + x + b). */
function simpleForward(block: usize, x: usize, bias: usize, now: usize, constants: usize): void {
  activateRow(load<i32>(block, 16), now, x, bias, unitsOf(block), constants);
}

/** Input, forget and output gates, candidate; c = f · c + i · g, h = o · activation(c). */
function lstmForward(block: usize, x: usize, bias: usize, before: usize, now: usize, constants: usize): void {
  const act = load<i32>(block, 16);
  const gate = load<i32>(block, 20);
  const units = unitsOf(block);
  const one = <usize> units * 4;
  const gates = now + <usize> productsAt(block) * one;
  const two = 2 * one;
  const three = 3 * one;
  activateRow(gate, gates, x, bias, 2 * units, constants);
  activateRow(act, gates + two, x + two, bias + two, units, constants);
  activateRow(gate, gates + three, x + three, bias + three, units, constants);
  for (let j = 0; j < units; j += 4) {
    const at = <usize> j * 4;
    const left = units - j;
    const i = loadPart(gates + at, left);
    const f = loadPart(gates + one + at, left);
    const g = loadPart(gates + 2 * one + at, left);
    const c = f32x4.add(f32x4.mul(f, loadPart(before + one + at, left)), f32x4.mul(i, g));
    storePart(now + one + at, left, c);
    storePart(now + at, left, c);
  }
  activateRow(act, now, 0, 0, units, constants);
  for (let j = 0; j < units; j += 4) {
    const at = <usize> j * 4;
    const left = units - j;
    const o = loadPart(gates + 3 * one + at, left);
    storePart(now + at, left, f32x4.mul(o, loadPart(now + at, left)));
  }
}

/** Update gate z, reset gate r, candidate g; h = z · h + (1 − z) · g. */
function gruForward(block: usize, x: usize, bias: usize, before: usize, now: usize, constants: usize): void {
  const units = unitsOf(block);
  const one = <usize> units * 4;
  const gates = now + <usize> productsAt(block) * one;
  activateRow(load<i32>(block, 20), gates, x + one, bias + one, 2 * units, constants);
  for (let j = 0; j < units; j += 4) {
    const at = <usize> j * 4;
    const left = units - j;
    const r = loadPart(gates + one + at, left);
    const q = f32x4.add(loadPart(gates + 2 * one + at, left), loadPart(bias + 3 * one + at, left));
    const given = f32x4.add(loadPart(x + at, left), loadPart(bias + at, left));
    storePart(gates + 2 * one + at, left, q);
    storePart(gates + 3 * one + at, left, f32x4.add(given, f32x4.mul(r, q)));
  }
  activateRow(load<i32>(block, 16), gates + 3 * one, 0, 0, units, constants);
  mixed(units, before, now, gates, gates + 3 * one);
}

/** Update gate z, reset gate r, and the state that it scales, for a product of its own. */
function resetForward(block: usize, x: usize, bias: usize, before: usize, now: usize, constants: usize): void {
  const units = unitsOf(block);
  const one = <usize> units * 4;
  const gates = now + one;
  activateRow(load<i32>(block, 20), gates, x, bias, 2 * units, constants);
  scaleRow(gates + 2 * one, before, gates + one, units, false);
}

/** Candidate g of that product; h = z · h + (1 − z) · g. */
function candidateForward(block: usize, x: usize, bias: usize, before: usize, now: usize, constants: usize): void {
  const units = unitsOf(block);
  const one = <usize> units * 4;
  const g = now + 4 * one;
  activateRow(load<i32>(block, 16), g, x + 2 * one, bias + 2 * one, units, constants);
  mixed(units, before, now, now + one, g);
}

/** h = z · h + (1 − z) · g. */
function mixed(units: i32, before: usize, now: usize, z: usize, g: usize): void {
  const ones = f32x4.splat(1);
  for (let j = 0; j < units; j += 4) {
    const at = <usize> j * 4;
    const left = units - j;
    const part = loadPart(z + at, left);
    const kept = f32x4.mul(part, loadPart(before + at, left));
    const next = f32x4.mul(f32x4.sub(ones, part), loadPart(g + at, left));
    storePart(now + at, left, f32x4.add(kept, next));
  }
}

/** One row of a step: the products become what is kept. */
function rowForward(
  block: usize,
  x: usize,
  bias: usize,
  before: usize,
  now: usize,
  live: bool,
  constants: usize,
): void {
  const cell = cellOf(block);
  if (cell == 0) simpleForward(block, x, bias, now, constants);
  else if (cell == 1) lstmForward(block, x, bias, before, now, constants);
  else if (cell == 2) gruForward(block, x, bias, before, now, constants);
  else candidateForward(block, x, bias, before, now, constants);
  if (!live) memory.copy(now, before, <usize> (statesOf(block) * unitsOf(block)) * 4);
}

/** What is kept of the time before the first step: the states that are given, else zeros. */
function firstRow(block: usize, to: usize, initial: usize): void {
  const given = <usize> (statesOf(block) * unitsOf(block)) * 4;
  memory.fill(to, 0, <usize> (keptOf(block) * unitsOf(block)) * 4);
  if (initial) memory.copy(to, initial, given);
}

/** All steps of the rows [start,end) of the batch. */
export function recurrence(
  record: usize,
  start: i32,
  end: i32,
  scratch: usize,
  carried: usize,
): void {
  const block = <usize> load<u32>(record, 36);
  const scaled = load<u32>(record, 40) != 0;
  listConstants(constantsOf(carried));
  const most = scaled ? rowsAtOnce(block, 1) : end - start;
  for (let from = start; from < end; from += most) {
    steps(record, from, from + most < end ? from + most : end, scratch, carried);
  }
}

/** to = (x · scale) · the part of the kernel that is the gate's, of rows that are kept. */
function scaledProduct(
  block: usize,
  x: usize,
  to: usize,
  kernel: usize,
  scale: usize,
  gate: i32,
  start: i32,
  rows: i32,
  scratch: usize,
  carried: usize,
): void {
  const units = unitsOf(block);
  const unitBytes = <usize> units * 4;
  const pitch = keptOf(block) * units;
  const width = recurrentOf(block) * units;
  const widthBytes = <usize> width * 4;
  const part = <usize> gate * unitBytes;
  const own = scale + <usize> start * widthBytes + part;
  for (let row = 0; row < rows; ++row) {
    const at = <usize> row;
    scaleRow(carried + at * unitBytes, x + at * <usize> pitch * 4, own + at * widthBytes, units, false);
  }
  // Each part of the kernel is packed for itself.
  hold(kernel + part);
  matmul(carried, units, 1, kernel + part, width, 1, to, pitch, 0, rows, 0, units, units, scratch, 0);
}

function steps(record: usize, start: i32, end: i32, scratch: usize, carried: usize): void {
  const sums = <usize> load<u32>(record, 16);
  const kernel = <usize> load<u32>(record, 20);
  const bias = <usize> load<u32>(record, 24);
  const mask = <usize> load<u32>(record, 28);
  const out = <usize> load<u32>(record, 32);
  const block = <usize> load<u32>(record, 36);
  const scale = <usize> load<u32>(record, 40);
  const initial = <usize> load<u32>(record, 44);
  const units = unitsOf(block);
  const batch = batchOf(block);
  const rows = end - start;
  const pitch = keptOf(block) * units;
  const rowBytes = <usize> pitch * 4;
  const unitBytes = <usize> units * 4;
  const stateBytes = <usize> statesOf(block) * unitBytes;
  const width = recurrentOf(block) * units;
  const inputBytes = <usize> (inputsOf(block) * units) * 4;
  let before = out + <usize> start * rowBytes;
  for (let row = 0; row < rows; ++row) {
    const given = initial ? initial + <usize> (start + row) * stateBytes : 0;
    firstRow(block, before + <usize> row * rowBytes, given);
  }
  const early = earlyOf(block);
  const constants = constantsOf(carried);
  for (let step = 0; step < stepsOf(block); ++step) {
    const now = before + <usize> batch * rowBytes;
    const products = now + <usize> (productsAt(block) * units) * 4;
    if (step == 0 && !initial) {
      for (let row = 0; row < rows; ++row) {
        memory.fill(products + <usize> row * rowBytes, 0, <usize> width * 4);
      }
    } else if (scale) {
      for (let gate = 0; gate < early; ++gate) {
        const part = <usize> gate * unitBytes;
        scaledProduct(block, before, products + part, kernel, scale, gate, start, rows, scratch, carried);
      }
    } else {
      const columns = early * units;
      // A part of the kernel is packed for itself.
      if (columns < width) hold(kernel);
      matmul(before, pitch, 1, kernel, width, 1, products, pitch, 0, rows, 0, columns, units, scratch, 0);
    }
    const first = step * batch + start;
    if (cellOf(block) == 3) {
      for (let row = 0; row < rows; ++row) {
        const at = <usize> row * rowBytes;
        resetForward(block, sums + <usize> (first + row) * inputBytes, bias, before + at, now + at, constants);
      }
      const seen = now + 3 * unitBytes;
      const to = now + 4 * unitBytes;
      if (step == 0 && !initial) {
        for (let row = 0; row < rows; ++row) memory.fill(to + <usize> row * rowBytes, 0, unitBytes);
      } else if (scale) {
        scaledProduct(block, seen, to, kernel, scale, early, start, rows, scratch, carried);
      } else {
        const own = kernel + 2 * unitBytes;
        hold(own);
        matmul(seen, pitch, 1, own, width, 1, to, pitch, 0, rows, 0, units, units, scratch, 0);
      }
    }
    for (let row = 0; row < rows; ++row) {
      const at = <usize> row * rowBytes;
      const number = <usize> (first + row);
      const live = !mask || load<f32>(mask + number * 4) != 0;
      rowForward(block, sums + number * inputBytes, bias, before + at, now + at, live, constants);
    }
    before = now;
  }
}
