/**
 * Recurrent cells over time: a thread takes its rows of the batch through all steps, with a matrix
 * product a step, so that threads need not meet. `core/graph/recurrence.ts` says how rows lie.
 */
import { loadPart, storePart } from "./lanes";
import { matmul } from "./matmul";
import { activate, activateRow, slope } from "./activate";

/** Bytes for the gradients that go from step to step. */
const carriedBytes: i32 = 1 << 18;

function cellOf(block: usize): i32 {
  return load<i32>(block);
}

function stepsOf(block: usize): i32 {
  return load<i32>(block, 4);
}

function batchOf(block: usize): i32 {
  return load<i32>(block, 8);
}

function unitsOf(block: usize): i32 {
  return load<i32>(block, 12);
}

/** Blocks kept of a step. */
function keptOf(block: usize): i32 {
  return load<i32>(block, 24);
}

function productsAt(block: usize): i32 {
  return load<i32>(block, 28);
}

function inputsOf(block: usize): i32 {
  return load<i32>(block, 32);
}

function recurrentOf(block: usize): i32 {
  return load<i32>(block, 36);
}

function gradientsOf(block: usize): i32 {
  return load<i32>(block, 40);
}

function recurrentAt(block: usize): i32 {
  return load<i32>(block, 44);
}

/** to = (to + x) + bias, `count` numbers. */
function addInputs(to: usize, x: usize, bias: usize, count: i32): void {
  for (let j = 0; j < count; j += 4) {
    const at = <usize> j * 4;
    const left = count - j;
    const sums = f32x4.add(loadPart(to + at, left), loadPart(x + at, left));
    storePart(to + at, left, f32x4.add(sums, loadPart(bias + at, left)));
  }
}

/** h = activation(h · W + x + b). */
function simpleForward(block: usize, x: usize, bias: usize, now: usize): void {
  addInputs(now, x, bias, unitsOf(block));
  activateRow(load<i32>(block, 16), now, unitsOf(block));
}

/** Input, forget and output gates, candidate; c = f · c + i · g, h = o · activation(c). */
function lstmForward(block: usize, x: usize, bias: usize, before: usize, now: usize): void {
  const act = load<i32>(block, 16);
  const gate = load<i32>(block, 20);
  const units = unitsOf(block);
  const one = <usize> units * 4;
  const gates = now + <usize> productsAt(block) * one;
  addInputs(gates, x, bias, 4 * units);
  activateRow(gate, gates, 2 * units);
  activateRow(act, gates + 2 * one, units);
  activateRow(gate, gates + 3 * one, units);
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
  activateRow(act, now, units);
  for (let j = 0; j < units; j += 4) {
    const at = <usize> j * 4;
    const left = units - j;
    const o = loadPart(gates + 3 * one + at, left);
    storePart(now + at, left, f32x4.mul(o, loadPart(now + at, left)));
  }
}

/** Update gate z, reset gate r, candidate g; h = z · h + (1 − z) · g. */
function gruForward(block: usize, x: usize, bias: usize, before: usize, now: usize): void {
  const units = unitsOf(block);
  const one = <usize> units * 4;
  const gates = now + <usize> productsAt(block) * one;
  const ones = f32x4.splat(1);
  addInputs(gates, x + one, bias + one, 2 * units);
  activateRow(load<i32>(block, 20), gates, 2 * units);
  for (let j = 0; j < units; j += 4) {
    const at = <usize> j * 4;
    const left = units - j;
    const r = loadPart(gates + one + at, left);
    const q = f32x4.add(loadPart(gates + 2 * one + at, left), loadPart(bias + 3 * one + at, left));
    const given = f32x4.add(loadPart(x + at, left), loadPart(bias + at, left));
    storePart(gates + 2 * one + at, left, q);
    storePart(gates + 3 * one + at, left, f32x4.add(given, f32x4.mul(r, q)));
  }
  activateRow(load<i32>(block, 16), gates + 3 * one, units);
  for (let j = 0; j < units; j += 4) {
    const at = <usize> j * 4;
    const left = units - j;
    const z = loadPart(gates + at, left);
    const g = loadPart(gates + 3 * one + at, left);
    const kept = f32x4.mul(z, loadPart(before + at, left));
    storePart(now + at, left, f32x4.add(kept, f32x4.mul(f32x4.sub(ones, z), g)));
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
): void {
  const cell = cellOf(block);
  if (cell == 0) simpleForward(block, x, bias, now);
  else if (cell == 1) lstmForward(block, x, bias, before, now);
  else gruForward(block, x, bias, before, now);
  if (!live) memory.copy(now, before, <usize> unitsOf(block) * (cell == 1 ? 8 : 4));
}

/** All steps of the rows [start,end) of the batch. */
export function recurrence(record: usize, start: i32, end: i32, scratch: usize): void {
  const sums = <usize> load<u32>(record, 16);
  const kernel = <usize> load<u32>(record, 20);
  const bias = <usize> load<u32>(record, 24);
  const mask = <usize> load<u32>(record, 28);
  const out = <usize> load<u32>(record, 32);
  const block = <usize> load<u32>(record, 36);
  const units = unitsOf(block);
  const batch = batchOf(block);
  const rows = end - start;
  const pitch = keptOf(block) * units;
  const rowBytes = <usize> pitch * 4;
  const width = recurrentOf(block) * units;
  const inputBytes = <usize> (inputsOf(block) * units) * 4;
  let before = out + <usize> start * rowBytes;
  memory.fill(before, 0, <usize> rows * rowBytes);
  for (let step = 0; step < stepsOf(block); ++step) {
    const now = before + <usize> batch * rowBytes;
    const products = now + <usize> (productsAt(block) * units) * 4;
    if (step == 0) {
      for (let row = 0; row < rows; ++row) {
        memory.fill(products + <usize> row * rowBytes, 0, <usize> width * 4);
      }
    } else {
      matmul(before, pitch, 1, kernel, width, 1, products, pitch, 0, rows, 0, width, units, scratch, 0);
    }
    const first = step * batch + start;
    for (let row = 0; row < rows; ++row) {
      const at = <usize> row * rowBytes;
      const number = <usize> (first + row);
      const live = !mask || load<f32>(mask + number * 4) != 0;
      rowForward(block, sums + number * inputBytes, bias, before + at, now + at, live);
    }
    before = now;
  }
}

/** One row of a step: gradients of its sums, and what of the state's goes past them. */
function rowBackward(
  block: usize,
  before: usize,
  now: usize,
  grad: usize,
  to: usize,
  toState: usize,
  toCell: usize,
  live: bool,
): void {
  const cell = cellOf(block);
  const act = load<i32>(block, 16);
  const gate = load<i32>(block, 20);
  const units = unitsOf(block);
  const one = <usize> units * 4;
  const two = 2 * one;
  const three = 3 * one;
  const four = 4 * one;
  const ones = f32x4.splat(1);
  const none = f32x4.splat(0);
  for (let j = 0; j < units; j += 4) {
    const at = <usize> j * 4;
    const count = units - j;
    let d = loadPart(toState + at, count);
    if (grad) d = f32x4.add(d, loadPart(grad + at, count));
    const known = now + at;
    const out = to + at;
    if (!live) {
      for (let part = 0; part < gradientsOf(block); ++part) {
        storePart(out + <usize> part * one, count, none);
      }
      storePart(toState + at, count, d);
    } else if (cell == 0) {
      storePart(out, count, f32x4.mul(d, slope(act, loadPart(known, count))));
      storePart(toState + at, count, none);
    } else if (cell == 1) {
      const i = loadPart(known + two, count);
      const f = loadPart(known + three, count);
      const g = loadPart(known + four, count);
      const o = loadPart(known + four + one, count);
      const y = activate(act, loadPart(known + one, count));
      const c = f32x4.add(loadPart(toCell + at, count), f32x4.mul(f32x4.mul(d, o), slope(act, y)));
      const c0 = loadPart(before + at + one, count);
      storePart(out, count, f32x4.mul(f32x4.mul(c, g), slope(gate, i)));
      storePart(out + one, count, f32x4.mul(f32x4.mul(c, c0), slope(gate, f)));
      storePart(out + two, count, f32x4.mul(f32x4.mul(c, i), slope(act, g)));
      storePart(out + three, count, f32x4.mul(f32x4.mul(d, y), slope(gate, o)));
      storePart(toCell + at, count, f32x4.mul(c, f));
      storePart(toState + at, count, none);
    } else {
      const z = loadPart(known + one, count);
      const r = loadPart(known + two, count);
      const q = loadPart(known + three, count);
      const g = loadPart(known + four, count);
      const h0 = loadPart(before + at, count);
      const candidate = f32x4.mul(f32x4.mul(d, f32x4.sub(ones, z)), slope(act, g));
      storePart(out, count, candidate);
      storePart(out + one, count, f32x4.mul(f32x4.mul(d, f32x4.sub(h0, g)), slope(gate, z)));
      storePart(out + two, count, f32x4.mul(f32x4.mul(candidate, q), slope(gate, r)));
      storePart(out + three, count, f32x4.mul(candidate, r));
      storePart(toState + at, count, f32x4.mul(d, z));
    }
  }
}

/** Gradients of all steps' sums, for the rows [start,end) of the batch. */
export function recurrenceGradient(
  record: usize,
  start: i32,
  end: i32,
  scratch: usize,
  carried: usize,
): void {
  const kept = <usize> load<u32>(record, 16);
  const kernel = <usize> load<u32>(record, 20);
  const grad = <usize> load<u32>(record, 24);
  const mask = <usize> load<u32>(record, 28);
  const out = <usize> load<u32>(record, 32);
  const block = <usize> load<u32>(record, 36);
  const gradSteps = load<i32>(record, 40);
  const units = unitsOf(block);
  const batch = batchOf(block);
  const steps = stepsOf(block);
  const rowBytes = <usize> (keptOf(block) * units) * 4;
  const pitch = gradientsOf(block) * units;
  const outBytes = <usize> pitch * 4;
  const width = recurrentOf(block) * units;
  const unitBytes = <usize> units * 4;
  let most = carriedBytes / (8 * units);
  if (most < 1) most = 1;
  for (let from = start; from < end; from += most) {
    const rows = from + most < end ? most : end - from;
    const toCell = carried + <usize> rows * unitBytes;
    memory.fill(carried, 0, 2 * <usize> rows * unitBytes);
    for (let step = steps - 1; step >= 0; --step) {
      const first = step * batch + from;
      const slopes = out + <usize> first * outBytes;
      for (let row = 0; row < rows; ++row) {
        const number = <usize> (first + row);
        const before = kept + number * rowBytes;
        const live = !mask || load<f32>(mask + number * 4) != 0;
        const given = gradSteps == steps
          ? grad + number * unitBytes
          : step == steps - 1
          ? grad + <usize> (from + row) * unitBytes
          : 0;
        const at = <usize> row * unitBytes;
        const now = before + <usize> batch * rowBytes;
        const to = out + number * outBytes;
        rowBackward(block, before, now, given, to, carried + at, toCell + at, live);
      }
      if (step > 0) {
        const a = slopes + <usize> recurrentAt(block) * unitBytes;
        matmul(a, pitch, 1, kernel, 1, width, carried, units, 0, rows, 0, units, width, scratch, 1);
      }
    }
  }
}
