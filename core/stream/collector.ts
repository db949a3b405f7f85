import type { Executable } from "../graph/device.ts";
import { NonFiniteError } from "../graph/errors.ts";
import type { Frame, RecordDefinition } from "./frame.ts";

/** Steps of one executable whose values are still on the device. */
interface Pending {
  readonly records: readonly RecordDefinition[];
  /** Which recorded output holds each record's count, or −1 for a fixed one. */
  readonly counts: readonly number[];
  readonly steps: { step: number; start: number }[];
}

interface Sum {
  total: number;
  count: number;
  result: RecordDefinition["result"];
}

/** What is known of one step. */
interface StepValues {
  readonly step: number;
  readonly values: Record<string, number>;
}

/**
 * Gathers what steps have recorded, many at once, in the order of the steps, and adds it up over
 * the epoch in float64.
 */
export class Collector {
  readonly #pending = new Map<Executable, Pending>();
  readonly #waiting = new Map<
    number,
    PromiseWithResolvers<Readonly<Record<string, number>>>
  >();
  #sums = new Map<string, Sum>();
  #last: Promise<void> = Promise.resolve();
  /** What is done about a loss that is NaN or infinite; by default the run fails. */
  onNonFinite: (
    name: string,
    value: number,
    step: number,
    start: number,
  ) => Promise<Error> | Error = (name, value, step) =>
    new NonFiniteError(`${name} is ${value} at step ${step}`, step);

  /** Announces an executable whose steps will be counted. */
  register(
    executable: Executable,
    records: readonly RecordDefinition[],
    counts: readonly number[],
  ): void {
    this.#pending.set(executable, { records, counts, steps: [] });
  }

  /** Forgets an executable whose steps have been collected. */
  forget(executable: Executable): void {
    this.#pending.delete(executable);
  }

  /** Notes that a step was run. */
  ran(executable: Executable, frame: Frame): void {
    this.#pending.get(executable)!.steps.push({ step: frame.step, start: frame.start });
  }

  /** Values of one step, as soon as somebody collects them; it is asked for at once. */
  values(frame: Frame): Promise<Readonly<Record<string, number>>> {
    let entry = this.#waiting.get(frame.step);
    if (!entry) {
      entry = Promise.withResolvers<Readonly<Record<string, number>>>();
      entry.promise.catch(() => {});
      this.#waiting.set(frame.step, entry);
      frame.executed.then(() => this.collect()).catch(() => {});
    }
    return entry.promise;
  }

  /** Brings all recorded values to the host; on the CPU they are there when this returns. */
  collect(): Promise<void> {
    const drained = [...this.#pending.entries()].filter(([, { steps }]) => steps.length > 0)
      .map(([executable, pending]) => ({
        pending,
        steps: pending.steps.splice(0),
        rows: executable.drain(),
      }));
    if (drained.length === 0) return this.#last;
    if (drained.every(({ rows }) => !(rows instanceof Promise))) {
      const failure = this.#add(
        drained as { pending: Pending; steps: Pending["steps"]; rows: Float64Array }[],
      );
      if (failure) {
        this.#last = failure;
        failure.catch(() => {});
      }
      return this.#last;
    }
    const before = this.#last;
    this.#last = (async () => {
      const ready = await Promise.all(
        drained.map(async (entry) => ({ ...entry, rows: await entry.rows })),
      );
      await before;
      const failure = this.#add(ready);
      if (failure) await failure;
    })();
    this.#last.catch(() => {});
    return this.#last;
  }

  /** The means of the epoch so far, by log name. */
  means(): Record<string, number> {
    const logs: Record<string, number> = {};
    for (const [name, { total, count, result }] of this.#sums) logs[name] = result(total, count);
    return logs;
  }

  /** Forgets the sums: a new epoch begins. */
  reset(): void {
    this.#sums = new Map();
  }

  /** Answers everybody who still waits; the run is over. */
  end(error: Error): void {
    for (const entry of this.#waiting.values()) entry.reject(error);
    this.#waiting.clear();
  }

  #add(
    drained: { pending: Pending; steps: Pending["steps"]; rows: Float64Array }[],
  ): Promise<void> | null {
    const known: (StepValues & { start: number; sums: () => void })[] = [];
    for (const { pending, steps, rows } of drained) {
      const width = rows.length / steps.length;
      steps.forEach(({ step, start }, row) => {
        const at = row * width;
        const values: Record<string, number> = {};
        const entries = pending.records.map((record, place) => {
          const index = pending.counts[place];
          const total = rows[at + place];
          const count = index < 0 ? record.count as number : rows[at + index];
          values[record.name] = record.result(total, count);
          return { record, total, count };
        });
        const sums = () => entries.forEach((entry) => this.#sum(entry));
        known.push({ step, start, values, sums });
      });
    }
    known.sort((a, b) => a.step - b.step);
    for (const { step, start, values, sums } of known) {
      sums();
      this.#waiting.get(step)?.resolve(values);
      this.#waiting.delete(step);
      const bad = Object.entries(values).find(([name, value]) =>
        name.includes("loss") && !Number.isFinite(value)
      );
      if (bad) return this.#fail(bad[0], bad[1], step, start);
    }
    return null;
  }

  async #fail(name: string, value: number, step: number, start: number): Promise<void> {
    throw await this.onNonFinite(name, value, step, start);
  }

  #sum(entry: { record: RecordDefinition; total: number; count: number }): void {
    const { record, total, count } = entry;
    const sum = this.#sums.get(record.name);
    if (sum) {
      sum.total += total;
      sum.count += count;
    } else this.#sums.set(record.name, { total, count, result: record.result });
  }
}
