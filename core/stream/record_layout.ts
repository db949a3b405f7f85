import { DTypeError, ShapeError } from "../graph/errors.ts";
import { Tensor } from "../graph/tensor.ts";
import type { MetricTable } from "../nn/metric.ts";
import type { LabelUse } from "./class_ids.ts";
import type { StateValue } from "./kept_state.ts";

/** Values that are summed over the steps of an epoch, and what is logged of them. */
export interface RecordDefinition {
  /** Log name: `loss`, `accuracy`. */
  readonly name: string;
  /** Sums over the batch: tensors, or numbers that are known beforehand. */
  readonly totals: readonly (Tensor | number)[];
  /** Adds what a batch gives to that of the epoch; by default number by number. */
  add?(totals: readonly Float64Array[], batch: readonly Float64Array[]): void;
  /** The number to log from the sums, or a table. */
  result(...totals: Float64Array[]): number | MetricTable;
  /** Where the number gets better, if it is a loss or a metric. */
  readonly direction?: "min" | "max";
  /** What takes labels of a data set as class ids. */
  readonly labels?: readonly LabelUse[];
  /** Whether the run fails when a sum is NaN or infinite: true for losses. */
  readonly guarded?: boolean;
  /** For a count of faults, which is not logged: the error that ends the run where it is above 0. */
  fault?(count: number, step: number): Error;
}

/** Where a total is in a row of recorded numbers; `constant` when it is no tensor. */
interface Place {
  readonly at: number;
  readonly size: number;
  readonly constant: Float64Array | null;
}

/** How the totals of a program's records lie in its recorded outputs. */
export class RecordLayout {
  /** The tensors to record, in order. */
  readonly outputs: readonly Tensor[];
  /** Numbers in a row. */
  readonly width: number;
  /** What is recorded, each name once. */
  readonly records: readonly RecordDefinition[];
  readonly #places: readonly (readonly Place[])[];

  /**
   * @param records What is recorded.
   * @throws {RangeError} when two records of other sums have one name.
   */
  constructor(records: readonly RecordDefinition[]) {
    this.records = once(records);
    const outputs: Tensor[] = [];
    let width = 0;
    this.#places = this.records.map(({ name, totals }) =>
      totals.map((total) => {
        if (!(total instanceof Tensor)) {
          return { at: 0, size: 1, constant: Float64Array.of(total) };
        }
        if (total.dtype === "bool" || total.dtype === "u8") {
          throw new DTypeError(
            `Cannot record ${name} as its totals must be f32, i32 or u32: received ` +
              `${total.describe()} (convert with cast)`,
          );
        }
        outputs.push(total);
        const place = { at: width, size: total.size, constant: null };
        width += total.size;
        return place;
      })
    );
    this.outputs = outputs;
    this.width = width;
  }

  /** What a step has recorded, by log name; its row begins at `at`. Tables are left out. */
  values(rows: Float64Array, at: number): Record<string, number> {
    const values: Record<string, number> = {};
    this.records.forEach((record, place) => {
      if (record.fault) return;
      const value = record.result(...this.#totals(place, rows, at));
      if (typeof value === "number") values[record.name] = value;
    });
    return values;
  }

  /** The first guarded value of a row that is NaN or infinite. */
  nonFinite(rows: Float64Array, at: number): { name: string; value: number } | null {
    for (let place = 0; place < this.records.length; place++) {
      const { guarded, name, result } = this.records[place];
      if (!guarded) continue;
      for (const { at: offset, size, constant } of this.#places[place]) {
        for (let index = 0; constant === null && index < size; index++) {
          if (Number.isFinite(rows[at + offset + index])) continue;
          return { name, value: Number(result(...this.#totals(place, rows, at))) };
        }
      }
    }
    return null;
  }

  /** The error of the last fault counted in a row. */
  fault(rows: Float64Array, at: number, step: number): Error | null {
    // Faults go from a layer to those before it: the last one is nearest to the cause.
    for (let place = this.records.length - 1; place >= 0; place--) {
      const { fault } = this.records[place];
      const count = fault ? numberAt(this.#places[place][0], rows, at, 0) : 0;
      if (count > 0) return fault!(count, step);
    }
    return null;
  }

  /** Adds a row to the sums of an epoch. */
  add(sums: RecordSums, rows: Float64Array, at: number): void {
    for (let place = 0; place < this.records.length; place++) {
      const record = this.records[place];
      if (record.fault) continue;
      const places = this.#places[place];
      const totals = sums.totals(record, places);
      if (record.add) record.add(totals, this.#totals(place, rows, at));
      else addNumbers(totals, places, rows, at);
    }
  }

  #totals(place: number, rows: Float64Array, at: number): Float64Array[] {
    return this.#places[place].map(({ at: offset, size, constant }) =>
      constant ?? rows.subarray(at + offset, at + offset + size)
    );
  }
}

/** Adds a row to totals number by number: a view of each total would take longer than its numbers. */
function addNumbers(
  totals: readonly Float64Array[],
  places: readonly Place[],
  rows: Float64Array,
  at: number,
): void {
  for (let place = 0; place < places.length; place++) {
    const total = totals[place];
    for (let index = 0; index < total.length; index++) {
      total[index] += numberAt(places[place], rows, at, index);
    }
  }
}

function numberAt({ at: offset, constant }: Place, rows: Float64Array, at: number, index: number) {
  return constant ? constant[index] : rows[at + offset + index];
}

/** The records without those that come again; the sums of two that differ must not be mixed. */
function once(records: readonly RecordDefinition[]): RecordDefinition[] {
  const known = new Map<string, RecordDefinition>();
  return records.filter((record) => {
    if (record.fault) return true;
    const { name, totals } = record;
    const other = known.get(name);
    known.set(name, record);
    if (!other) return true;
    if (totals.every((total, place) => total === other.totals[place])) return false;
    throw new RangeError(
      `Cannot log "${name}" as two losses or metrics of the pipe have that name: give one another, ` +
        `by loss(…, { name: "other" }) or with the metric { ...metric, name: "other" }`,
    );
  });
}

interface Sum {
  readonly record: RecordDefinition;
  readonly totals: readonly Float64Array[];
}

/** What is logged of a sum. */
interface Logged {
  readonly value: number | MetricTable;
  readonly direction: "min" | "max" | null;
}

/** Sums of what steps have recorded, in float64, by log name. */
export class RecordSums {
  readonly #sums = new Map<string, Sum>();
  /** Sums of a run that goes on, until its records come again. */
  #restored = new Map<string, readonly (readonly number[])[]>();
  /** What would be logged of them: those of a branch need not come again in the epoch. */
  #logged = new Map<string, Logged>();
  /** What would be logged, until sums are added to: a metric may sort all samples of an epoch. */
  #known: ReadonlyMap<string, Logged> | undefined;

  /** The sums as plain numbers. */
  save(): Record<string, readonly (readonly number[])[]> {
    const sums = [...this.#sums].map(([name, { totals }]) =>
      [name, totals.map((total) => [...total])] as const
    );
    return Object.fromEntries([...this.#restored, ...sums]);
  }

  /** Goes on with what `save` gave in another run. */
  restore(saved: StateValue): void {
    this.#restored = new Map(Object.entries(saved as ReturnType<RecordSums["save"]>));
  }

  /** What is to be logged so far. */
  saveLogged(): Readonly<Record<string, Logged & Readonly<Record<string, StateValue>>>> {
    return Object.fromEntries([...this.#results()].map(([name, logged]) => [name, { ...logged }]));
  }

  /** Goes on with what `saveLogged` gave in another run. */
  restoreLogged(saved: StateValue): void {
    this.#logged = new Map(Object.entries(saved as ReturnType<RecordSums["saveLogged"]>));
    this.#known = undefined;
  }

  /** The sums of a record so far, to add to. */
  totals(
    record: RecordDefinition,
    places: readonly { readonly size: number }[],
  ): readonly Float64Array[] {
    this.#known = undefined;
    let sum = this.#sums.get(record.name);
    if (!sum) {
      const restored = this.#restored.get(record.name);
      const totals = places.map(({ size }, place) =>
        restored ? Float64Array.from(restored[place]) : new Float64Array(size)
      );
      this.#sums.set(record.name, sum = { record, totals });
    }
    const { totals } = sum;
    places.forEach(({ size }, place) => {
      if (size === totals[place].length) return;
      throw new ShapeError(
        `Cannot log "${record.name}" as what its metric gives must have one shape, whatever the ` +
          `samples of a batch: received ${
            totals[place].length
          } numbers, then ${size} (take their sum)`,
      );
    });
    return totals;
  }

  /** The numbers to log. */
  logs(): Record<string, number> {
    return Object.fromEntries(
      [...this.#results()].flatMap(([name, { value }]) =>
        typeof value === "number" ? [[name, value]] : []
      ),
    );
  }

  /** Where numbers get better, by name. */
  directions(): Record<string, "min" | "max"> {
    return Object.fromEntries(
      [...this.#results()].flatMap(([name, { direction }]) => direction ? [[name, direction]] : []),
    );
  }

  /** The tables to log. */
  tables(): Record<string, MetricTable> {
    return Object.fromEntries(
      [...this.#results()].flatMap(([name, { value }]) =>
        typeof value === "number" ? [] : [[name, value]]
      ),
    );
  }

  #results(): ReadonlyMap<string, Logged> {
    if (this.#known) return this.#known;
    const results = new Map(this.#logged);
    for (const [name, { record, totals }] of this.#sums) {
      results.set(name, { value: record.result(...totals), direction: record.direction ?? null });
    }
    return this.#known = results;
  }
}
