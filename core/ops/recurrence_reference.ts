import type { ReferenceArray } from "../graph/operation.ts";
import {
  type CellActivation,
  cellLayouts,
  type RecurrenceAttributes,
  recurrenceExtras,
  type RecurrenceGradientAttributes,
} from "../graph/recurrence.ts";

const values: Readonly<Record<CellActivation, (x: number) => number>> = {
  linear: (x) => x,
  tanh: Math.tanh,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  relu: (x) => Math.max(x, 0),
};

/** Slopes from the values. */
const slopes: Readonly<Record<CellActivation, (y: number) => number>> = {
  linear: () => 1,
  tanh: (y) => 1 - y * y,
  sigmoid: (y) => y * (1 - y),
  relu: (y) => y > 0 ? 1 : 0,
};

/** Fills in the kept numbers of every step, from `[sums, kernel, bias, ...extras]`. */
export function recurrenceForward(
  operands: readonly ReferenceArray[],
  attributes: RecurrenceAttributes,
  output: ReferenceArray,
): void {
  const [sums, kernel, bias] = operands;
  const { mask, recurrentMask, initialState } = recurrenceExtras(operands, attributes);
  const { states, kept, inputs, recurrent, recurrentAt } = cellLayouts[attributes.cell];
  const activate = values[attributes.activation];
  const gate = values[attributes.recurrentActivation];
  const [steps, batch] = sums.shape;
  const [units] = kernel.shape;
  const width = recurrent * units;
  for (let row = 0; initialState && row < batch; row++) {
    const given = initialState.data.subarray(row * states * units, (row + 1) * states * units);
    output.data.set(given, row * kept * units);
  }
  for (let step = 0; step < steps; step++) {
    for (let row = 0; row < batch; row++) {
      const before = (step * batch + row) * kept * units;
      const now = before + batch * kept * units;
      const given = (step * batch + row) * inputs * units;
      const live = !mask || mask.data[step * batch + row] !== 0;
      const state = (block: number, unit: number) => output.data[before + block * units + unit];
      const keep = (unit: number, ...numbers: number[]) =>
        numbers.forEach((value, block) => {
          const old = live || block >= states ? value : state(block, unit);
          output.data[now + block * units + unit] = old;
        });
      const x = (block: number, unit: number) => sums.data[given + block * units + unit];
      const b = (block: number, unit: number) => bias.data[block * units + unit];
      const old = (k: number) => state(0, k);
      const product = (block: number, unit: number, h = old) => {
        let total = b(recurrentAt + block, unit);
        for (let k = 0; k < units; k++) {
          const scale = recurrentMask ? recurrentMask.data[row * width + block * units + k] : 1;
          total += scale * h(k) * kernel.data[k * width + block * units + unit];
        }
        return total;
      };
      const gates = (unit: number, ...blocks: readonly number[]) =>
        blocks.map((block) => gate(x(block, unit) + product(block, unit)));
      // Before the candidate's product, the reset gates of all units.
      const reset = attributes.cell !== "gruResetBefore"
        ? []
        : Array.from({ length: units }, (_, unit) => gates(unit, 1)[0] * old(unit));
      for (let unit = 0; unit < units; unit++) {
        if (attributes.cell === "simpleRnn") {
          keep(unit, activate(x(0, unit) + product(0, unit)));
        } else if (attributes.cell === "lstm") {
          const [i, f, o] = gates(unit, 0, 1, 3);
          const g = activate(x(2, unit) + product(2, unit));
          const c = f * state(1, unit) + i * g;
          keep(unit, o * activate(c), c, i, f, g, o);
        } else if (attributes.cell === "gru") {
          const [z, r] = [0, 1].map((block) => gate(x(block + 1, unit) + product(block, unit)));
          const q = product(2, unit);
          const g = activate(x(0, unit) + b(0, unit) + r * q);
          keep(unit, z * old(unit) + (1 - z) * g, z, r, q, g);
        } else {
          const [z, r] = gates(unit, 0, 1);
          const g = activate(x(2, unit) + product(2, unit, (k) => reset[k]));
          keep(unit, z * old(unit) + (1 - z) * g, z, r, reset[unit], g);
        }
      }
    }
  }
}

/** Fills in the gradients of every step's sums, from `[kept, kernel, gradient, ...extras]`. */
export function recurrenceBackward(
  operands: readonly ReferenceArray[],
  attributes: RecurrenceGradientAttributes,
  output: ReferenceArray,
): void {
  const [keptSteps, kernel, grad] = operands;
  const { mask, recurrentMask } = recurrenceExtras(operands, attributes);
  const { kept, gradients, recurrent, recurrentAt } = cellLayouts[attributes.cell];
  const slope = slopes[attributes.activation];
  const gateSlope = slopes[attributes.recurrentActivation];
  const [rows, batch] = keptSteps.shape;
  const steps = rows - 1;
  const givenRows = grad.shape[0] - Number(attributes.cellState);
  const [units] = kernel.shape;
  const width = recurrent * units;
  for (let row = 0; row < batch; row++) {
    const toState = new Float64Array(units);
    const toCell = new Float64Array(units);
    if (attributes.cellState) {
      const last = (givenRows * batch + row) * units;
      toCell.set(grad.data.subarray(last, last + units));
    }
    for (let step = steps - 1; step >= 0; step--) {
      const before = (step * batch + row) * kept * units;
      const now = before + batch * kept * units;
      const at = (step * batch + row) * gradients * units;
      const given = givenRows === steps
        ? (step * batch + row) * units
        : step === steps - 1
        ? row * units
        : -1;
      const live = !mask || mask.data[step * batch + row] !== 0;
      for (let unit = 0; unit < units; unit++) {
        if (given >= 0) toState[unit] += grad.data[given + unit];
        if (!live) continue;
        const known = (block: number) => keptSteps.data[now + block * units + unit];
        const old = (block: number) => keptSteps.data[before + block * units + unit];
        const d = toState[unit];
        const put = (...numbers: number[]) =>
          numbers.forEach((value, block) => output.data[at + block * units + unit] = value);
        if (attributes.cell === "simpleRnn") {
          put(d * slope(known(0)));
          toState[unit] = 0;
        } else if (attributes.cell === "lstm") {
          const [c, i, f, g, o] = [1, 2, 3, 4, 5].map(known);
          const y = values[attributes.activation](c);
          const cell = toCell[unit] + d * o * slope(y);
          put(
            cell * g * gateSlope(i),
            cell * old(1) * gateSlope(f),
            cell * i * slope(g),
            d * y * gateSlope(o),
          );
          toCell[unit] = cell * f;
          toState[unit] = 0;
        } else if (attributes.cell === "gru") {
          const [z, r, q, g] = [1, 2, 3, 4].map(known);
          const candidate = d * (1 - z) * slope(g);
          put(
            candidate,
            d * (old(0) - g) * gateSlope(z),
            candidate * q * gateSlope(r),
            candidate * r,
          );
          toState[unit] = d * z;
        } else {
          const [z, , , g] = [1, 2, 3, 4].map(known);
          // That of the reset gate is known when the candidates' are.
          put(d * (old(0) - g) * gateSlope(z), 0, d * (1 - z) * slope(g));
          toState[unit] = d * z;
        }
      }
      /** What the states that some columns of the kernel see are told by their sums. */
      const told = (k: number, from: number, to: number) => {
        let total = 0;
        for (let column = from; column < to; column++) {
          const gate = row * width + column - column % units;
          const scale = recurrentMask ? recurrentMask.data[gate + k] : 1;
          total += scale * kernel.data[k * width + column] *
            output.data[at + recurrentAt * units + column];
        }
        return total;
      };
      const late = attributes.cell === "gruResetBefore" ? units : 0;
      for (let k = 0; k < late && live; k++) {
        const toReset = told(k, width - late, width);
        const r = keptSteps.data[now + 2 * units + k];
        output.data[at + units + k] = toReset * keptSteps.data[before + k] * gateSlope(r);
        toState[k] += toReset * r;
      }
      for (let k = 0; k < units && live; k++) toState[k] += told(k, 0, width - late);
    }
    if (attributes.initialState) {
      const at = (steps * batch + row) * gradients * units;
      output.data.set(toState, at);
      if (attributes.cell === "lstm") output.data.set(toCell, at + units);
    }
  }
}
