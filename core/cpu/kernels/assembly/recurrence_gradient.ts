/** The way back through the steps of recurrent cells, by rows of the batch as forward. */
import { slope } from "./activate";
import { activateRow, listConstants } from "./activate_rows";
import { loadPart, storePart } from "./lanes";
import { hold, matmul } from "./matmul";
import {
  batchOf,
  cellOf,
  constantsOf,
  earlyOf,
  gradientsOf,
  keptOf,
  recurrentAt,
  recurrentOf,
  rowsAtOnce,
  scaleRow,
  statesOf,
  stepsOf,
  unitsOf,
} from "./recurrence_block";

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
  constants: usize,
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
  if (cell == 1 && live) {
    // The activated cell state lies where the gradient of the last gate will.
    memory.copy(to + three, now + one, one);
    activateRow(act, to + three, 0, 0, units, constants);
  }
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
      const y = loadPart(out + three, count);
      const c = f32x4.add(loadPart(toCell + at, count), f32x4.mul(f32x4.mul(d, o), slope(act, y)));
      const c0 = loadPart(before + at + one, count);
      storePart(out, count, f32x4.mul(f32x4.mul(c, g), slope(gate, i)));
      storePart(out + one, count, f32x4.mul(f32x4.mul(c, c0), slope(gate, f)));
      storePart(out + two, count, f32x4.mul(f32x4.mul(c, i), slope(act, g)));
      storePart(out + three, count, f32x4.mul(f32x4.mul(d, y), slope(gate, o)));
      storePart(toCell + at, count, f32x4.mul(c, f));
      storePart(toState + at, count, none);
    } else if (cell == 3) {
      const z = loadPart(known + one, count);
      const g = loadPart(known + four, count);
      const h0 = loadPart(before + at, count);
      const candidate = f32x4.mul(f32x4.mul(d, f32x4.sub(ones, z)), slope(act, g));
      storePart(out, count, f32x4.mul(f32x4.mul(d, f32x4.sub(h0, g)), slope(gate, z)));
      // That of the reset gate is known when the candidates' are.
      storePart(out + one, count, none);
      storePart(out + two, count, candidate);
      storePart(toState + at, count, f32x4.mul(d, z));
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

/** One row: the reset gate's gradient, and the state's, from that of the state it has scaled. */
function resetBackward(
  block: usize,
  before: usize,
  now: usize,
  back: usize,
  to: usize,
  toState: usize,
): void {
  const gate = load<i32>(block, 20);
  const units = unitsOf(block);
  const one = <usize> units * 4;
  for (let j = 0; j < units; j += 4) {
    const at = <usize> j * 4;
    const count = units - j;
    const r = loadPart(now + 2 * one + at, count);
    const d = loadPart(back + at, count);
    const h0 = loadPart(before + at, count);
    storePart(to + one + at, count, f32x4.mul(f32x4.mul(d, h0), slope(gate, r)));
    storePart(toState + at, count, f32x4.add(loadPart(toState + at, count), f32x4.mul(d, r)));
  }
}

/** Begins with the gradients of the last cell states, where they are given, else with zeros. */
function lastGradients(carried: usize, rows: i32, unitBytes: usize, cells: usize): void {
  const bytes = <usize> rows * unitBytes;
  memory.fill(carried, 0, 2 * bytes);
  if (cells) memory.copy(carried + bytes, cells, bytes);
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
  const scale = <usize> load<u32>(record, 44);
  const withCell = load<u32>(record, 48) != 0;
  const withInitial = load<u32>(record, 52) != 0;
  const units = unitsOf(block);
  const batch = batchOf(block);
  const steps = stepsOf(block);
  const rowBytes = <usize> (keptOf(block) * units) * 4;
  const pitch = gradientsOf(block) * units;
  const outBytes = <usize> pitch * 4;
  const width = recurrentOf(block) * units;
  const unitBytes = <usize> units * 4;
  const widthBytes = <usize> width * 4;
  const early = earlyOf(block);
  const columns = early * units;
  const constants = constantsOf(carried);
  listConstants(constants);
  const most = rowsAtOnce(block, scale || columns < width ? 3 : 2);
  for (let from = start; from < end; from += most) {
    const rows = from + most < end ? most : end - from;
    const toCell = carried + <usize> rows * unitBytes;
    const back = toCell + <usize> rows * unitBytes;
    const cells = withCell ? grad + <usize> (gradSteps * batch + from) * unitBytes : 0;
    lastGradients(carried, rows, unitBytes, cells);
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
        rowBackward(block, before, now, given, to, carried + at, toCell + at, live, constants);
      }
      if (step == 0 && !withInitial) continue;
      const a = slopes + <usize> recurrentAt(block) * unitBytes;
      if (columns < width) {
        const part = <usize> columns * 4;
        const own = scale + <usize> from * widthBytes + part;
        const u = kernel + part;
        hold(u);
        matmul(a + part, pitch, 1, u, 1, width, back, units, 0, rows, 0, units, units, scratch, 0);
        for (let row = 0; row < rows; ++row) {
          const at = <usize> row * unitBytes;
          const number = <usize> (first + row);
          const before = kept + number * rowBytes;
          const now = before + <usize> batch * rowBytes;
          if (scale) {
            scaleRow(back + at, back + at, own + <usize> row * widthBytes, units, false);
          }
          resetBackward(block, before, now, back + at, out + number * outBytes, carried + at);
        }
        // A part of the kernel is packed for itself.
        hold(kernel);
      }
      if (scale) {
        for (let gate = 0; gate < early; ++gate) {
          const part = <usize> gate * unitBytes;
          const own = scale + <usize> from * widthBytes + part;
          const u = kernel + part;
          // Each part of the kernel is packed for itself.
          hold(u);
          matmul(a + part, pitch, 1, u, 1, width, back, units, 0, rows, 0, units, units, scratch, 0);
          for (let row = 0; row < rows; ++row) {
            const at = <usize> row * unitBytes;
            scaleRow(carried + at, back + at, own + <usize> row * widthBytes, units, true);
          }
        }
      } else {
        matmul(a, pitch, 1, kernel, 1, width, carried, units, 0, rows, 0, units, columns, scratch, 1);
      }
    }
    if (!withInitial) continue;
    for (let row = 0; row < rows; ++row) {
      const to = out + <usize> (steps * batch + from + row) * outBytes;
      const at = <usize> row * unitBytes;
      memory.fill(to, 0, outBytes);
      memory.copy(to, carried + at, unitBytes);
      if (statesOf(block) == 2) memory.copy(to + unitBytes, toCell + at, unitBytes);
    }
  }
}
