import type { Executable } from "../graph/device.ts";
import { DisposedError, NonFiniteError } from "../graph/errors.ts";
import type { Frame } from "./frame.ts";
import type { KeptState, StateValue } from "./kept_state.ts";
import { type RecordLayout, RecordSums } from "./record_layout.ts";

/** Recorded numbers that may wait on the device or on the way: 8 MiB of float64 on the host. */
const mostWaiting = 2 ** 20;

/** Steps of one executable whose values are still on the device. */
interface Pending {
  readonly layout: RecordLayout;
  readonly steps: { step: number; start: number }[];
}

/** The recorded rows of such steps. */
interface Drained {
  readonly layout: RecordLayout;
  readonly steps: Pending["steps"];
  readonly rows: Float64Array;
}

/**
 * Gathers what steps have recorded, many at once, in the order of the steps, and adds it up over
 * the epoch in float64.
 */
export class Collector implements KeptState {
  /** What is logged of the sums, as a state of its own. */
  readonly logged: KeptState = {
    save: () => this.#sums.saveLogged(),
    restore: (saved) => this.#sums.restoreLogged(saved),
  };
  readonly #pending = new Map<Executable, Pending>();
  readonly #waiting = new Map<
    number,
    PromiseWithResolvers<Readonly<Record<string, number>>>
  >();
  #sums = new RecordSums();
  #last: Promise<void> = Promise.resolve();
  #numbers = 0;
  #ended: Error | undefined;
  /** What is done about a loss that is NaN or infinite; by default the run fails. */
  onNonFinite: (
    name: string,
    value: number,
    step: number,
    start: number,
  ) => Promise<Error> | Error = (name, value, step) =>
    new NonFiniteError(`${name} is ${value} at step ${step}`, step);

  /** What has been gathered of the epoch so far. */
  get sums(): RecordSums {
    return this.#sums;
  }

  /** True when steps have recorded so much that the next one should wait for its collection. */
  get full(): boolean {
    return this.#numbers > mostWaiting;
  }

  /** Announces an executable whose steps will be counted. */
  register(executable: Executable, layout: RecordLayout): void {
    this.#pending.set(executable, { layout, steps: [] });
  }

  /** Forgets an executable whose steps have been collected. */
  forget(executable: Executable): void {
    this.#pending.delete(executable);
  }

  /** Notes that a step was run. */
  ran(executable: Executable, frame: Frame): void {
    const { steps, layout } = this.#pending.get(executable)!;
    steps.push({ step: frame.step, start: frame.start });
    this.#numbers += layout.width;
  }

  /**
   * Values of one step, as soon as somebody collects them; it is asked for at once. Once the step has
   * run they may have been added up with others, so that whoever comes then is refused.
   */
  values(frame: Frame): Promise<Readonly<Record<string, number>>> {
    let entry = this.#waiting.get(frame.step);
    if (this.#ended) return Promise.reject(this.#ended);
    if (!entry && frame.closed) {
      return Promise.reject(
        new DisposedError(
          `Cannot give the values of step ${frame.step} as it has run already: call values() ` +
            `while the step goes down the pipe, in a mergeMap above operators that delay`,
        ),
      );
    }
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
      .map(([executable, { layout, steps }]) => ({
        layout,
        steps: steps.splice(0),
        rows: executable.drain(),
      }));
    this.#numbers = 0;
    if (drained.length === 0) return this.#last;
    if (drained.every(({ rows }) => !(rows instanceof Promise))) {
      const failure = this.#add(drained as Drained[]);
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

  save(): StateValue {
    return this.#sums.save();
  }

  restore(saved: StateValue): void {
    this.#sums.restore(saved);
  }

  /** Forgets the sums: a new epoch begins. */
  reset(): void {
    this.#sums = new RecordSums();
  }

  /** Answers everybody who still waits; the run is over. */
  end(error: Error): void {
    this.#ended = error;
    for (const entry of this.#waiting.values()) entry.reject(error);
    this.#waiting.clear();
  }

  /** Notes that a step had nothing to do, and so nothing to record. */
  idle({ step }: Frame): void {
    this.#waiting.get(step)?.resolve({});
    this.#waiting.delete(step);
  }

  #add(drained: readonly Drained[]): Promise<void> | null {
    const known = drained.flatMap(({ layout, steps, rows }) =>
      steps.map(({ step, start }, row) => ({ step, start, layout, rows, at: row * layout.width }))
    );
    known.sort((a, b) => a.step - b.step);
    for (const { step, start, layout, rows, at } of known) {
      layout.add(this.#sums, rows, at);
      // Only for those who asked: a metric may have hundreds of sums.
      this.#waiting.get(step)?.resolve(layout.values(rows, at));
      this.#waiting.delete(step);
      const bad = layout.nonFinite(rows, at);
      if (bad) return this.#fail(bad.name, bad.value, step, start);
      const fault = layout.fault(rows, at, step);
      if (fault) return Promise.reject(fault);
    }
    return null;
  }

  async #fail(name: string, value: number, step: number, start: number): Promise<void> {
    throw await this.onNonFinite(name, value, step, start);
  }
}
