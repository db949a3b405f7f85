/**
 * Connectionist temporal classification: a thread takes its rows of the batch through all steps, in
 * logarithms. `core/ops/ctc.ts` says what the numbers are.
 */

import { exp4, logarithm, power } from "./activate";

/** A logarithm of 0 with which one can still reckon. */
const impossible: f32 = -1e30;

let classes: i32 = 0;
let blank: i32 = 0;
let labels: usize = 0;

function begin(block: usize, given: usize, row: i32): i32 {
  const width = load<i32>(block, 12);
  classes = load<i32>(block, 8);
  blank = load<i32>(block, 16);
  labels = given + <usize> (row * width) * 4;
  let count = 0;
  for (let place = 0; place < width; ++place) {
    if (load<i32>(labels + <usize> place * 4) != blank) ++count;
  }
  return 2 * count + 1;
}

function classOf(state: i32): i32 {
  return state & 1 ? load<i32>(labels + <usize> (state >> 1) * 4) : blank;
}

function skips(state: i32): bool {
  return (state & 1) == 1 && state > 1 && classOf(state) != classOf(state - 2);
}

/** The logarithm of a state's class among those of a step; NaN of a class that is none. */
function logOf(step: usize, state: i32): f32 {
  const index = classOf(state);
  return <u32> index < <u32> classes ? load<f32>(step + <usize> index * 4) : f32.NaN;
}

/** log(eᵃ + eᵇ + eᶜ); NaN goes through. */
function logSum(a: f32, b: f32, c: f32): f32 {
  const largest = max<f32>(max<f32>(a, b), c);
  if (!(largest > impossible / 2)) return largest;
  let terms = f32x4.splat(a);
  terms = f32x4.replace_lane(terms, 1, b);
  terms = f32x4.replace_lane(terms, 2, c);
  terms = exp4(f32x4.sub(terms, f32x4.splat(largest)));
  const sum = f32x4.extract_lane(terms, 0) + f32x4.extract_lane(terms, 1);
  return largest + logarithm(sum + f32x4.extract_lane(terms, 2));
}

function at(row: usize, state: i32): f32 {
  return load<f32>(row + <usize> state * 4);
}

/** Logarithms of all paths, for the rows [start,end) of the batch. */
export function ctcPaths(record: usize, start: i32, end: i32): void {
  const given = <usize> load<u32>(record, 16);
  const allLabels = <usize> load<u32>(record, 20);
  const mask = <usize> load<u32>(record, 24);
  const out = <usize> load<u32>(record, 28);
  const block = <usize> load<u32>(record, 32);
  const steps = load<i32>(block, 4);
  const width = 2 * load<i32>(block, 12) + 1;
  for (let row = start; row < end; ++row) {
    const states = begin(block, allLabels, row);
    let before = out + <usize> (row * (steps + 1) * width) * 4;
    for (let state = 0; state < width; ++state) {
      store<f32>(before + <usize> state * 4, state == 0 ? 0 : impossible);
    }
    for (let step = 0; step < steps; ++step) {
      const now = before + <usize> width * 4;
      const logs = given + <usize> ((row * steps + step) * classes) * 4;
      if (mask && load<f32>(mask + <usize> (row * steps + step) * 4) == 0) {
        memory.copy(now, before, <usize> width * 4);
      } else {
        for (let state = 0; state < width; ++state) {
          let value = impossible;
          if (state < states) {
            const one = state > 0 ? at(before, state - 1) : impossible;
            const two = skips(state) ? at(before, state - 2) : impossible;
            value = logSum(at(before, state), one, two) + logOf(logs, state);
          }
          store<f32>(now + <usize> state * 4, value);
        }
      }
      before = now;
    }
  }
}

/** How likely each class is at each step, for the rows [start,end); `onward` has room for states. */
export function ctcPosteriors(record: usize, start: i32, end: i32, onward: usize): void {
  const paths = <usize> load<u32>(record, 16);
  const given = <usize> load<u32>(record, 20);
  const allLabels = <usize> load<u32>(record, 24);
  const mask = <usize> load<u32>(record, 28);
  const out = <usize> load<u32>(record, 32);
  const block = <usize> load<u32>(record, 36);
  const steps = load<i32>(block, 4);
  const width = 2 * load<i32>(block, 12) + 1;
  for (let row = start; row < end; ++row) {
    const states = begin(block, allLabels, row);
    const first = paths + <usize> (row * (steps + 1) * width) * 4;
    const last = first + <usize> (steps * width) * 4;
    const total = logSum(
      at(last, states - 1),
      states > 1 ? at(last, states - 2) : impossible,
      impossible,
    );
    const mine = out + <usize> (row * steps * classes) * 4;
    memory.fill(mine, 0, <usize> (steps * classes) * 4);
    if (!(total > impossible / 2)) continue;
    for (let state = 0; state < states; ++state) {
      store<f32>(onward + <usize> state * 4, state >= states - 2 ? 0 : impossible);
    }
    for (let step = steps - 1; step >= 0; --step) {
      if (mask && load<f32>(mask + <usize> (row * steps + step) * 4) == 0) continue;
      const there = first + <usize> ((step + 1) * width) * 4;
      const logs = given + <usize> ((row * steps + step) * classes) * 4;
      const likely = mine + <usize> (step * classes) * 4;
      for (let state = 0; state < states; ++state) {
        const cell = likely + <usize> classOf(state) * 4;
        store<f32>(cell, load<f32>(cell) + power(at(there, state) + at(onward, state) - total));
      }
      // Upwards, as a state takes from those above it, which are still of the step behind.
      for (let state = 0; state < states; ++state) {
        const one = state + 1 < states ? at(onward, state + 1) + logOf(logs, state + 1) : impossible;
        const two = state + 2 < states && skips(state + 2)
          ? at(onward, state + 2) + logOf(logs, state + 2)
          : impossible;
        const stay = at(onward, state) + logOf(logs, state);
        store<f32>(onward + <usize> state * 4, logSum(stay, one, two));
      }
    }
  }
}
