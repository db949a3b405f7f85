import { defer, Subject, type Subscriber, takeUntil, tap } from "rxjs";
import { foldKey } from "../state/fold_key.ts";
import { yieldToEvents } from "../stream/yield_to_events.ts";
import type { Pruner } from "./pruner.ts";
import type { Suggest } from "./sampler.ts";
import type { Space } from "./space.ts";
import type { Study } from "./study.ts";
import {
  type Direction,
  isBetter,
  type Objective,
  type Trial,
  type TrialEpoch,
  type TrialRecord,
} from "./trial.ts";
import { ObjectiveError } from "./worker_pool.ts";

/** What a search is made of. */
export interface SearchParts {
  readonly study: Study;
  readonly objective: Objective<Space>;
  readonly suggest: Suggest;
  readonly pruner: Pruner | undefined;
  readonly monitor: string;
  readonly direction: Direction;
  readonly trials: number;
  readonly parallel: number;
}

/** A trial to run. */
type Start = Pick<TrialRecord, "number" | "parameters">;

/** One subscription of a search: keeps so many trials running until there are no more. */
export class Searcher {
  readonly #running = new Set<number>();
  readonly #stopped = new Subject<void>();
  /** Trials that ran when the study was left. */
  readonly #left: Start[];
  #best: number | undefined;
  #filling = false;
  #exhausted = false;

  /** @param parts What it is made of. @param subscriber Who is given the trials. */
  constructor(
    private readonly parts: SearchParts,
    private readonly subscriber: Subscriber<Trial>,
  ) {
    this.#left = parts.study.trials.filter(({ state }) => state === "running");
  }

  /** Gives the trials that have ended before, and begins with the others. */
  start(): void {
    for (const trial of [...this.parts.study.trials]) {
      if (this.subscriber.closed) return;
      if (trial.state !== "running") this.#emit(trial);
    }
    this.#fill();
  }

  /** Ends all that runs. */
  stop(): void {
    this.#stopped.next();
  }

  /** A loop, as trials may end at once. */
  #fill(): void {
    this.#filling = true;
    try {
      while (!this.subscriber.closed && this.#running.size < this.parts.parallel) {
        const next = this.#next();
        if (!next) break;
        this.#run(next);
      }
      if (this.#running.size === 0) this.subscriber.complete();
    } catch (error) {
      this.subscriber.error(error);
    } finally {
      this.#filling = false;
    }
  }

  #next(): Start | undefined {
    const { study, suggest, direction, trials } = this.parts;
    const left = this.#left.shift();
    if (left) {
      study.beginAgain(left.number);
      return left;
    }
    const number = (study.trials.at(-1)?.number ?? 0) + 1;
    if (this.#exhausted || number > trials) return undefined;
    const request = { number, seed: study.seed, direction, trials: study.trials };
    const parameters = suggest(request);
    if (!parameters) {
      this.#exhausted = true;
      return undefined;
    }
    study.begin(number, parameters);
    return { number, parameters };
  }

  #run({ number, parameters }: Start): void {
    const started = performance.now();
    const end = (state: Trial["state"], error?: unknown): void => {
      // Who has left wants the trial again.
      if (this.subscriber.closed) return;
      const message = error instanceof Error ? error.message : error && String(error);
      const seconds = (performance.now() - started) / 1000;
      const how = { state, seconds, ...(message ? { error: message as string } : {}) };
      this.#guard(() => this.#end(number, how));
    };
    let ended = false;
    const epochs = defer(() => this.parts.objective(parameters, this.#context(number))).pipe(
      tap({
        next: (epoch) => this.#report(number, epoch),
        complete: () => ended = true,
      }),
    );
    this.#running.add(number);
    this.#pruned(number, epochs).pipe(takeUntil(this.#stopped)).subscribe({
      error: (error) =>
        error instanceof ObjectiveError ? this.subscriber.error(error) : end("failed", error),
      complete: () => {
        // A pruner is whatever ends the stream before its time.
        if (!ended) end("pruned");
        else if (this.#record(number).value !== undefined) end("complete");
        else end("failed", this.#whyWithoutValue(number));
      },
    });
  }

  #pruned(number: number, epochs: ReturnType<Objective<Space>>): ReturnType<Objective<Space>> {
    const { pruner, study, monitor, direction } = this.parts;
    if (!pruner) return epochs;
    const trials = () => study.trials;
    return epochs.pipe(pruner({ number, seed: study.seed, monitor, direction, trials }));
  }

  #context(number: number): { number: number; seed: number } {
    return { number, seed: foldKey(this.parts.study.seed, "trial", number)[0] };
  }

  #report(number: number, { epoch, step, logs }: TrialEpoch): void {
    const { study, monitor } = this.parts;
    if (!Object.hasOwn(logs, monitor)) {
      const names = Object.keys(logs).join(", ") || "none";
      throw new Error(`its epoch ${epoch} has no "${monitor}" (available: ${names})`);
    }
    const last = this.#record(number).epochs.at(-1)?.epoch ?? 0;
    if (!(Number.isSafeInteger(epoch) && epoch > last)) {
      throw new Error(`the number of its next epoch must be from ${last + 1}: received ${epoch}`);
    }
    study.report(number, {
      epoch,
      ...(step === undefined ? {} : { step }),
      value: logs[monitor],
      logs,
    });
  }

  #end(number: number, how: { state: Trial["state"]; seconds: number; error?: string }): void {
    this.#running.delete(number);
    this.#emit(this.parts.study.end(number, how));
    // A short training is over in one turn of the event loop: a signal or a timer must have its own.
    if (!this.#filling) void yieldToEvents().then(() => this.#fill());
  }

  #emit(trial: TrialRecord): void {
    const { direction } = this.parts;
    const best = trial.state === "complete" &&
      (this.#best === undefined || isBetter(trial.value!, this.#best, direction));
    if (best) this.#best = trial.value;
    this.subscriber.next({ ...trial, best } as Trial);
  }

  #record(number: number): TrialRecord {
    return this.parts.study.trials.find((trial) => trial.number === number)!;
  }

  #whyWithoutValue(number: number): string {
    return this.#record(number).epochs.length === 0
      ? "it ended without an epoch"
      : `its ${this.parts.monitor} was NaN in all epochs`;
  }

  /** What goes wrong with the study itself ends the search. */
  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.subscriber.error(error);
    }
  }
}
