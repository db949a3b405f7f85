import type { ReferenceArray } from "../graph/operation.ts";

/** A logarithm of 0 with which devices can still reckon. */
export const impossible = -1e30;

/** The states of a sample: its targets, with a blank before, between and behind them. */
class States {
  readonly count: number;
  readonly #labels: Float64Array;

  constructor(labels: ReferenceArray, row: number, private readonly blank: number) {
    const width = labels.shape[1];
    this.#labels = labels.data.subarray(row * width, (row + 1) * width);
    this.count = 2 * this.#labels.filter((label) => label !== blank).length + 1;
  }

  /** A state's class. */
  classOf(state: number): number {
    return state % 2 === 0 ? this.blank : this.#labels[(state - 1) / 2];
  }

  /** Whether a state may come right behind the last one but one. */
  skips(state: number): boolean {
    return state % 2 === 1 && state > 1 && this.classOf(state) !== this.classOf(state - 2);
  }

  /** Whether a path may end there. */
  isEnd(state: number): boolean {
    return state >= this.count - 2;
  }
}

/** log(eᵃ + eᵇ + …). */
function logSum(values: readonly number[]): number {
  const largest = Math.max(...values);
  return largest + Math.log(values.reduce((sum, value) => sum + Math.exp(value - largest), 0));
}

function numbersTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** The logarithm of a class at a step of a sample; NaN of a class that is none. */
function logOf({ shape, data }: ReferenceArray, row: number, step: number, index: number): number {
  const [, steps, classes] = shape;
  return index >= 0 && index < classes ? data[(row * steps + step) * classes + index] : NaN;
}

/** Fills in the logarithms of all paths to each state, from `[logProbabilities, labels, mask?]`. */
export function ctcForward(
  [given, labels, mask]: readonly ReferenceArray[],
  blank: number,
  { shape: [batch, rows, width], data }: ReferenceArray,
): void {
  const steps = rows - 1;
  data.fill(impossible);
  for (let row = 0; row < batch; row++) {
    const states = new States(labels, row, blank);
    const at = (step: number, state: number) => (row * rows + step) * width + state;
    data[at(0, 0)] = 0;
    for (let step = 0; step < steps; step++) {
      const live = !mask || mask.data[row * steps + step] !== 0;
      for (let state = 0; state < states.count; state++) {
        const before = (back: number) => state < back ? impossible : data[at(step, state - back)];
        const ways = [before(0), before(1), states.skips(state) ? before(2) : impossible];
        data[at(step + 1, state)] = live
          ? logSum(ways) + logOf(given, row, step, states.classOf(state))
          : before(0);
      }
    }
  }
}

/** The logarithm of all paths of a sample. */
function totalOf(paths: ReferenceArray, row: number, states: States): number {
  const [, rows, width] = paths.shape;
  const last = (row * rows + rows - 1) * width;
  return logSum(
    numbersTo(states.count).filter((state) => states.isEnd(state)).map((state) =>
      paths.data[last + state]
    ),
  );
}

/** Fills in minus the logarithms of all paths of each sample. */
export function ctcLosses(
  paths: ReferenceArray,
  labels: ReferenceArray,
  blank: number,
  { data }: ReferenceArray,
): void {
  data.forEach((_, row) => {
    const total = totalOf(paths, row, new States(labels, row, blank));
    data[row] = total < impossible / 2 ? Infinity : -total;
  });
}

/** Fills in how likely each class is at each step, from `[paths, logProbabilities, labels, mask?]`. */
export function ctcBackward(
  [paths, given, labels, mask]: readonly ReferenceArray[],
  blank: number,
  { shape: [batch, steps, classes], data }: ReferenceArray,
): void {
  const [, rows, width] = paths.shape;
  data.fill(0);
  for (let row = 0; row < batch; row++) {
    const states = new States(labels, row, blank);
    const total = totalOf(paths, row, states);
    if (!(total > impossible / 2)) continue;
    let onward: number[] = numbersTo(states.count).map((state) =>
      states.isEnd(state) ? 0 : impossible
    );
    for (let step = steps - 1; step >= 0; step--) {
      if (mask && mask.data[row * steps + step] === 0) continue;
      onward.forEach((log, state) => {
        const there = paths.data[(row * rows + step + 1) * width + state];
        data[(row * steps + step) * classes + states.classOf(state)] += Math.exp(
          there + log - total,
        );
      });
      const from = (state: number) =>
        state < states.count
          ? onward[state] + logOf(given, row, step, states.classOf(state))
          : impossible;
      onward = onward.map((_, state) =>
        logSum([
          from(state),
          from(state + 1),
          state + 2 < states.count && states.skips(state + 2) ? from(state + 2) : impossible,
        ])
      );
    }
  }
}
